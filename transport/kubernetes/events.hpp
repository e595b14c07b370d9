#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "transport/kubernetes/api_client.hpp"

/// Events as client-go's recorder makes them: similar ones are counted and aggregated, and an object that has too many
/// is silenced. Source: architecture §8, client-go's tools/record.
namespace runtime_agent::kubernetes {

/// Namespace of Events about objects that have none.
inline constexpr const char* events_namespace = "default";
Resource events(std::string namespace_);

/// What an Event is about.
struct EventTarget {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid; ///< what `kubectl describe` looks for; may be empty
};

struct EventNote {
  EventTarget target;
  bool warning = false;
  std::string reason;
  std::string message;
};

struct CorrelatorSettings {
  std::string component = "runtime-agent";
  std::string host; ///< the pod's name
  /// An object's Events before it is silenced, and after how long it may have one more.
  unsigned burst = 25;
  std::chrono::seconds refill{300};
  /// So many that differ in their message only, within `aggregate_within`, become one.
  unsigned aggregate_after = 10;
  std::chrono::seconds aggregate_within{600};
  std::size_t remembered = 4096; ///< objects, series and Events each
};

/// How an Event is told: made, or counted on.
struct EventWrite {
  std::string key;  ///< for `written`
  std::string name; ///< of the Event
  Json object;      ///< to be created
  Json patch;       ///< null: create. Otherwise a merge patch of what is there; where that is gone, create after all
};

/// Decides what becomes of each Event. Not thread-safe.
class EventCorrelator {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using WallTime = std::chrono::system_clock::time_point;

  explicit EventCorrelator(CorrelatorSettings settings) : settings_(std::move(settings)) {}

  /// Null: its object has had too many.
  std::optional<EventWrite> correlate(const EventNote& note, TimePoint now, WallTime wall);

private:
  struct Bucket {
    double tokens = 0;
    TimePoint at{};
  };
  struct Series {
    TimePoint last{};
    std::map<std::string, bool> messages; ///< as a set, bounded by `aggregate_after`
  };
  struct Known {
    std::string name;
    std::uint64_t count = 0;
    std::string first_time;
  };
  /// The newest of a bounded number; the one used longest ago goes.
  template <class Value>
  class Recent {
  public:
    Value& at(const std::string& key, std::size_t bound);

  private:
    std::list<std::pair<std::string, Value>> entries_;
    std::map<std::string, typename std::list<std::pair<std::string, Value>>::iterator> index_;
  };

  bool silenced(const std::string& object, TimePoint now);
  /// The message, or the one for all that are similar.
  std::string aggregated(const std::string& series, const EventNote& note, TimePoint now, bool& similar);
  Json body(const EventNote& note, const std::string& name, const Known& known, const std::string& time) const;

  const CorrelatorSettings settings_;
  Recent<Bucket> buckets_;
  Recent<Series> series_;
  Recent<Known> known_;
};

/// Carries it out. Failure (forbidden): Events may not be written.
Result<void> write_event(PatchingApi& api, const EventWrite& write, const CallContext& context);

} // namespace runtime_agent::kubernetes
