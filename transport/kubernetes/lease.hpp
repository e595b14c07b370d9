#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "transport/kubernetes/api.hpp"
#include "transport/kubernetes/clock.hpp"

/// Which of several processes acts, decided by a Lease: client-go's leader election, its field names and its semantics.
/// Source: architecture §8.
namespace runtime_agent::kubernetes {

Resource leases(std::string namespace_);

/// client-go's defaults. A Lease holds whole seconds: `duration` is rounded up to them, and is at least one.
struct LeaseTimes {
  std::chrono::milliseconds duration{15'000};       ///< a standby takes over so long after the last sign of life
  std::chrono::milliseconds renew_deadline{10'000}; ///< a leader that cannot renew for so long stops; below `duration`
  std::chrono::milliseconds retry_period{2'000};    ///< between renewals; between attempts with jitter
};

struct ElectionSettings {
  std::string namespace_;
  std::string name;
  std::string identity; ///< of this process, unlike any other's
  LeaseTimes times;
  /// Where the authorizer forbids Leases: wait until it does not, instead of acting alone. Any other refusal means not
  /// leading in any case: a quota or a webhook that says no to this process may say yes to another.
  bool required = false;
  /// Where acting alone: how often it is looked whether Leases have become allowed. An API server that starts may
  /// forbid for a moment what it allows later.
  std::chrono::milliseconds ask_again_after{60'000};
};

/// `spec` of a Lease. Fields that are lacking or of another type are empty.
struct LeaseRecord {
  std::string holder; ///< empty: nobody's
  std::chrono::seconds duration{0};
  std::string acquire_time; ///< as they stand there, RFC 3339 with microseconds; never compared with a clock
  std::string renew_time;
  std::int64_t transitions = 0;
  bool operator==(const LeaseRecord&) const = default;
};
LeaseRecord read_lease(const Json& lease);

/// The Lease as `identity` would write it at `wall`: what it takes over from somebody counts as a transition, a renewal
/// keeps the time of acquiring. `present`: as it was read; null: there is none. Foreign fields stay.
Json held_lease(const Json* present, const ElectionSettings& settings, std::chrono::system_clock::time_point wall);
/// The same given up: nobody's, for one second, so that a standby takes it at once.
Json released_lease(const Json& present, std::chrono::system_clock::time_point wall);

/// What has been seen of the Lease, and when by our own clock: the times that the holder wrote are of another clock and
/// mean nothing here.
class LeaseObservation {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// A Lease that is as it was seen last is no sign of life. One without a duration is taken to last `otherwise`.
  void see(const Json& lease, TimePoint now, std::chrono::milliseconds otherwise);
  void gone();
  const LeaseRecord& record() const noexcept { return record_; }
  /// Null where there is none.
  const Json* lease() const noexcept { return lease_ ? &*lease_ : nullptr; }
  /// Until when nobody but its holder may take it; long ago where nobody holds it.
  TimePoint expires() const noexcept { return expires_; }
  bool held_by_other(const std::string& identity, TimePoint now) const;

private:
  std::optional<Json> lease_;
  LeaseRecord record_;
  TimePoint expires_{};
};

/// Whether this process may act: open until a time of the monotonic clock, so that a process that was stopped and wakes
/// finds it shut before anybody has told it. Thread-safe.
class LeaderGate {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  void open_until(TimePoint end) noexcept { end_.store(end.time_since_epoch().count()); }
  void open_for_ever() noexcept { open_until(TimePoint::max()); }
  void shut() noexcept { open_until(TimePoint::min()); }
  bool open(TimePoint now = std::chrono::steady_clock::now()) const noexcept {
    return now.time_since_epoch().count() < end_.load();
  }
  /// For HTTP clients (http::ClientOptions::permit).
  Result<void> permit() const;

private:
  std::atomic<TimePoint::rep> end_{TimePoint::min().time_since_epoch().count()};
};

/// What an election tells. All called on its thread, one at a time; nothing is renewed meanwhile.
class ElectionHandler {
public:
  virtual ~ElectionHandler() = default;
  /// This process leads from now on; also called if it led alone before.
  virtual void leads() = 0;
  /// The authorizer forbids Leases: this process leads, and does not know of others.
  virtual void leads_alone(const Failure& failure) = 0;
  /// No longer; the gate is shut. Returns when all that acted has stopped.
  virtual void lost(const std::string& reason) = 0;
  /// Somebody else leads. Told at each change of the holder.
  virtual void stands_by(const std::string& holder) = 0;
  /// The Lease cannot be acquired or read; called again when the kind of the Failure changes. It is retried.
  virtual void cannot_ask(const Failure& failure) = 0;
  /// Whether what acts here can act at all. Where not, the Lease is neither taken nor renewed, so that another one has
  /// it when its time is over.
  virtual bool able() { return true; }
};

/// One process's part in the election. `run` is for one thread, `release` for any after that one.
class Election {
public:
  /// `random`: from 0 up to but not including 1, for jitter. Everything given by reference outlives it.
  Election(Api& api, ElectionSettings settings, LeaderGate& gate, ElectionHandler& handler,
           std::function<double()> random, Clock& clock = system_clock());

  /// Until `cancel`; a Lease that is held then stays held, and the gate open until it would be lost.
  void run(const CancelToken& cancel);
  /// Gives up the Lease that is held, so that another may take it at once. Shuts the gate first. Nothing where none is
  /// held.
  void release(const CallContext& context);

private:
  enum class Attempt { acquired, held_by_other, forbidden, failed };
  struct Outcome {
    Attempt attempt = Attempt::failed;
    Failure failure{};
    bool seen = false; ///< the Lease could be read: Leases are allowed
  };

  Outcome attempt(const CancelToken& cancel);
  Outcome renew(const CallContext& context);
  Outcome take(const CallContext& context);
  Outcome write(const CallContext& context);
  Outcome refused(Failure failure) const;
  void acquired(LeaseObservation::TimePoint asked);
  void step_down(const std::string& reason);
  void tell_failure(const Failure& failure);

  void stand_by(const CancelToken& cancel);
  void lead_alone(const Failure& failure);
  void wait_after_failure(const Outcome& outcome, const CancelToken& cancel);
  void wait_as_standby(const CancelToken& cancel);
  void watch(const CancelToken& cancel);
  std::chrono::milliseconds jittered();
  CallContext context(const CancelToken& cancel) const;

  Api& api_;
  const ElectionSettings settings_;
  LeaderGate& gate_;
  ElectionHandler& handler_;
  std::function<double()> random_;
  Clock& clock_;

  LeaseObservation observed_;
  bool leads_ = false;
  bool alone_ = false;
  LeaseObservation::TimePoint renewed_{}; ///< when the last renewal that succeeded was asked for
  std::optional<std::string> told_holder_;
  std::optional<FailureKind> told_failure_;
  bool may_watch_ = true;
};

} // namespace runtime_agent::kubernetes
