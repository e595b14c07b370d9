#include "actors/status_writer/status_writer.hpp"

#include <algorithm>

#include "actors/supervision/log.hpp"

namespace runtime_agent::status_writer {
namespace {

using kubernetes::Json;

constexpr auto write_limit = std::chrono::seconds(15);
constexpr int conflicts_at_most = 5;

std::string version_of(const Json& object) {
  const auto metadata = object.find("metadata");
  return metadata != object.end() ? metadata->value("resourceVersion", "") : std::string();
}

std::string uid_of(const Json& object) {
  const auto metadata = object.find("metadata");
  return metadata != object.end() ? metadata->value("uid", "") : std::string();
}

/// All that today's CRD keeps: conditions and counts are dropped by it, and are no sign that a status was not written.
/// In a type that sorts an object's members: an API server gives them back in an order of its own.
nlohmann::json kept_status(const Json& object) {
  nlohmann::json status = object.value("status", Json::object());
  if (!status.is_object())
    return status;
  status.erase("conditions");
  if (const auto part = status.find("synchronizationStatus"); part != status.end() && part->is_object()) {
    part->erase(applications_field);
    part->erase(failed_applications_field);
  }
  return status;
}

/// What the CRD has dropped of a status that was sent whole.
void note_what_was_pruned(const Json& stored, Facts& facts) {
  const auto status = stored.find("status");
  if (status == stored.end() || !status->is_object())
    return;
  facts.conditions_pruned = !status->contains("conditions");
  const auto part = status->find("synchronizationStatus");
  if (facts.synchronization && facts.synchronization->applied && part != status->end() && part->is_object())
    facts.counts_pruned = !part->contains(applications_field);
}

std::string state_of(const Json& object) {
  const auto status = object.find("status");
  if (status == object.end() || !status->is_object())
    return {};
  const auto state = status->find("connectionState");
  return state != status->end() && state->is_string() ? state->get<std::string>() : std::string();
}

/// A CRD with a status subresource drops the status of a plain write: then it is written on its own. One without drops
/// nothing, and the answer has it already. Fields that the CRD prunes come back missing both ways and are not missed.
Result<Json> write_status_part(kubernetes::Api& api, const Json& wanted, Json stored, const CallContext& context) {
  if (!wanted.contains("status") || kept_status(stored) == kept_status(wanted))
    return stored;
  kubernetes::Resource status = kubernetes::compass_connections();
  status.subresource = "status";
  const Json plain = stored;
  stored["status"] = wanted["status"];
  auto written = api.update(status, stored, context);
  if (!written && written.error().kind == FailureKind::not_found)
    return plain; // there is no such subresource: a field was dropped that this CRD does not know
  return written;
}

/// Nothing of that kind can be made. While a definition is being deleted, and its objects before it, a real API server
/// says 403 or, in older versions, 405.
bool lacks_its_definition(const Failure& failure) {
  return failure.kind == FailureKind::not_found || failure.http_status == 405 ||
         failure.what.find("custom resource definition is terminating") != std::string::npos;
}

bool kind_is_known(kubernetes::Api& api, const CallContext& context) {
  kubernetes::ListOptions one;
  one.limit = 1;
  return api
      .list(
          kubernetes::compass_connections(), one, [](Json&&) {}, context)
      .has_value();
}

Result<Json> create(kubernetes::Api& api, const Facts& facts, const std::string& absence_id,
                    const CallContext& context) {
  const Json object = new_object(facts, absence_id);
  auto stored = api.create(kubernetes::compass_connections(), object, context);
  // A wish is not dropped for a 404 that passes: without its definition the kind cannot be listed either.
  if (!stored && stored.error().kind == FailureKind::not_found && kind_is_known(api, context))
    stored.error().kind = FailureKind::unavailable;
  if (!stored)
    return stored;
  return write_status_part(api, object, std::move(*stored), context);
}

/// Brings the object in line; a conflict reads it again.
Result<Json> update(kubernetes::Api& api, const Facts& facts, Json object, const CallContext& context) {
  for (int attempt = 0;; ++attempt) {
    if (apply_facts(object, facts) == Change::none)
      return object;
    auto stored = api.update(kubernetes::compass_connections(), object, context);
    if (stored)
      return write_status_part(api, object, std::move(*stored), context);
    if (stored.error().kind != FailureKind::conflict || attempt == conflicts_at_most)
      return stored;
    auto present = api.get(kubernetes::compass_connections(), std::string(object_name), context);
    if (!present)
      return present;
    object = std::move(*present);
  }
}

} // namespace

StatusWriter::StatusWriter(caf::actor_config& config, supervision::Environment& environment, Peers peers,
                           Settings settings, std::shared_ptr<kubernetes::Api> api)
    : Base(config, environment), peers_(std::move(peers)), settings_(std::move(settings)), api_(std::move(api)) {
  facts_.warning = settings_.warning;
}

StatusWriter::behavior_type StatusWriter::make_behavior() {
  tell(peers_.config_watcher, FactsRequested{});
  tell(peers_.connection_manager, FactsRequested{});
  tell(peers_.director_fetcher, FactsRequested{});
  return {
      [this](const ConnectionReport& report) {
        facts_.connection = report;
        heard();
      },
      [this](const SynchronizationReport& report) {
        facts_.synchronization = report;
        tell_problems(report);
        cycle_finished_ |= report.cycle_finished;
        heard();
      },
      [this](const CompassConnectionObserved& observation) { observed(observation); },
  };
}

void StatusWriter::on_exit() {
  peers_ = {};
}

void StatusWriter::heard() {
  if (settings_.publish)
    settings_.publish(facts_);
  consider();
}

void StatusWriter::observed(const CompassConnectionObserved& observation) {
  if (observation.object && !superseded_version_.empty() && version_of(*observation.object) == superseded_version_)
    return; // the watch lags behind our own write
  observed_ = true;
  if (!told_state_)
    told_state_ = observation.object ? state_of(*observation.object) : std::string();
  if (observation.definition_missing)
    definition_is_missing();
  else if (observation.object || observation.absence_id == absence_without_wish_)
    absence_id_.clear();
  else if (absence_id_.empty()) // a ConfigWatcher that has just started does not know which object is gone
    absence_id_ = object_ ? uid_of(*object_) : observation.absence_id;
  if (observation.object)
    tell_object_problem("");
  object_ = observation.object;
  facts_.resync_id = observation.resync_id;
  facts_.refresh_id = observation.refresh_id;
  consider();
}

/// What it was that deleted the object is known now: not a person.
void StatusWriter::definition_is_missing() {
  if (!absence_id_.empty())
    absence_without_wish_ = absence_id_;
  absence_id_.clear();
  tell_object_problem("its definition compassconnections.compass.kyma-project.io is missing; kubectl apply -f "
                      "deploy/chart/runtime-agent/crds");
}

void StatusWriter::tell_object_problem(const std::string& problem) {
  if (facts_.object_problem == problem)
    return;
  facts_.object_problem = problem;
  if (settings_.publish)
    settings_.publish(facts_);
}

void StatusWriter::tell_problems(const SynchronizationReport& report) {
  if (!settings_.happened || !report.applied || report.applied == told_outcome_)
    return;
  told_outcome_ = report.applied;
  for (const Happening& happening : problems_changed(*report.applied, told_problems_))
    settings_.happened(happening);
}

void StatusWriter::tell_state(const std::string& state) {
  const std::string before = told_state_.value_or("");
  if (state == before)
    return;
  told_state_ = state;
  log::info("connection state changed", {{"from", before}, {"to", state}});
  if (settings_.happened)
    settings_.happened(state_changed(facts_, state));
}

void StatusWriter::consider() {
  if (writing_ || !observed_ || !facts_.connection)
    return;
  if (retry_waits_)
    return;
  if (!object_)
    return write();
  Json wanted = *object_;
  facts_.now = wall_now();
  const Change change = apply_facts(wanted, facts_);
  if (change == Change::none)
    return;
  if (state_of(wanted) != state_of(*object_))
    return write();
  if (change == Change::significant || cycle_finished_)
    return write_after(until_next_write());
  write_after(settings_.times_limit);
}

std::chrono::milliseconds StatusWriter::until_next_write() const {
  if (last_write_ == std::chrono::steady_clock::time_point{})
    return std::chrono::milliseconds(0);
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now() - last_write_);
  return std::max(settings_.least_interval - passed, std::chrono::milliseconds(0));
}

void StatusWriter::write_after(std::chrono::milliseconds delay) {
  if (delay.count() == 0)
    return write();
  const auto due = now() + delay;
  if (timer_ != 0 && timer_due_ <= due)
    return;
  cancel_timer(timer_);
  timer_due_ = due;
  timer_ = after(delay, "write the status", supervision::Traced::continues, [this] {
    timer_ = 0;
    retry_waits_ = false;
    if (!writing_ && observed_ && facts_.connection)
      write();
  });
}

void StatusWriter::write() {
  cancel_timer(timer_);
  writing_ = true;
  cycle_finished_ = false;
  last_write_ = now();
  facts_.now = wall_now();
  const std::string based_on = object_ ? version_of(*object_) : std::string();
  written_uid_ = object_ ? uid_of(*object_) : std::string();
  call<Json>(
      {"write the CompassConnection", write_limit},
      [api = api_, facts = facts_, object = object_, absence_id = absence_id_](const CallContext& context) {
        return object ? update(*api, facts, *object, context) : create(*api, facts, absence_id, context);
      },
      [this, based_on](Result<Json> outcome) { written(std::move(outcome), based_on); });
}

void StatusWriter::written(Result<Json> outcome, const std::string& based_on) {
  writing_ = false;
  // Deleted (and perhaps made anew by somebody) since this write was sent: what it wrote, or did not find, is there no
  // more.
  const bool of_an_object_that_has_gone = !written_uid_.empty() && (!object_ || uid_of(*object_) != written_uid_);
  if (of_an_object_that_has_gone && (outcome || outcome.error().kind == FailureKind::not_found))
    return consider();
  if (outcome) {
    tell_object_problem("");
    // Not compared with `object_`: the watch may have shown our write before its answer came.
    tell_state(state_of(*outcome));
    note_what_was_pruned(*outcome, facts_);
    if (version_of(*outcome) != based_on)
      superseded_version_ = based_on;
    object_ = std::make_shared<const Json>(std::move(*outcome));
    absence_id_.clear();
    retry_delay_ = std::chrono::milliseconds(0);
    return consider();
  }
  if (!object_ && lacks_its_definition(outcome.error()))
    definition_is_missing();
  // Deleted or made by somebody else in between: ConfigWatcher sees it too and tells.
  if (object_ && outcome.error().kind == FailureKind::not_found)
    observed_ = false;
  if (!object_ && outcome.error().kind == FailureKind::already_exists)
    observed_ = false;
  if (!observed_)
    tell(peers_.config_watcher, FactsRequested{});
  const auto delay = std::clamp(retry_delay_ * 2, settings_.retry_initial, settings_.retry_ceiling);
  if (retry_delay_.count() == 0)
    log::warning("the CompassConnection could not be written", {{"error", outcome.error().text()}});
  retry_delay_ = delay;
  retry_waits_ = true;
  write_after(delay);
}

} // namespace runtime_agent::status_writer
