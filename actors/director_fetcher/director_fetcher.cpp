#include "actors/director_fetcher/director_fetcher.hpp"

#include <algorithm>
#include <random>

#include "actors/supervision/log.hpp"
#include "transport/compass/refusals.hpp"

namespace runtime_agent::director_fetcher {
namespace {

using LabelValues = std::vector<std::pair<std::string, std::string>>;

/// Those of the labels that the Runtime does not have, or has with another value.
LabelValues differing(const LabelValues& wanted, const compass::RuntimeLabels& present) {
  LabelValues labels;
  for (const auto& label : wanted) {
    const std::string* value = present.find(label.first);
    if (!value || *value != label.second)
      labels.push_back(label);
  }
  return labels;
}

bool complete(const DesiredStateApplied& applied) {
  return !applied.failure && applied.problems.empty();
}

/// Whether what was fetched with `before` is still what `now` would fetch: a renewed certificate changes nothing.
bool same_runtime(const Connection& before, const Connection& now) {
  return before.director_url == now.director_url && before.runtime_id == now.runtime_id && before.tenant == now.tenant;
}

} // namespace

DirectorFetcher::DirectorFetcher(caf::actor_config& config, supervision::Environment& environment, Peers peers,
                                 Settings settings, std::shared_ptr<compass::DirectorClient> director)
    : Base(config, environment), peers_(std::move(peers)), settings_(std::move(settings)),
      director_(std::move(director)),
      schedule_(settings_.pace, [this] { return std::uniform_real_distribution<double>(0, 1)(random()); }) {}

DirectorFetcher::behavior_type DirectorFetcher::make_behavior() {
  over_a_new_connection();
  tell(peers_.connection_manager, FactsRequested{});
  tell(peers_.config_watcher, FactsRequested{});
  tell(peers_.application_reconciler, FactsRequested{});
  return {
      [this](const ConnectionReady& ready) { connection_ready(ready); },
      [this](const ConnectionLost& lost) { connection_lost(lost); },
      [this](const ResyncRequested& request) { resync_requested(request.id); },
      [this](const DesiredStateApplied& result) { applied(result); },
      [this](const FactsRequested&) {
        if (state_)
          tell(peers_.application_reconciler, DesiredStateFetched{state_});
        report();
      },
  };
}

void DirectorFetcher::on_exit() {
  peers_ = {};
}

void DirectorFetcher::connection_ready(const ConnectionReady& ready) {
  const bool anew = !connection_ || !same_runtime(*connection_, *ready.connection);
  const bool other_identity = !connection_ || connection_->identity != ready.connection->identity;
  connection_ = ready.connection;
  if (anew) {
    cancel_fetch(); // what it would bring is another Runtime's
    over_a_new_connection();
  }
  if (state_ && !same_runtime(*state_connection_, *connection_))
    state_.reset();
  // A fetch that failed may well succeed with what is new, so it does not wait for the back-off's end.
  if (anew || (other_identity && report_.fetching)) {
    schedule_.reset();
    schedule_.soon();
  }
  schedule();
}

void DirectorFetcher::connection_lost(const ConnectionLost& lost) {
  connection_.reset();
  cancel_timer(timer_);
  cancel_fetch();
  if (lost.unreadable_configuration) {
    report_.last_attempt = wall_now();
    report_.fetching = lost.unreadable_configuration;
    report_.synchronized = false;
    cycle_ended();
  }
}

void DirectorFetcher::resync_requested(const std::string& id) {
  // Told again with each change of the object, until it has been served.
  if (id == resync_wanted_ || id == resync_under_way_ || id == report_.resync_served)
    return;
  resync_wanted_ = id;
  schedule_.person_asks();
  schedule();
}

void DirectorFetcher::cancel_fetch() {
  cancel_call(fetch_);
  if (!resync_under_way_.empty())
    resync_wanted_ = std::exchange(resync_under_way_, {});
}

// Numbered by the clock, so that no number of a predecessor of this actor comes again.
void DirectorFetcher::over_a_new_connection() {
  director_->drop_idle_connections();
  connection_number_ = std::max(connection_number_ + 1, static_cast<std::uint64_t>(now().time_since_epoch().count()));
}

void DirectorFetcher::schedule() {
  if (!connection_ || fetch_ != 0)
    return;
  cancel_timer(timer_);
  const auto wait = schedule_.wait(now());
  timer_ = after(wait, "synchronize", supervision::Traced::begins, [this] {
    timer_ = 0;
    fetch();
  });
}

void DirectorFetcher::fetch() {
  if (!connection_ || fetch_ != 0)
    return;
  schedule_.started(now());
  fetch_serial_ = connection_->identity->serial;
  report_.last_attempt = wall_now();
  if (!resync_wanted_.empty())
    resync_under_way_ = std::exchange(resync_wanted_, {});
  const std::string id = request_id(connection_->runtime_id);
  fetch_ = call<compass::RuntimeDataPtr>(
      {"fetch from the Director", settings_.fetch_limit},
      [director = director_, access = access(), id,
       before = state_ ? state_->data : nullptr](CallContext context) -> Result<compass::RuntimeDataPtr> {
        context.request_id = id;
        auto data = compass::confirmed(*director, [&] { return director->fetch(access, context); });
        // One and the same where nothing has changed: nobody maps it again, and no second copy is kept.
        if (data && before && (*data)->same_content(*before))
          return before;
        return data;
      },
      [this, id, number = connection_number_](Result<compass::RuntimeDataPtr> data) {
        fetch_ = 0;
        fetched(std::move(data), id, number);
      });
}

void DirectorFetcher::fetched(Result<compass::RuntimeDataPtr> data, const std::string& request_id,
                              std::uint64_t connection_number) {
  if (!data)
    return fetch_failed(data.error());
  if (report_.fetching)
    log::info("fetching from the Director recovered", {{"x-request-id", request_id}});
  schedule_.succeeded();
  certificate_taken();
  if (connection_number != connection_number_)
    schedule_.soon(); // it was on its way when another connection was asked for
  report_.fetching.reset();
  publish_backoff({});
  report_.last_successful_fetch = wall_now();
  auto state = std::make_shared<DesiredState>();
  state->data = std::move(*data);
  // The clock, so that it goes on rising after a restart of this actor.
  state->sequence = static_cast<std::uint64_t>(now().time_since_epoch().count());
  state->connection_number = connection_number;
  state->fetched = now();
  state->request_id = request_id;
  state_ = std::move(state);
  state_connection_ = connection_;
  log::debug("fetched from the Director", {{"applications", state_->data->applications.size()},
                                           {"requests", state_->data->requests},
                                           {"x-request-id", request_id}});
  tell(peers_.application_reconciler, DesiredStateFetched{state_});
  report();
  schedule();
}

void DirectorFetcher::certificate_taken() {
  if (taken_serial_ == fetch_serial_)
    return;
  taken_serial_ = fetch_serial_;
  tell(peers_.connection_manager, CertificateRefused{taken_serial_, std::nullopt});
}

void DirectorFetcher::fetch_failed(const Failure& failure) {
  if (!report_.fetching || report_.fetching->what != failure.what)
    log::warning("fetching from the Director failed; the cluster keeps the last complete state",
                 {{"error", failure.text()}, {"x-request-id", failure.request_id}});
  schedule_.failed(now(), failure);
  publish_backoff(schedule_.wait(now()));
  if (!resync_under_way_.empty())
    resync_wanted_ = std::exchange(resync_under_way_, {}); // still to be served, at the back-off's pace
  report_.fetching = failure;
  report_.synchronized = false;
  // A gateway may look at certificates after the handshake: the Connector decides what this one is worth.
  if (refuses_identity(failure) || failure.kind == FailureKind::certificate_refused || failure.http_status == 401 ||
      failure.http_status == 403) {
    taken_serial_.clear();
    tell(peers_.connection_manager, CertificateRefused{fetch_serial_, failure});
  }
  cycle_ended();
  schedule();
}

void DirectorFetcher::applied(const DesiredStateApplied& result) {
  // After a restart of this actor: how the cluster stands, until a fetch of its own brings something newer.
  if (!state_ && !report_.applied)
    report_.applied = std::make_shared<const DesiredStateApplied>(result);
  if (!state_ || result.sequence != state_->sequence)
    return;
  report_.applied = std::make_shared<const DesiredStateApplied>(result);
  if (complete(result))
    report_.last_successful_application = wall_now();
  if (result.wants_confirmation) {
    // Over a connection of its own, so that one confused server cannot confirm itself (§5.2).
    over_a_new_connection();
    schedule_.soon();
    schedule();
  }
  if (result.failure || labelled_sequence_ == state_->sequence) {
    report_.synchronized = complete(result) && !report_.fetching && !report_.labelling;
    return cycle_ended();
  }
  set_labels();
}

void DirectorFetcher::set_labels() {
  if (!connection_ || labels_under_way_)
    return;
  labelled_sequence_ = state_->sequence;
  const auto ended = [this](Result<void> result) {
    labels_under_way_ = false;
    if (!result && (!report_.labelling || report_.labelling->what != result.error().what))
      log::warning("the Runtime's labels could not be set", {{"error", result.error().text()}});
    report_.labelling = result ? std::optional<Failure>() : result.error();
    if (!result) {
      schedule_.heed(now(), result.error());
      schedule();
    }
    report_.synchronized = result && report_.applied && complete(*report_.applied) && !report_.fetching;
    cycle_ended();
  };
  auto labels = differing(settings_.labels, state_->data->labels);
  if (labels.empty())
    return ended({});
  labels_under_way_ = true;
  call<void>(
      {"set the Runtime's labels", std::chrono::seconds(60)},
      [director = director_, access = access(), labels = std::move(labels),
       id = state_->request_id](CallContext context) -> Result<void> {
        context.request_id = id;
        for (const auto& [key, value] : labels)
          if (auto result = director->set_runtime_label(access, key, value, context); !result)
            return result;
        return {};
      },
      ended);
}

void DirectorFetcher::cycle_ended() {
  if (report_.synchronized && !resync_under_way_.empty())
    report_.resync_served = std::exchange(resync_under_way_, {});
  report_.cycle_finished = true;
  report();
  report_.cycle_finished = false;
}

void DirectorFetcher::publish_backoff(std::chrono::milliseconds backoff) {
  if (settings_.publish_backoff)
    settings_.publish_backoff(backoff);
}

void DirectorFetcher::report() {
  tell(peers_.status_writer, report_);
}

compass::DirectorAccess DirectorFetcher::access() const {
  return {connection_->director_url, connection_->tenant, connection_->runtime_id, connection_->identity};
}

} // namespace runtime_agent::director_fetcher
