#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/status_writer/connection_status.hpp"
#include "actors/supervision/span_observer.hpp"
#include "app/metrics/histogram.hpp"
#include "transport/call.hpp"

/// What is counted while the agent runs; everything else is read from present facts when it is asked for.
namespace runtime_agent::app {

inline constexpr Histogram<6>::Bounds message_bounds{0.0001, 0.001, 0.01, 0.1, 1, 10};
inline constexpr Histogram<8>::Bounds request_bounds{0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30};
inline constexpr Histogram<8>::Bounds cycle_bounds{0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60};

/// Queue and handle time of what actors handle, by actor and type. Called for every message: lock-free, no allocation.
class MessageMeasurements final : public supervision::SpanObserver {
public:
  struct Series {
    std::atomic<std::uint32_t> key{0}; ///< receiver and name; 0: free
    Histogram<6> queue;
    Histogram<6> handle;
  };
  static constexpr std::size_t series_at_most = 256; // the agent has some 60 pairs; more are not counted

  void recorded(const supervision::SpanRecord& record) noexcept override;
  /// Those that were seen. The NameIds are the ring's.
  template <class Visit>
  void visit(Visit visit) const {
    for (const Series& series : series_)
      if (const auto key = series.key.load(std::memory_order_acquire); key != 0)
        visit(static_cast<supervision::NameId>(key >> 16), static_cast<supervision::NameId>(key & 0xffff), series);
  }

private:
  std::array<Series, series_at_most> series_;
};

/// HTTP requests by target and code. Hands each on to the trace ring.
class RequestMeasurements final : public RequestObserver {
public:
  void hand_on_to(RequestObserver& next) { next_ = &next; }
  void finished(const RequestSpan& span) override;

  struct Facts {
    std::map<std::pair<std::string, std::string>, std::uint64_t> counts; ///< target, code
    std::map<std::string, bool>
        forbidden; ///< operations of the cluster that were answered with 403 at some time: still?
  };
  Facts facts() const;
  template <class Visit>
  void visit_durations(Visit visit) const {
    std::lock_guard lock(mutex_);
    for (const auto& [target, histogram] : durations_)
      visit(target, *histogram);
  }

private:
  RequestObserver* next_ = nullptr;
  mutable std::mutex mutex_;
  Facts facts_;
  std::map<std::string, std::unique_ptr<Histogram<8>>> durations_;
};

/// How a synchronization ended, in the words of the metric; nullopt where the report ends none.
std::optional<std::string> cycle_outcome(const SynchronizationReport& report);

/// Synchronizations, by the reports that end them.
class CycleMeasurements {
public:
  CycleMeasurements();
  /// Hears what StatusWriter has heard; the same cycle may be told again. Thread-safe.
  void hear(const status_writer::Facts& facts, WallTime now);
  std::map<std::string, std::uint64_t> counts() const;
  const Histogram<8>& durations() const { return durations_; }

private:
  mutable std::mutex mutex_;
  std::optional<WallTime> counted_; ///< begin of the last cycle that was counted
  std::map<std::string, std::uint64_t> counts_;
  Histogram<8> durations_;
};

/// All of them: one for the process.
struct Measurements {
  MessageMeasurements messages;
  RequestMeasurements requests;
  CycleMeasurements cycles;
};

} // namespace runtime_agent::app
