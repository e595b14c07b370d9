#include "actors/status_writer/status_writer.hpp"

#include <algorithm>
#include <random>

#include "actors/supervision/log.hpp"

namespace runtime_agent::status_writer {
namespace {

using kubernetes::Json;

constexpr auto write_limit = std::chrono::seconds(15);
constexpr auto look_limit = std::chrono::seconds(5);
constexpr const char* definition = "compassconnections.compass.kyma-project.io";

std::string version_of(const Json& object) {
  const auto metadata = object.find("metadata");
  return metadata != object.end() ? metadata->value("resourceVersion", "") : std::string();
}

std::string uid_of(const Json& object) {
  const auto metadata = object.find("metadata");
  return metadata != object.end() ? metadata->value("uid", "") : std::string();
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

/// Nothing of that kind can be made. While a definition is being deleted, and its objects before it, a real API server
/// says 403 or, in older versions, 405.
bool lacks_its_definition(const Failure& failure) {
  return failure.kind == FailureKind::not_found || failure.http_status == 405 ||
         failure.what.find("custom resource definition is terminating") != std::string::npos;
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
  tell_object_problem("its definition " + std::string(definition) +
                      " is missing; kubectl apply -f "
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

void StatusWriter::tell_not_kept(kubernetes::FieldsNotKept fields) {
  if (not_kept_ == fields)
    return;
  not_kept_ = std::move(fields);
  const std::string text = kubernetes::not_kept_text(not_kept_, definition);
  if (text.empty())
    return;
  log::warning("the CompassConnection is not kept as it was written", {{"reason", text}});
  if (settings_.happened)
    settings_.happened({true, "FieldsNotKept", text, ""});
}

/// Who it is stands in the object as it is now, while it is the other's.
void StatusWriter::tell_contest() {
  if (pace_.contested(now()) == contested_)
    return;
  contested_ = !contested_;
  if (!contested_)
    return contest_is("");
  call<std::string>(
      {"see who else writes the CompassConnection", look_limit},
      [api = api_](const CallContext& context) {
        return Result<std::string>(
            kubernetes::other_manager_of(*api, kubernetes::compass_connections(), std::string(object_name), context));
      },
      [this](const Result<std::string>& manager) {
        if (contested_)
          contest_is("CompassConnection " + std::string(object_name) + ": " +
                     kubernetes::contested_text(manager.value_or("")));
      });
}

/// Once when it begins, and when it is over.
void StatusWriter::contest_is(const std::string& text) {
  if (facts_.contested == text)
    return;
  facts_.contested = text;
  if (text.empty())
    log::info("nobody else changes the CompassConnection any more");
  else
    log::warning("somebody else keeps changing the agent's object", {{"object", text}});
  if (settings_.happened)
    settings_.happened({!text.empty(), text.empty() ? "NoLongerContested" : "Contested",
                        text.empty() ? "nobody else has changed it for a minute" : text, ""});
  heard();
}

void StatusWriter::consider() {
  if (writing_ || !observed_ || !facts_.connection || retry_waits_)
    return;
  facts_.now = wall_now();
  if (const auto delay = until_write())
    write_after(*delay);
  tell_contest();
}

std::optional<std::chrono::milliseconds> StatusWriter::until_write() {
  if (!object_)
    return until_repair();
  Json wanted = *object_;
  const Change differs = change_needed(wanted, facts_, not_kept_, sent_.get());
  if (differs == Change::none)
    return std::nullopt;
  const Change told = sent_ ? news(*sent_, *object_, facts_) : differs;
  if (state_of(wanted) != state_of(sent_ ? *sent_ : *object_))
    return std::chrono::milliseconds(0);
  if (told == Change::significant || cycle_finished_)
    return until_next_write();
  if (differs == Change::times)
    return settings_.times_limit;
  const auto repair = std::max(until_next_write(), until_repair()); // somebody else has changed what is ours
  return told == Change::times ? std::min(repair, settings_.times_limit) : repair;
}

bool StatusWriter::repairs() const {
  if (!object_)
    return sent_ != nullptr;
  Json wanted = *object_;
  return sent_ && change_needed(wanted, facts_, not_kept_, sent_.get()) == Change::significant &&
         news(*sent_, *object_, facts_) != Change::significant;
}

std::chrono::milliseconds StatusWriter::until_repair() {
  const auto due = pace_.due(now());
  return due <= now() ? std::chrono::milliseconds(0) : std::chrono::ceil<std::chrono::milliseconds>(due - now());
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
  facts_.now = wall_now();
  repair_ = repairs();
  writing_ = true;
  cycle_finished_ = false;
  last_write_ = now();
  const std::string based_on = object_ ? version_of(*object_) : std::string();
  written_uid_ = object_ ? uid_of(*object_) : std::string();
  call<WrittenConnection>(
      {"write the CompassConnection", write_limit},
      [api = api_,
       write = ConnectionWrite{facts_, object_, absence_id_, not_kept_, !repair_ && !pace_.contested(now())}](
          const CallContext& context) { return write_connection(*api, write, context); },
      [this, based_on](Result<WrittenConnection> outcome) { written(std::move(outcome), based_on); });
}

void StatusWriter::written(Result<WrittenConnection> outcome, const std::string& based_on) {
  writing_ = false;
  const bool conflict = !outcome && outcome.error().kind == FailureKind::conflict;
  if (repair_ && (conflict || (outcome && !outcome->was_in_line)))
    pace_.repaired(now(), std::uniform_real_distribution<double>(0, 1)(random()));
  // Deleted (and perhaps made anew by somebody) since this write was sent: what it wrote, or did not find, is there no
  // more.
  const bool of_an_object_that_has_gone = !written_uid_.empty() && (!object_ || uid_of(*object_) != written_uid_);
  if (of_an_object_that_has_gone && (outcome || outcome.error().kind == FailureKind::not_found))
    return consider();
  if (outcome)
    return stored(std::move(*outcome), based_on);
  if (repair_ && conflict)
    return consider(); // what is there now comes by the watch
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

void StatusWriter::stored(WrittenConnection outcome, const std::string& based_on) {
  tell_object_problem("");
  // Not compared with `object_`: the watch may have shown our write before its answer came.
  tell_state(state_of(outcome.stored));
  note_what_was_pruned(outcome.stored, facts_);
  if (!outcome.was_in_line)
    tell_not_kept(connection_not_kept(outcome.sent, outcome.stored));
  if (version_of(outcome.stored) != based_on)
    superseded_version_ = based_on;
  sent_ = std::make_shared<const Json>(std::move(outcome.sent));
  object_ = std::make_shared<const Json>(std::move(outcome.stored));
  absence_id_.clear();
  retry_delay_ = std::chrono::milliseconds(0);
  consider();
}

} // namespace runtime_agent::status_writer
