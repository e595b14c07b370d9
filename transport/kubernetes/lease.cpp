#include "transport/kubernetes/lease.hpp"

#include <algorithm>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace runtime_agent::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using WallTime = std::chrono::system_clock::time_point;

constexpr double jitter_factor = 1.2; // client-go's JitterFactor
constexpr seconds longest_watch{300};

/// RFC 3339 with microseconds: a MicroTime.
std::string micro_time(WallTime time) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch());
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                     since.count() % 1'000'000);
}

std::string text(const Json& spec, const char* key) {
  const auto found = spec.find(key);
  return found != spec.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number(const Json& spec, const char* key) {
  const auto found = spec.find(key);
  return found != spec.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::int64_t whole_seconds(milliseconds duration) {
  return std::max<std::int64_t>(std::chrono::ceil<seconds>(duration).count(), 1);
}

Json& spec_of(Json& lease) {
  Json& spec = lease["spec"];
  if (!spec.is_object())
    spec = Json::object();
  return spec;
}

} // namespace

Resource leases(std::string namespace_) {
  return {"coordination.k8s.io", "v1", "leases", std::move(namespace_), "Lease"};
}

LeaseRecord read_lease(const Json& lease) {
  const auto spec = lease.find("spec");
  if (spec == lease.end() || !spec->is_object())
    return {};
  LeaseRecord record;
  record.holder = text(*spec, "holderIdentity");
  record.duration = seconds(number(*spec, "leaseDurationSeconds"));
  record.acquire_time = text(*spec, "acquireTime");
  record.renew_time = text(*spec, "renewTime");
  record.transitions = number(*spec, "leaseTransitions");
  return record;
}

Json held_lease(const Json* present, const ElectionSettings& settings, WallTime wall) {
  Json lease = present ? *present : Json{{"metadata", {{"name", settings.name}, {"namespace", settings.namespace_}}}};
  const LeaseRecord before = read_lease(lease);
  const bool renewal = present && before.holder == settings.identity;
  const std::string now = micro_time(wall);
  Json& spec = spec_of(lease);
  spec["holderIdentity"] = settings.identity;
  spec["leaseDurationSeconds"] = whole_seconds(settings.times.duration);
  spec["acquireTime"] = renewal && !before.acquire_time.empty() ? before.acquire_time : now;
  spec["renewTime"] = now;
  spec["leaseTransitions"] = before.transitions + (renewal || !present ? 0 : 1);
  return lease;
}

Json released_lease(const Json& present, WallTime wall) {
  Json lease = present;
  const std::string now = micro_time(wall);
  Json& spec = spec_of(lease);
  spec["holderIdentity"] = "";
  spec["leaseDurationSeconds"] = 1;
  spec["acquireTime"] = now;
  spec["renewTime"] = now;
  return lease;
}

void LeaseObservation::see(const Json& lease, TimePoint now, milliseconds otherwise) {
  const LeaseRecord record = read_lease(lease);
  if (!lease_ || record != record_) {
    const milliseconds duration = record.duration.count() > 0 ? milliseconds(record.duration) : otherwise;
    expires_ = record.holder.empty() ? TimePoint{} : now + duration;
  }
  lease_ = lease;
  record_ = record;
}

void LeaseObservation::gone() {
  lease_.reset();
  record_ = {};
  expires_ = {};
}

bool LeaseObservation::held_by_other(const std::string& identity, TimePoint now) const {
  return lease_ && !record_.holder.empty() && record_.holder != identity && now < expires_;
}

Result<void> LeaderGate::permit() const {
  if (open())
    return {};
  return failed({.kind = FailureKind::cancelled,
                 .what = "this process is not the leader, or no longer",
                 .next = "nothing was sent"});
}

Election::Election(Api& api, ElectionSettings settings, LeaderGate& gate, ElectionHandler& handler,
                   std::function<double()> random, Clock& clock)
    : api_(api), settings_(std::move(settings)), gate_(gate), handler_(handler), random_(std::move(random)),
      clock_(clock) {}

void Election::run(const CancelToken& cancel) {
  while (!cancel.cancelled()) {
    if (!handler_.able()) { // the gate shuts by itself
      clock_.wait(cancel, settings_.times.retry_period);
      continue;
    }
    if (leads_ && !alone_ && clock_.now() >= renewed_ + settings_.times.renew_deadline)
      step_down("the Lease could not be renewed in time");
    const Outcome outcome = attempt(cancel);
    if (cancel.cancelled())
      return;
    switch (outcome.attempt) {
    case Attempt::acquired:
      clock_.wait(cancel, settings_.times.retry_period);
      break;
    case Attempt::held_by_other:
      stand_by(cancel);
      break;
    case Attempt::forbidden:
      lead_alone(outcome.failure);
      clock_.wait(cancel, settings_.ask_again_after);
      break;
    case Attempt::failed:
      wait_after_failure(outcome, cancel);
      break;
    }
  }
}

void Election::stand_by(const CancelToken& cancel) {
  const std::string holder = observed_.record().holder;
  step_down(holder.empty() ? "the Lease was held by another process" : "the Lease is held by " + holder);
  told_failure_.reset();
  if (holder.empty())
    return; // free again: for whoever is first
  if (told_holder_ != holder)
    handler_.stands_by(*(told_holder_ = holder));
  wait_as_standby(cancel);
}

void Election::lead_alone(const Failure& failure) {
  if (leads_)
    return;
  leads_ = alone_ = true;
  told_failure_.reset();
  gate_.open_for_ever();
  handler_.leads_alone(failure);
}

void Election::wait_after_failure(const Outcome& outcome, const CancelToken& cancel) {
  // That Leases are not allowed is certain no longer, so another may have this one any moment.
  if (alone_ && outcome.seen)
    step_down("Leases may be used now, and this one could not be acquired");
  if (alone_) {
    clock_.wait(cancel, settings_.ask_again_after);
    return;
  }
  tell_failure(outcome.failure);
  const auto left = renewed_ + settings_.times.renew_deadline - clock_.now();
  clock_.wait(cancel, leads_ ? std::clamp(std::chrono::duration_cast<milliseconds>(left), milliseconds(0),
                                          settings_.times.retry_period)
                             : jittered());
}

void Election::release(const CallContext& context) {
  gate_.shut();
  if (!std::exchange(leads_, false) || std::exchange(alone_, false))
    return;
  for (int attempts = 0; attempts < 2 && observed_.lease(); ++attempts) {
    const auto written =
        api_.update(leases(settings_.namespace_), released_lease(*observed_.lease(), clock_.wall()), context);
    if (written || written.error().kind != FailureKind::conflict)
      return;
    const auto present = api_.get(leases(settings_.namespace_), settings_.name, context);
    if (!present || read_lease(*present).holder != settings_.identity)
      return;
    observed_.see(*present, clock_.now(), settings_.times.duration);
  }
}

Election::Outcome Election::attempt(const CancelToken& cancel) {
  const CallContext call = context(cancel);
  const auto asked = clock_.now();
  Outcome outcome = leads_ && !alone_ ? renew(call) : take(call);
  if (outcome.attempt == Attempt::acquired)
    acquired(asked);
  // Rights that were taken away while we lead: another may lead already by the time we know.
  if (outcome.attempt == Attempt::forbidden && ((leads_ && !alone_) || settings_.required))
    outcome.attempt = Attempt::failed;
  return outcome;
}

/// With what was written last, and only where that has been changed with what is there now.
Election::Outcome Election::renew(const CallContext& context) {
  if (observed_.lease()) {
    auto written =
        api_.update(leases(settings_.namespace_), held_lease(observed_.lease(), settings_, clock_.wall()), context);
    if (written) {
      observed_.see(*written, clock_.now(), settings_.times.duration);
      return {Attempt::acquired, {}, true};
    }
    const auto kind = written.error().kind;
    if (kind != FailureKind::conflict && kind != FailureKind::not_found)
      return refused(std::move(written.error()));
  }
  return take(context);
}

Election::Outcome Election::take(const CallContext& context) {
  constexpr int races_at_most = 3;
  Outcome outcome;
  for (int races = 0; races < races_at_most; ++races) {
    auto present = api_.get(leases(settings_.namespace_), settings_.name, context);
    if (present)
      observed_.see(*present, clock_.now(), settings_.times.duration);
    else if (present.error().kind == FailureKind::not_found)
      observed_.gone();
    else
      return refused(std::move(present.error()));
    const bool theirs = observed_.lease() && observed_.record().holder != settings_.identity;
    // While we led it has been somebody else's: what runs here is of before, even where it is free again.
    const bool superseded = theirs && leads_ && !alone_;
    if (superseded || observed_.held_by_other(settings_.identity, clock_.now()))
      return {Attempt::held_by_other, {}, true};
    outcome = write(context);
    outcome.seen = true;
    const auto kind = outcome.failure.kind;
    const bool raced = kind == FailureKind::conflict || kind == FailureKind::already_exists;
    if (outcome.attempt != Attempt::failed || !raced)
      return outcome;
  }
  return outcome;
}

Election::Outcome Election::write(const CallContext& context) {
  const Json wanted = held_lease(observed_.lease(), settings_, clock_.wall());
  const Resource resource = leases(settings_.namespace_);
  auto written = observed_.lease() ? api_.update(resource, wanted, context) : api_.create(resource, wanted, context);
  if (!written)
    return refused(std::move(written.error()));
  observed_.see(*written, clock_.now(), settings_.times.duration);
  return {Attempt::acquired, {}, true};
}

Election::Outcome Election::refused(Failure failure) const {
  const Attempt attempt = failure.kind == FailureKind::forbidden ? Attempt::forbidden : Attempt::failed;
  return {attempt, std::move(failure), false};
}

/// What counts is when it was asked for: others count from when they see it, which is later.
void Election::acquired(LeaseObservation::TimePoint asked) {
  renewed_ = asked;
  told_holder_.reset();
  told_failure_.reset();
  gate_.open_until(asked + settings_.times.renew_deadline);
  if (!std::exchange(leads_, true) || std::exchange(alone_, false))
    handler_.leads();
}

void Election::step_down(const std::string& reason) {
  if (!std::exchange(leads_, false))
    return;
  alone_ = false;
  gate_.shut();
  handler_.lost(reason);
}

void Election::tell_failure(const Failure& failure) {
  if (told_failure_ == failure.kind)
    return;
  told_failure_ = failure.kind;
  told_holder_.reset();
  handler_.cannot_ask(failure);
}

void Election::wait_as_standby(const CancelToken& cancel) {
  const auto begun = clock_.now();
  const auto at_least = begun + jittered();
  const std::string holder = observed_.record().holder;
  if (may_watch_)
    watch(cancel);
  // A watch that ends at once must not make a loop without a pause; a Lease that is free is not waited for.
  if (observed_.record().holder != holder)
    return;
  const auto left = std::min(at_least, observed_.expires()) - clock_.now();
  if (left.count() > 0)
    clock_.wait(cancel, left);
}

/// Until the Lease expires or changes hands.
void Election::watch(const CancelToken& cancel) {
  const Json* lease = observed_.lease();
  if (!lease)
    return;
  const CancelToken seen;
  const auto linked = cancel.on_cancel([seen] { seen.cancel(); });
  const std::string holder = observed_.record().holder;
  CallContext call;
  call.cancel = seen;
  call.deadline = std::min(observed_.expires(), clock_.now() + longest_watch);
  WatchOptions options;
  options.resource_version = lease->at("metadata").value("resourceVersion", "");
  options.timeout = std::chrono::ceil<seconds>(call.deadline - clock_.now()) + seconds(1);
  options.idle_limit = longest_watch;
  options.field_selector = "metadata.name=" + settings_.name;
  const auto ended = api_.watch(
      leases(settings_.namespace_), options,
      [&](EventType type, Json&& object) {
        if (type == EventType::bookmark)
          return;
        if (type == EventType::deleted)
          observed_.gone();
        else
          observed_.see(object, clock_.now(), settings_.times.duration);
        if (observed_.record().holder != holder)
          seen.cancel();
      },
      call);
  if (!ended && ended.error().kind == FailureKind::forbidden)
    may_watch_ = false;
}

milliseconds Election::jittered() {
  const double factor = 1.0 + jitter_factor * random_();
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(settings_.times.retry_period.count()) * factor));
}

CallContext Election::context(const CancelToken& cancel) const {
  CallContext call;
  call.cancel = cancel;
  const auto now = clock_.now();
  call.deadline = now + settings_.times.renew_deadline / 2;
  if (leads_ && !alone_)
    call.deadline = std::min(call.deadline, std::max(renewed_ + settings_.times.renew_deadline, now));
  return call;
}

} // namespace runtime_agent::kubernetes
