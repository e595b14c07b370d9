#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/supervision/span.hpp"
#include "transport/call.hpp"

namespace runtime_agent::supervision {

/// The names that spans use: at most 1,023 of at most 63 characters; what does not fit becomes "(other)". Thread-safe.
class NameTable {
public:
  static constexpr std::size_t capacity = 1024;
  static constexpr std::size_t longest = 63;
  NameTable();
  NameId intern(std::string_view name);
  /// Empty for 0.
  std::string_view name(NameId id) const;

private:
  std::vector<std::array<char, longest + 1>> names_;
  std::atomic<std::size_t> count_{1};
  mutable std::mutex mutex_;
  std::unordered_map<std::string_view, NameId> ids_;
};

/// The last spans of the process, in memory of fixed size. Writing is lock-free and takes no allocation. HTTP clients
/// report to it as well. Thread-safe.
class TraceRing final : public RequestObserver {
public:
  struct Settings {
    std::size_t capacity = 16384;         ///< spans
    std::uint32_t spans_per_trace = 2048; ///< of one cycle; the rest is counted
    /// What has to be added to the actors' clock to get the wall clock. Default: by the system's clocks now.
    std::optional<std::chrono::nanoseconds> wall_offset;
  };
  TraceRing();
  explicit TraceRing(const Settings& settings);
  ~TraceRing() override;

  NameId intern(std::string_view name) { return names_.intern(name); }
  std::string_view name(NameId id) const { return names_.name(id); }
  /// A time of the actors' clock as a SpanRecord wants it.
  std::int64_t wall(std::chrono::steady_clock::time_point time) const noexcept {
    return (time.time_since_epoch() + wall_offset_).count();
  }

  /// Adds one span; its `sequence` is given by the ring.
  void record(SpanRecord record) noexcept;
  void finished(const RequestSpan& span) override;

  /// All spans that are still there, oldest first.
  std::vector<Span> snapshot() const;
  /// Those of one trace.
  std::vector<Span> snapshot(const std::array<std::uint8_t, 16>& trace) const;

  std::uint64_t recorded() const noexcept { return next_.load(std::memory_order_relaxed); }
  /// Spans over the limit of their cycle, of all cycles so far.
  std::uint64_t over_limit() const noexcept { return over_limit_.load(std::memory_order_relaxed); }
  /// The same of one trace, while it is remembered.
  std::uint32_t over_limit(const std::array<std::uint8_t, 16>& trace) const noexcept;

private:
  struct Cell;
  struct TraceCount;
  bool admit(const std::array<std::uint8_t, 16>& trace) noexcept;
  template <class Keep>
  std::vector<Span> collect(Keep keep) const;

  const std::size_t capacity_;
  const std::uint32_t spans_per_trace_;
  const std::chrono::nanoseconds wall_offset_;
  NameTable names_;
  std::unique_ptr<Cell[]> cells_;
  std::unique_ptr<TraceCount[]> counts_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> over_limit_{0};
};

} // namespace runtime_agent::supervision
