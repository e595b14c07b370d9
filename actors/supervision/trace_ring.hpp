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
#include "actors/supervision/span_observer.hpp"
#include "actors/supervision/trace_image.hpp"
#include "actors/supervision/trace_layout.hpp"
#include "actors/supervision/trace_memory.hpp"
#include "transport/call.hpp"

namespace runtime_agent::supervision {

/// The names that spans use: at most 1,023 of at most 63 characters; what does not fit becomes "(other)". Looking up a
/// name that is known takes no lock. Thread-safe.
class NameTable {
public:
  static constexpr std::size_t capacity = layout::names;
  static constexpr std::size_t longest = layout::name_size - 1;

  /// Over zeroed memory of `capacity` names, and their count.
  NameTable(std::byte* names, std::atomic<std::uint32_t>& count);
  NameId intern(std::string_view name);
  /// Empty for 0.
  std::string_view name(NameId id) const noexcept;

private:
  static constexpr std::size_t places = 4 * capacity;
  char* text(std::size_t id) const noexcept { return names_ + id * layout::name_size; }
  /// The place of the name, or the free one where it belongs.
  std::size_t place_of(std::string_view name) const noexcept;

  char* names_;
  std::atomic<std::uint32_t>& count_;
  std::mutex mutex_;
  std::unique_ptr<std::atomic<NameId>[]> index_; ///< open addressing; 0: free
};

/// The last spans of the process, in memory of fixed size, and the last failed and slow cycles. Writing is lock-free
/// and takes no allocation. HTTP clients report to it as well. Thread-safe.
class TraceRing final : public RequestObserver {
public:
  struct Settings {
    std::size_t capacity = 16384;         ///< spans
    std::uint32_t spans_per_trace = 2048; ///< of one cycle; the rest is counted
    /// What has to be added to the actors' clock to get the wall clock. Default: by the system's clocks now.
    std::optional<std::chrono::nanoseconds> wall_offset;
    SpanObserver* observer = nullptr; ///< hears of each span; not owned, outlives the ring
    std::size_t retained_failed = 32; ///< cycles with a failure that are kept when the ring has lost them
    std::size_t retained_slow = 32;   ///< the same of those that took long
    std::uint32_t spans_per_retained = 256;
    std::chrono::nanoseconds slow_after = std::chrono::seconds(5); ///< from a cycle's first span to its last
  };
  TraceRing();
  /// In anonymous memory.
  explicit TraceRing(const Settings& settings);
  /// In a file that can be read after a SIGKILL; Failure: see TraceMemory::file.
  static Result<std::shared_ptr<TraceRing>> in_file(const std::string& path, const Settings& settings);
  ~TraceRing() override;

  NameId intern(std::string_view name) { return names_.intern(name); }
  std::string_view name(NameId id) const noexcept { return names_.name(id); }
  /// A time of the actors' clock as a SpanRecord wants it.
  std::int64_t wall(std::chrono::steady_clock::time_point time) const noexcept {
    return (time.time_since_epoch() + wall_offset_).count();
  }

  /// Adds one span; its `sequence` and `checksum` are given by the ring.
  void record(SpanRecord record) noexcept;
  void finished(const RequestSpan& span) override;

  /// Copies the cycles that have failed or taken long to where they are kept longer. To be called about once a second,
  /// so that the ring has not lost them; cheap while there are none.
  void retain();
  /// Writes down why the process ends; the first reason stays.
  void say_end(int exit_code, std::string_view reason) noexcept;

  /// All spans that are still in the ring, oldest first.
  std::vector<Span> snapshot() const;
  /// Those of one trace.
  std::vector<Span> snapshot(const std::array<std::uint8_t, 16>& trace) const;
  /// All cycles, those that are retained included, the youngest first.
  std::vector<Cycle> cycles() const;
  /// One of them; without spans where nothing is known of it.
  Cycle cycle(const std::array<std::uint8_t, 16>& trace) const;

  std::uint64_t recorded() const noexcept { return next_.load(std::memory_order_relaxed); }
  /// Spans over the limit of their cycle, of all cycles so far.
  std::uint64_t over_limit() const noexcept { return over_limit_.load(std::memory_order_relaxed); }
  /// The same of one trace, while it is remembered.
  std::uint32_t over_limit(const std::array<std::uint8_t, 16>& trace) const noexcept;

private:
  TraceRing(const Settings& settings, TraceMemory memory);
  static layout::Places places_of(const Settings& settings);
  static void initialize(std::byte* begin, const Settings& settings);
  TraceContext own_trace() noexcept;
  /// Counts the span; false where it is over its cycle's limit.
  bool admit(const SpanRecord& record) noexcept;
  bool slow(const layout::Count& count) const noexcept;
  void store(const Cycle& cycle, std::uint32_t counted, bool failed);
  layout::Retained& head(std::size_t index) const noexcept;
  layout::Header& header() const noexcept { return *reinterpret_cast<layout::Header*>(memory_.begin()); }

  const Settings settings_;
  const layout::Places places_;
  const std::chrono::nanoseconds wall_offset_;
  TraceMemory memory_;
  TraceImage image_;
  NameTable names_;
  layout::Cell* const cells_;
  layout::Count* const counts_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> over_limit_{0};
  std::atomic<std::uint64_t> own_traces_{0};
  std::atomic<bool> worth_retaining_{false}; ///< since the last retain()
  mutable std::mutex retaining_;             ///< guards the retained cycles
  std::atomic<bool> end_said_{false};
};

} // namespace runtime_agent::supervision
