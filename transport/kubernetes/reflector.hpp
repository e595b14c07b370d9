#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "transport/kubernetes/api.hpp"
#include "transport/kubernetes/clock.hpp"
#include "transport/kubernetes/watch_pause.hpp"

namespace runtime_agent::kubernetes {

/// What a reflector tells. All called on the reflector's thread, one at a time.
class ReflectorHandler {
public:
  virtual ~ReflectorHandler() = default;
  /// A full list begins: what is known before `list_finished` and is not in it is gone. Called again without
  /// `list_finished` in between where the list failed or starts over: what was listed since the last call does not
  /// count.
  virtual void list_started() = 0;
  virtual void listed(Json&& object) = 0;
  virtual void list_finished(const std::string& resource_version) = 0;
  /// After a list: added, modified or deleted.
  virtual void event(EventType type, Json&& object) = 0;
  /// Asked before `event`, as WatchOptions::known. Whoever answers true has taken the event.
  virtual bool known(EventType, const ObjectHead&) { return false; }
  /// The reflector cannot list or watch at the moment (each failed attempt), and will try again after `delay`.
  virtual void failed(const Failure& failure, std::chrono::milliseconds delay) = 0;
  /// Watching is forbidden: from now on the collection is listed each `poll_period`. Told once, and again only where it
  /// had become allowed in between.
  virtual void polling_instead(const Failure& failure) = 0;
};

struct ReflectorOptions {
  ListOptions list;
  std::chrono::milliseconds poll_period{60'000}; ///< where a watch is forbidden
  std::chrono::milliseconds backoff_initial{800};
  std::chrono::milliseconds backoff_ceiling{30'000};
  std::chrono::milliseconds backoff_reset{120'000}; ///< so long without a failure starts over at the initial one
  std::chrono::seconds watch_timeout_min{300};      ///< random between the two
  std::chrono::seconds watch_timeout_max{600};
  std::chrono::seconds list_deadline{120}; ///< for all pages of a list
  /// A watch on which nothing came for so long is taken for dead: a server that sends bookmarks does so each minute.
  /// Before the first bookmark, silence is no sign, and the watch may be silent to its end.
  std::chrono::seconds idle_limit{180};
  /// Where polling: how often it is tried whether watching has become allowed. An API server that starts may forbid for
  /// a moment what it allows later.
  std::chrono::seconds watch_again_after{600};
  std::shared_ptr<WatchPause> pause{}; ///< may be null
  std::uint64_t seed = 0;              ///< for jitter
  Clock* clock = nullptr;              ///< null: the real one; outlives the reflector
};

/// Lists a collection and keeps watching it from the list's version (architecture §6): bookmarks, 410 → list again,
/// very short watches count as failures, back-off with jitter.
class Reflector {
public:
  Reflector(Api& api, Resource resource, ReflectorOptions options, ReflectorHandler& handler);
  /// Blocks until `cancel`.
  void run(const CancelToken& cancel);
  /// Where polling: list now instead of at the end of the period. Thread-safe.
  void poll_now();
  ~Reflector();

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace runtime_agent::kubernetes
