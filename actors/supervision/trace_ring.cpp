#include "actors/supervision/trace_ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace runtime_agent::supervision {
namespace {

constexpr std::size_t words = sizeof(SpanRecord) / sizeof(std::uint64_t);
using Words = std::array<std::uint64_t, words>;

// Sets of four: a cycle keeps its count until four busier ones fall on the same set.
constexpr std::size_t count_sets = 512;
constexpr std::size_t ways = 4;

std::uint64_t key_of(const std::array<std::uint8_t, 16>& trace) {
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), trace.data(), trace.size());
  const std::uint64_t key = halves[0] ^ (halves[1] * 0x9e3779b97f4a7c15u);
  return key == 0 ? 1 : key;
}

std::chrono::nanoseconds system_offset() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()) -
         std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

std::uint32_t clamped(std::uint64_t bytes) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, std::numeric_limits<std::uint32_t>::max()));
}

} // namespace

std::string_view to_string(SpanKind kind) {
  constexpr std::array<std::string_view, 7> names = {"message", "start", "timer", "call", "answer", "event", "request"};
  return names.at(static_cast<std::size_t>(kind));
}

std::string_view to_string(SpanOutcome outcome) {
  constexpr std::array<std::string_view, 4> names = {"ok", "failed", "threw", "dropped"};
  return names.at(static_cast<std::size_t>(outcome));
}

NameTable::NameTable() : names_(capacity) {}

NameId NameTable::intern(std::string_view name) {
  name = name.substr(0, longest);
  if (name.empty())
    return 0;
  std::lock_guard lock(mutex_);
  if (const auto known = ids_.find(name); known != ids_.end())
    return known->second;
  const std::size_t id = count_.load(std::memory_order_relaxed);
  const bool last = id >= capacity - 1;
  if (last)
    name = "(other)";
  if (id >= capacity)
    return static_cast<NameId>(capacity - 1);
  name.copy(names_[id].data(), name.size());
  ids_.emplace(std::string_view(names_[id].data(), name.size()), static_cast<NameId>(id));
  count_.store(id + 1, std::memory_order_release);
  return static_cast<NameId>(id);
}

std::string_view NameTable::name(NameId id) const {
  return id < count_.load(std::memory_order_acquire) ? std::string_view(names_[id].data()) : std::string_view();
}

/// One place of the ring: odd while it is being written.
struct TraceRing::Cell {
  std::atomic<std::uint64_t> version{0};
  std::array<std::atomic<std::uint64_t>, words> content{};
};

struct TraceRing::TraceCount {
  std::atomic<std::uint64_t> key{0};
  std::atomic<std::uint64_t> used{0}; ///< sequence of the last span
  std::atomic<std::uint32_t> count{0};
};

TraceRing::TraceRing() : TraceRing(Settings{}) {}

TraceRing::TraceRing(const Settings& settings)
    : capacity_(std::max<std::size_t>(settings.capacity, 1)), spans_per_trace_(settings.spans_per_trace),
      wall_offset_(settings.wall_offset.value_or(system_offset())), cells_(std::make_unique<Cell[]>(capacity_)),
      counts_(std::make_unique<TraceCount[]>(count_sets * ways)) {}

TraceRing::~TraceRing() = default;

bool TraceRing::admit(const std::array<std::uint8_t, 16>& trace) noexcept {
  const std::uint64_t key = key_of(trace);
  TraceCount* set = &counts_[(key % count_sets) * ways];
  const std::uint64_t now = next_.load(std::memory_order_relaxed) + 1;
  TraceCount* oldest = set;
  for (TraceCount* entry = set; entry != set + ways; ++entry) {
    if (entry->key.load(std::memory_order_relaxed) == key) {
      entry->used.store(now, std::memory_order_relaxed);
      return entry->count.fetch_add(1, std::memory_order_relaxed) < spans_per_trace_;
    }
    if (entry->used.load(std::memory_order_relaxed) < oldest->used.load(std::memory_order_relaxed))
      oldest = entry;
  }
  // Two threads may take the same place at once; the worst of it is a wrong count.
  oldest->key.store(key, std::memory_order_relaxed);
  oldest->used.store(now, std::memory_order_relaxed);
  oldest->count.store(1, std::memory_order_relaxed);
  return spans_per_trace_ > 0;
}

std::uint32_t TraceRing::over_limit(const std::array<std::uint8_t, 16>& trace) const noexcept {
  const std::uint64_t key = key_of(trace);
  const TraceCount* set = &counts_[(key % count_sets) * ways];
  for (const TraceCount* entry = set; entry != set + ways; ++entry) {
    const std::uint32_t count = entry->count.load(std::memory_order_relaxed);
    if (entry->key.load(std::memory_order_relaxed) == key)
      return count > spans_per_trace_ ? count - spans_per_trace_ : 0;
  }
  return 0;
}

void TraceRing::record(SpanRecord record) noexcept {
  if (!admit(record.trace)) {
    over_limit_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  record.sequence = next_.fetch_add(1, std::memory_order_relaxed) + 1;
  Cell& cell = cells_[(record.sequence - 1) % capacity_];
  std::uint64_t version = cell.version.load(std::memory_order_relaxed);
  // Odd: a writer was overtaken by a whole lap of the ring. Its span stays, this one goes.
  if ((version & 1) != 0 || !cell.version.compare_exchange_strong(version, version + 1, std::memory_order_acquire))
    return;
  std::atomic_thread_fence(std::memory_order_release);
  const auto content = std::bit_cast<Words>(record);
  for (std::size_t i = 0; i < words; ++i)
    cell.content[i].store(content[i], std::memory_order_relaxed);
  cell.version.store(version + 2, std::memory_order_release);
}

void TraceRing::finished(const RequestSpan& span) {
  SpanRecord record;
  record.trace = span.trace.trace_id;
  record.parent = span.trace.span_id;
  record.kind = SpanKind::request;
  record.started = std::chrono::duration_cast<std::chrono::nanoseconds>(span.started.time_since_epoch()).count();
  record.queued = record.started;
  record.duration = std::chrono::duration_cast<std::chrono::nanoseconds>(span.duration).count();
  record.receiver = intern(span.target);
  record.name = intern(span.operation.empty() ? span.method : std::string_view(span.operation));
  record.outcome = span.outcome == "ok" ? SpanOutcome::ok : SpanOutcome::failed;
  record.detail = span.outcome == "ok" ? NameId(0) : intern(span.outcome);
  record.status = static_cast<std::int16_t>(span.status);
  record.bytes_sent = clamped(span.bytes_sent);
  record.bytes_received = clamped(span.bytes_received);
  this->record(record);
}

template <class Keep>
std::vector<Span> TraceRing::collect(Keep keep) const {
  std::vector<Span> spans;
  for (std::size_t i = 0; i < capacity_; ++i) {
    const Cell& cell = cells_[i];
    const std::uint64_t before = cell.version.load(std::memory_order_acquire);
    if (before == 0 || (before & 1) != 0)
      continue;
    Words content{};
    for (std::size_t word = 0; word < words; ++word)
      content[word] = cell.content[word].load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (cell.version.load(std::memory_order_relaxed) != before)
      continue;
    const auto record = std::bit_cast<SpanRecord>(content);
    if (!keep(record))
      continue;
    spans.push_back({record, std::string(name(record.sender)), std::string(name(record.receiver)),
                     std::string(name(record.name)), std::string(name(record.detail))});
  }
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.record.sequence < b.record.sequence; });
  return spans;
}

std::vector<Span> TraceRing::snapshot() const {
  return collect([](const SpanRecord&) { return true; });
}

std::vector<Span> TraceRing::snapshot(const std::array<std::uint8_t, 16>& trace) const {
  return collect([&trace](const SpanRecord& record) { return record.trace == trace; });
}

} // namespace runtime_agent::supervision
