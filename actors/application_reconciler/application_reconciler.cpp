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

constexpr std::size_t reads_in_a_call = 25; // Secrets; a call's overhead is a small part then

kubernetes::ReflectorOptions reflector_options(std::uint64_t seed) {
  kubernetes::ReflectorOptions options;
  options.seed = seed;
  return options;
}

} // namespace

ApplicationReconciler::ApplicationReconciler(caf::actor_config& config, supervision::Environment& environment,
                                             Peers peers, Settings settings, std::shared_ptr<kubernetes::Api> api)
    : Base(config, environment), peers_(std::move(peers)), settings_(std::move(settings)), api_(std::move(api)),
      view_(settings_.secret_verification_period), retry_delay_(settings_.retry_initial) {}

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
  watch<ApplicationsEvent>(
      applications_watch,
      [api = api_, options = reflector_options(random()())](const CancelToken& cancel, const auto& emit) {
        watch_collection<ObservedApplication>(*api, kubernetes::applications(), options, cancel, emit);
      },
      [this](const ApplicationsEvent& event) { applications_event(event); });
}

void ApplicationReconciler::watch_secrets() {
  auto options = reflector_options(random()());
  options.list.limit = 100;                    // Secrets may be large
  options.list.field_selector = "type=Opaque"; // ours all are; Helm's are a megabyte each
  secrets_watch_ = watch<SecretsEvent>(
      secrets_watch,
      [api = api_, options, resource = kubernetes::secrets(settings_.mapping.integration_namespace)](
          const CancelToken& cancel, const auto& emit) {
        watch_collection<ObservedSecret>(*api, resource, options, cancel, emit);
      },
      [this](const SecretsEvent& event) { secrets_event(event); });
}

void ApplicationReconciler::applications_event(const ApplicationsEvent& event) {
  if (event.kind == ApplicationsEvent::Kind::polling)
    log::warning("Applications may not be watched: they are listed in each cycle, and changes are found later",
                 {{"error", event.failure->text()}});
  look_at(view_.take(event));
}

void ApplicationReconciler::secrets_event(const SecretsEvent& event) {
  if (event.failure && event.failure->kind == FailureKind::forbidden && event.kind == SecretsEvent::Kind::failed) {
    if (!view_.reads_secrets_by_name())
      log::warning("Secrets may not be listed: they are read one by one, each in ten minutes",
                   {{"error", event.failure->text()}});
    cancel_call(secrets_watch_);
    view_.read_secrets_by_name();
    after(settings_.secret_list_again_after, "try to list Secrets", Traced::begins, [this] { watch_secrets(); });
    return start_pass();
  }
  look_at(view_.take(event, desired_.get()));
}

void ApplicationReconciler::look_at(const Touched& touched) {
  if (pass_) {
    touched_.everything |= touched.everything;
    touched_.applications.insert(touched.applications.begin(), touched.applications.end());
    return;
  }
  // Before the first complete fetch of this process nothing is repaired (§5.2).
  if (desired_)
    out_of_line_ |= touched.everything ||
                    std::any_of(touched.applications.begin(), touched.applications.end(),
                                [this](const auto& name) { return needs_work(name, *desired_, view_.observed()); });
  start_pass();
}

// -- a pass: map, observe, plan, carry out

void ApplicationReconciler::start_pass() {
  if (pass_ || (!waiting_ && !out_of_line_))
    return;
  if (!view_.ready()) {
    // A fetch gets its answer, and stays: it is applied as soon as the cluster can be seen.
    if (const auto failure = view_.problem(); failure && waiting_) {
      DesiredStateApplied blocked;
      blocked.sequence = waiting_->sequence;
      blocked.failure = failure;
      answer(std::move(blocked), false);
    }
    return;
  }
  pass_.emplace();
  pass_->answers_fetch = waiting_ != nullptr;
  out_of_line_ = false;
  touched_ = {};
  view_.pass_started();
  if (!waiting_)
    return observe();
  const bool same = desired_ && state_ && state_->data == waiting_->data; // fetched again, and nothing has changed
  state_ = std::move(waiting_);
  waiting_.reset();
  same ? observe() : map();
}

void ApplicationReconciler::map() {
  call<std::shared_ptr<const DesiredObjects>>(
      {"map Applications", settings_.planning_limit},
      [data = state_->data, mapping = settings_.mapping](const CallContext&) {
        return Result<std::shared_ptr<const DesiredObjects>>(
            std::make_shared<const DesiredObjects>(desired_objects(data, mapping)));
      },
      [this](Result<std::shared_ptr<const DesiredObjects>> mapped) {
        desired_ = mapped ? std::move(*mapped) : nullptr; // never an older mapping with a younger fetch's identity
        if (!mapped)
          return finish(mapped.error());
        observe();
      });
}

void ApplicationReconciler::observe() {
  if (!view_.lists_applications())
    return read_secrets();
  using All = std::map<std::string, ObservedApplication>;
  call<All>(
      {"list Applications", settings_.observation_limit},
      [api = api_](const CallContext& context) -> Result<All> {
        All all;
        kubernetes::ListOptions options;
        options.on_restart = [&all] { all.clear(); };
        const auto listed = api->list(
            kubernetes::applications(), options,
            [&all](Json&& object) { all.insert_or_assign(object_name(object), observed_application(object)); },
            context);
        if (!listed)
          return failed(listed.error());
        return all;
      },
      [this](Result<All> all) {
        if (!all) {
          view_.applications_not_listed(all.error());
          return finish(view_.problem().value_or(all.error()));
        }
        view_.applications_listed(std::move(*all));
        read_secrets();
      });
}

void ApplicationReconciler::read_secrets() {
  if (view_.reads_secrets_by_name()) {
    const auto due = view_.secrets_due(*desired_, now());
    for (std::size_t i = 0; i < due.size(); i += reads_in_a_call)
      pass_->reads.emplace_back(due.begin() + static_cast<std::ptrdiff_t>(i),
                                due.begin() + static_cast<std::ptrdiff_t>(std::min(i + reads_in_a_call, due.size())));
  }
  read_next_secrets();
}

void ApplicationReconciler::read_next_secrets() {
  while (!pass_->reads.empty() && pass_->running < settings_.concurrency) {
    ++pass_->running;
    call<SecretReads>(
        {"read Secrets", settings_.application_limit},
        [api = api_, names = std::move(pass_->reads.back()),
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
        [this](const Result<SecretReads>& reads) { secrets_read(reads); });
    pass_->reads.pop_back();
  }
  if (pass_->running == 0)
    plan();
}

void ApplicationReconciler::secrets_read(const Result<SecretReads>& reads) {
  --pass_->running;
  if (reads)
    for (const auto& [name, secret] : *reads)
      view_.secret_read(name, secret, now());
  read_next_secrets();
}

void ApplicationReconciler::plan() {
  const FetchIdentity fetch{state_->connection_number, state_->fetched};
  call<Plan>(
      {"plan", settings_.planning_limit},
      [desired = desired_, observed = view_.snapshot(), fetch, hold = hold_,
       minimal = settings_.minimal_sync_time](const CallContext&) {
        return Result<Plan>(plan_changes({*desired, *observed, fetch, hold, minimal}));
      },
      [this](Result<Plan> plan) {
        if (!plan)
          return finish(plan.error());
        planned(std::move(*plan));
      });
}

void ApplicationReconciler::planned(Plan plan) {
  hold_ = plan.hold;
  pass_->problems = plan.problems;
  pass_->counts.desired = plan.desired;
  pass_->counts.unchanged = plan.unchanged;
  pass_->plan = std::move(plan);
  limit_repairs();
  carry_out();
}

void ApplicationReconciler::limit_repairs() {
  std::erase_if(pass_->plan.work, [this](const ApplicationWork& work) {
    const auto until = repairs_.wait_until(work.name, wanted_digest(work), now());
    if (!until)
      return false;
    pass_->problems.push_back(
        {work.name, "somebody else keeps changing it; it is put right at most three times a minute"});
    pass_->again_at = pass_->again_at ? std::min(*pass_->again_at, *until) : *until;
    return true;
  });
}

void ApplicationReconciler::carry_out() {
  const auto& work = pass_->plan.work;
  while (pass_->next < work.size() && pass_->running < settings_.concurrency) {
    ++pass_->running;
    const auto item = std::make_shared<const ApplicationWork>(work[pass_->next++]);
    call<ApplicationOutcome>(
        {"apply an Application", settings_.application_limit},
        [api = api_, item, mapping = settings_.mapping](const CallContext& context) {
          return Result<ApplicationOutcome>(execute(*api, *item, mapping, context));
        },
        [this, item](const Result<ApplicationOutcome>& outcome) { carried_out(*item, outcome); });
  }
  if (pass_->running == 0)
    finish(std::nullopt);
}

void ApplicationReconciler::carried_out(const ApplicationWork& work, const Result<ApplicationOutcome>& outcome) {
  --pass_->running;
  if (outcome) {
    view_.learn(*outcome, now());
    count(*outcome, pass_->counts);
    pass_->retry |= outcome->retry;
    for (const auto& reason : outcome->problems)
      pass_->problems.push_back({work.name, reason});
    if (outcome->written || outcome->secrets_written > 0 || outcome->secrets_deleted > 0)
      repairs_.written(work.name, wanted_digest(work), now());
    if (auto what = change_of(*outcome); !what.empty())
      pass_->changes.insert_or_assign(work.name, std::move(what));
  } else {
    pass_->retry = true;
    pass_->problems.push_back({work.name, bounded(outcome.error().text(), reason_limit)});
  }
  carry_out();
}

void ApplicationReconciler::finish(std::optional<Failure> failure) {
  Pass pass = std::move(*pass_);
  pass_.reset();
  const bool failed = failure || pass.retry;
  DesiredStateApplied applied;
  applied.sequence = state_->sequence;
  applied.counts = pass.counts;
  applied.problems = by_application(std::move(pass.problems));
  applied.counts.failed = applications_of(applied.problems);
  applied.wants_confirmation = !pass.plan.held.empty();
  publish(pass, applied.problems, failure);
  applied.failure = failure ? std::move(failure) : held_back(pass.plan.held);
  log_pass(applied, applied_ && same_result(*applied_, applied), pass.answers_fetch);
  answer(std::move(applied), pass.answers_fetch);
  repairs_.prune(now());
  schedule_retry(failed, pass);
  look_at(std::exchange(touched_, {}));
}

void ApplicationReconciler::publish(const Pass& pass, const std::vector<ApplicationProblem>& problems,
                                    const std::optional<Failure>& failure) {
  if (!settings_.publish)
    return;
  PassFacts facts{wall_now(), desired_, {}, pass.changes, problems, pass.plan.held, failure};
  const auto differs = [&](const std::string& name) {
    const ObservedApplication* live = view_.observed().application(name);
    facts.differ.insert_or_assign(name, live ? std::optional(live->digest) : std::nullopt);
  };
  // What was in line needs no look: its digest in the cluster is the desired one.
  for (const ApplicationWork& work : pass.plan.work)
    differs(work.name);
  for (const ApplicationProblem& problem : problems)
    differs(problem.application);
  for (const std::string& name : pass.plan.held)
    differs(name);
  settings_.publish(std::move(facts));
}

void ApplicationReconciler::schedule_retry(bool failed, const Pass& pass) {
  cancel_timer(retry_timer_);
  std::optional<std::chrono::milliseconds> delay;
  if (failed) {
    // Full jitter: many agents, one API server that was away.
    delay = std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(1, retry_delay_.count())(random()));
    retry_delay_ = std::min(retry_delay_ * 2, settings_.retry_ceiling);
  } else {
    retry_delay_ = settings_.retry_initial;
  }
  if (pass.again_at) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*pass.again_at - now());
    delay = delay ? std::min(*delay, wait) : wait;
  }
  if (!delay)
    return;
  retry_timer_ = after(*delay, "bring in line again", Traced::begins, [this] {
    retry_timer_ = 0;
    out_of_line_ = desired_ != nullptr;
    if (!desired_ && !waiting_)
      waiting_ = state_; // it could not be mapped
    start_pass();
  });
}

void ApplicationReconciler::answer(DesiredStateApplied applied, bool in_any_case) {
  const bool news = !applied_ || applied_->sequence != applied.sequence || !same_result(*applied_, applied);
  applied_ = applied;
  if (news || in_any_case)
    tell(peers_.director_fetcher, std::move(applied));
}

} // namespace runtime_agent::application_reconciler
