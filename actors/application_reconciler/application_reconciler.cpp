#include "actors/application_reconciler/application_reconciler.hpp"

#include <algorithm>
#include <utility>

#include "actors/application_reconciler/answer.hpp"
#include "actors/application_reconciler/problem_text.hpp"
#include "actors/supervision/log.hpp"

namespace runtime_agent::application_reconciler {

using kubernetes::Json;
using supervision::Traced;

namespace {

// So many Applications are looked at in a handler; for more of them, a plan on an I/O thread.
constexpr std::size_t looked_at_in_a_handler = 200;
constexpr std::chrono::seconds while_a_pass_goes_on{1};
// Where watching is forbidden each cycle lists Applications; this is for when there are no cycles.
constexpr std::chrono::minutes poll_period{5};

kubernetes::ReflectorOptions reflector_options(std::uint64_t seed, std::shared_ptr<kubernetes::WatchPause> pause) {
  kubernetes::ReflectorOptions options;
  options.seed = seed;
  options.pause = std::move(pause);
  return options;
}

std::function<double()> fractions(std::mt19937_64& random) {
  return [&random] { return std::uniform_real_distribution<double>(0, 1)(random); };
}

} // namespace

ApplicationReconciler::ApplicationReconciler(caf::actor_config& config, supervision::Environment& environment,
                                             Peers peers, Settings settings, std::shared_ptr<kubernetes::Api> api)
    : Base(config, environment), peers_(std::move(peers)), settings_(std::move(settings)), api_(std::move(api)),
      failures_(settings_.refused_initial, settings_.retry_ceiling, fractions(random())),
      verification_(settings_.secret_verification_period, fractions(random())), retry_delay_(settings_.retry_initial) {}

ApplicationReconciler::behavior_type ApplicationReconciler::make_behavior() {
  watch_applications();
  watch_secrets();
  tell(peers_.director_fetcher, FactsRequested{});
  return {
      [this](const DesiredStateFetched& fact) {
        waiting_ = fact.state;
        start_pass();
      },
      [this](const FactsRequested&) {
        if (applied_)
          tell(peers_.director_fetcher, *applied_);
      },
  };
}

void ApplicationReconciler::on_exit() {
  peers_ = {};
}

// -- what the cluster says

void ApplicationReconciler::watch_applications() {
  auto options = reflector_options(random()(), pause_);
  options.poll_period = poll_period;
  watch<ApplicationsEvent>(
      applications_watch,
      [api = api_, options, written = written_](const CancelToken& cancel, const auto& emit) {
        watch_collection<ObservedApplication>(*api, kubernetes::applications(), options, written->applications, cancel,
                                              emit);
      },
      [this](const ApplicationsEvent& event) { take_or_keep(event); });
}

void ApplicationReconciler::watch_secrets() {
  auto options = reflector_options(random()(), pause_);
  options.list.limit = 100;                    // Secrets may be large
  options.list.field_selector = "type=Opaque"; // ours all are; Helm's are a megabyte each
  secrets_watch_ = watch<SecretsEvent>(
      secrets_watch,
      [api = api_, options, written = written_,
       resource = kubernetes::secrets(settings_.mapping.integration_namespace)](const CancelToken& cancel,
                                                                                const auto& emit) {
        watch_collection<ObservedSecret>(*api, resource, options, written->secrets, cancel, emit);
      },
      [this](const SecretsEvent& event) { take_or_keep(event); });
}

template <class Event>
void ApplicationReconciler::take_or_keep(const Event& event) {
  // A plan is being made of what is known: a change now would copy all of it first. One after another, in any case.
  if (pass_ && (view_.lent() || !pass_->kept.empty()))
    pass_->kept.emplace_back(event);
  else
    take(event);
}

void ApplicationReconciler::take_kept_events() {
  for (const auto& event : std::exchange(pass_->kept, {}))
    std::visit([this](const auto& one) { take(one); }, event);
}

void ApplicationReconciler::take(const ApplicationsEvent& event) {
  if (event.kind == ApplicationsEvent::Kind::polling)
    log::warning("Applications may not be watched: they are listed in each cycle, and changes are found later",
                 {{"error", event.failure->text()}});
  bool missed = false;
  const auto touched = view_.take(event, missed);
  if (missed)
    verification_.restart(); // what happened to their Secrets meanwhile, nobody tells
  look_at(touched);
}

void ApplicationReconciler::take(const SecretsEvent& event) {
  if (event.failure && event.failure->kind == FailureKind::forbidden && event.kind == SecretsEvent::Kind::failed) {
    if (!view_.reads_secrets_by_name()) {
      log::warning("Secrets may not be listed: they are read one by one, each in ten minutes",
                   {{"error", event.failure->text()}});
      verification_.restart();
      out_of_line_ |= desired_ != nullptr; // what has happened since the last list is not known
      verify_secrets_after(verification_.pause());
    }
    cancel_call(secrets_watch_);
    view_.read_secrets_by_name();
    after(settings_.secret_list_again_after, "try to list Secrets", Traced::begins, [this] { watch_secrets(); });
    return start_pass();
  }
  look_at(view_.take(event, desired_.get()));
}

void ApplicationReconciler::look_at(const Touched& touched) {
  if (pass_) {
    touched_.add(touched);
    return;
  }
  // Before the first complete fetch of this process nothing is repaired (§5.2).
  if (desired_)
    out_of_line_ |= touched.everything || touched.applications.size() > looked_at_in_a_handler ||
                    std::any_of(touched.applications.begin(), touched.applications.end(),
                                [this](const auto& name) { return needs_work(name, *desired_, view_.observed()); });
  start_pass();
}

/// Once for all Applications: the cause is one.
void ApplicationReconciler::tell_not_kept(const kubernetes::FieldsNotKept& fields, const std::string& definition) {
  kubernetes::FieldsNotKept news;
  for (const auto& [path, how] : fields)
    if (told_not_kept_.emplace(path, how).second)
      news.emplace(path, how);
  const std::string text = kubernetes::not_kept_text(news, definition);
  if (text.empty())
    return;
  log::warning("Applications or their Secrets are not kept as they were written", {{"reason", text}});
  if (settings_.warn)
    settings_.warn(text);
}

// -- Secrets that may not be listed: one after another is read again

void ApplicationReconciler::verify_secrets_after(std::chrono::milliseconds delay) {
  cancel_timer(verification_timer_);
  verification_timer_ = after(delay, "verify Secrets", Traced::begins, [this] {
    verification_timer_ = 0;
    if (!view_.reads_secrets_by_name())
      return;
    pass_ ? verify_secrets_after(while_a_pass_goes_on) : verify_secrets();
  });
}

void ApplicationReconciler::verify_secrets() {
  auto names = verification_.next();
  const auto read = [this, passes = passes_](const Result<SecretReads>& reads) {
    // What a pass has written meanwhile is younger than what was read.
    if (!view_.reads_secrets_by_name())
      return; // they are listed again
    if (reads && !pass_ && passes == passes_) {
      Touched touched;
      for (const auto& [name, secret] : *reads)
        touched.add(view_.secret_read(name, secret, desired_.get()));
      look_at(touched);
    } else {
      verification_.again();
    }
    verify_secrets_after(verification_.pause());
  };
  if (names.empty())
    return verify_secrets_after(verification_.pause());
  read_secrets(std::move(names), read);
}

void ApplicationReconciler::read_secrets(std::vector<std::string> names,
                                         std::function<void(const Result<SecretReads>&)> then) {
  call<SecretReads>(
      {"read Secrets", settings_.application_limit},
      [api = api_, names = std::move(names),
       resource = kubernetes::secrets(settings_.mapping.integration_namespace)](const CallContext& context) {
        SecretReads reads;
        for (const auto& name : names) {
          auto live = api->get(resource, name, context);
          if (live) {
            reads.emplace_back(name, observed_secret(*live));
            wipe_secret_data(*live);
          } else if (live.error().kind == FailureKind::not_found) {
            reads.emplace_back(name, std::nullopt);
          }
          // Any other stays unknown: writing it says what is wrong, for its Application alone.
        }
        return Result<SecretReads>(std::move(reads));
      },
      std::move(then));
}

} // namespace runtime_agent::application_reconciler
