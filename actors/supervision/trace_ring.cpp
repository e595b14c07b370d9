#include "actors/supervision/trace_ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <unordered_set>

#include <unistd.h>

#include "actors/supervision/boot_id.hpp"
#include "actors/supervision/retained_spans.hpp"
#include "actors/supervision/tracing.hpp"

namespace runtime_agent::supervision {
namespace {

constexpr std::size_t words = layout::record_words;
using RecordWords = std::array<std::uint64_t, words>;

std::chrono::nanoseconds system_offset() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()) -
         std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

std::int64_t wall_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::uint32_t clamped(std::uint64_t bytes) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, std::numeric_limits<std::uint32_t>::max()));
}

bool failing(SpanOutcome outcome) {
  return outcome == SpanOutcome::failed || outcome == SpanOutcome::threw;
}

} // namespace

std::string_view to_string(SpanKind kind) {
  constexpr std::array<std::string_view, 8> names = {"message", "start", "timer",   "call",
                                                     "answer",  "event", "request", "restart"};
  return names.at(static_cast<std::size_t>(kind));
}

std::string_view to_string(SpanOutcome outcome) {
  constexpr std::array<std::string_view, 4> names = {"ok", "failed", "threw", "dropped"};
  return names.at(static_cast<std::size_t>(outcome));
}

// -- names
// -----------------------------------------------------------------------------------------------------------------

NameTable::NameTable(std::byte* names, std::atomic<std::uint32_t>& count)
    : names_(reinterpret_cast<char*>(names)), count_(count), index_(std::make_unique<std::atomic<NameId>[]>(places)) {
  count_.store(1, std::memory_order_release); // 0 is no name
}

std::size_t NameTable::place_of(std::string_view name) const noexcept {
  for (std::size_t place = std::hash<std::string_view>()(name) % places;; place = (place + 1) % places) {
    const NameId id = index_[place].load(std::memory_order_acquire);
    if (id == 0 || std::string_view(text(id)) == name)
      return place; // there always is a free one: it has four times as many places as names
  }
}

NameId NameTable::intern(std::string_view name) {
  name = name.substr(0, std::min(name.find('\0'), longest));
  if (name.empty())
    return 0;
  if (const NameId known = index_[place_of(name)].load(std::memory_order_acquire); known != 0)
    return known;
  std::lock_guard lock(mutex_);
  const std::size_t id = count_.load(std::memory_order_relaxed);
  if (id >= capacity)
    return static_cast<NameId>(capacity - 1);
  if (id == capacity - 1)
    name = "(other)";
  const std::size_t place = place_of(name); // another thread may have been quicker
  if (const NameId known = index_[place].load(std::memory_order_relaxed); known != 0)
    return known;
  name.copy(text(id), name.size());
  count_.store(static_cast<std::uint32_t>(id + 1), std::memory_order_release);
  index_[place].store(static_cast<NameId>(id), std::memory_order_release);
  return static_cast<NameId>(id);
}

std::string_view NameTable::name(NameId id) const noexcept {
  return id < count_.load(std::memory_order_acquire) ? std::string_view(text(id)) : std::string_view();
}

// -- the ring
// --------------------------------------------------------------------------------------------------------------

layout::Places TraceRing::places_of(const Settings& settings) {
  return {std::max<std::size_t>(settings.capacity, 1), settings.retained_failed + settings.retained_slow,
          settings.spans_per_retained};
}

void TraceRing::initialize(std::byte* begin, const Settings& settings) {
  auto& header = *new (begin) layout::Header{};
  header.magic = layout::magic;
  header.version = layout::version;
  header.record_size = sizeof(SpanRecord);
  header.boot = boot_id();
  header.process = static_cast<std::uint64_t>(getpid());
  header.started = wall_now();
  header.cells = std::max<std::size_t>(settings.capacity, 1);
  header.retained = settings.retained_failed + settings.retained_slow;
  header.spans_per_retained = settings.spans_per_retained;
  header.checksum = layout::checksum_of(header);
}

TraceRing::TraceRing() : TraceRing(Settings{}) {}

TraceRing::TraceRing(const Settings& settings)
    : TraceRing(settings, [&settings] {
        TraceMemory memory = TraceMemory::anonymous(places_of(settings).size);
        initialize(memory.begin(), settings);
        return memory;
      }()) {}

Result<std::shared_ptr<TraceRing>> TraceRing::in_file(const std::string& path, const Settings& settings) {
  auto memory =
      TraceMemory::file(path, places_of(settings).size, [&settings](std::byte* begin) { initialize(begin, settings); });
  if (!memory)
    return failed(memory.error());
  return std::shared_ptr<TraceRing>(new TraceRing(settings, std::move(*memory)));
}

TraceRing::TraceRing(const Settings& settings, TraceMemory memory)
    : settings_(settings), places_(places_of(settings)), wall_offset_(settings.wall_offset.value_or(system_offset())),
      memory_(std::move(memory)), image_(memory_.begin()), names_(memory_.begin() + places_.names, header().name_count),
      cells_(reinterpret_cast<layout::Cell*>(memory_.begin() + places_.cells)),
      counts_(reinterpret_cast<layout::Count*>(memory_.begin() + places_.counts)) {}

TraceRing::~TraceRing() = default;

bool TraceRing::admit(const SpanRecord& record) noexcept {
  const std::uint64_t key = layout::key_of(record.trace);
  layout::Count* set = counts_ + (key % layout::count_sets) * layout::ways;
  layout::Count* place = set;
  bool known = false;
  for (layout::Count* entry = set; entry != set + layout::ways && !known; ++entry) {
    known = entry->key.load(std::memory_order_relaxed) == key;
    if (known || entry->used.load(std::memory_order_relaxed) < place->used.load(std::memory_order_relaxed))
      place = entry;
  }
  const std::int64_t end = record.started + record.duration;
  // Two threads may take the same place at once, and both may be first; the worst of it is a wrong count.
  if (!known) {
    place->spans.store(0, std::memory_order_relaxed);
    place->kept.store(0, std::memory_order_relaxed);
    place->flags.store(0, std::memory_order_relaxed);
    place->begin.store(record.started, std::memory_order_relaxed);
    place->end.store(end, std::memory_order_relaxed);
    place->key.store(key, std::memory_order_relaxed);
  }
  place->used.store(next_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (record.started < place->begin.load(std::memory_order_relaxed))
    place->begin.store(record.started, std::memory_order_relaxed);
  if (end > place->end.load(std::memory_order_relaxed))
    place->end.store(end, std::memory_order_relaxed);
  if (failing(record.outcome))
    place->flags.fetch_or(layout::failing, std::memory_order_relaxed);
  // Written when it changes only: all threads read what lies beside it.
  if (((place->flags.load(std::memory_order_relaxed) & layout::failing) != 0 || slow(*place)) &&
      !worth_retaining_.load(std::memory_order_relaxed))
    worth_retaining_.store(true, std::memory_order_relaxed);
  return place->spans.fetch_add(1, std::memory_order_relaxed) < settings_.spans_per_trace;
}

std::uint32_t TraceRing::over_limit(const std::array<std::uint8_t, 16>& trace) const noexcept {
  const std::uint32_t count = image_.counted(trace);
  return count > settings_.spans_per_trace ? count - settings_.spans_per_trace : 0;
}

void TraceRing::record(SpanRecord record) noexcept {
  if constexpr (!tracing)
    return;
  if (settings_.observer != nullptr)
    settings_.observer->recorded(record);
  if (!admit(record)) {
    over_limit_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  record.sequence = next_.fetch_add(1, std::memory_order_relaxed) + 1;
  record.checksum = layout::checksum_of(record);
  layout::Cell& cell = cells_[(record.sequence - 1) % header().cells];
  std::uint64_t version = cell.version.load(std::memory_order_relaxed);
  // Odd: a writer was overtaken by a whole lap of the ring. Its span stays, this one goes.
  if ((version & 1) != 0 || !cell.version.compare_exchange_strong(version, version + 1, std::memory_order_acquire))
    return;
  std::atomic_thread_fence(std::memory_order_release);
  const auto content = std::bit_cast<RecordWords>(record);
  for (std::size_t i = 0; i < words; ++i)
    cell.content[i].store(content[i], std::memory_order_relaxed);
  cell.version.store(version + 2, std::memory_order_release);
}

TraceContext TraceRing::own_trace() noexcept {
  // Random enough for an id that nobody else has to guess or to know.
  const std::uint64_t number = own_traces_.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::array<std::uint64_t, 2> halves{static_cast<std::uint64_t>(header().started) * 0x9e3779b97f4a7c15u,
                                            (header().process << 40 ^ number) * 0xbf58476d1ce4e5b9u};
  return make_trace(std::bit_cast<std::array<std::uint8_t, 16>>(halves));
}

void TraceRing::finished(const RequestSpan& span) {
  SpanRecord record;
  // Outside of any cycle (a watch's): one of its own, else they would all count as one.
  const TraceContext trace = span.trace.valid() ? span.trace : own_trace();
  record.trace = trace.trace_id;
  record.parent = trace.span_id;
  record.kind = SpanKind::request;
  record.started = std::chrono::duration_cast<std::chrono::nanoseconds>(span.started.time_since_epoch()).count();
  record.queued = record.started;
  record.duration = std::chrono::duration_cast<std::chrono::nanoseconds>(span.duration).count();
  record.receiver = intern(span.target);
  record.name = intern(span.operation.empty() ? span.method : std::string_view(span.operation));
  // What we ended ourselves has not failed: a watch that is put off, a request of an actor that ends.
  const bool well = span.outcome == "ok" || span.outcome == to_string(FailureKind::cancelled);
  record.outcome = well ? SpanOutcome::ok : SpanOutcome::failed;
  record.detail = span.outcome == "ok" ? NameId(0) : intern(span.outcome);
  record.status = static_cast<std::int16_t>(span.status);
  record.bytes_sent = clamped(span.bytes_sent);
  record.bytes_received = clamped(span.bytes_received);
  this->record(record);
}

std::vector<Span> TraceRing::snapshot() const {
  return image_.spans([](const SpanRecord&) { return true; });
}

std::vector<Span> TraceRing::snapshot(const std::array<std::uint8_t, 16>& trace) const {
  return image_.spans([&trace](const SpanRecord& record) { return record.trace == trace; });
}

std::vector<Cycle> TraceRing::cycles() const {
  std::lock_guard lock(retaining_);
  return image_.cycles();
}

Cycle TraceRing::cycle(const std::array<std::uint8_t, 16>& trace) const {
  std::lock_guard lock(retaining_);
  return image_.cycle(trace);
}

// -- what is kept longer
// ---------------------------------------------------------------------------------------------------

bool TraceRing::slow(const layout::Count& count) const noexcept {
  return count.end.load(std::memory_order_relaxed) - count.begin.load(std::memory_order_relaxed) >
         settings_.slow_after.count();
}

void TraceRing::retain() {
  if (!worth_retaining_.exchange(false, std::memory_order_relaxed))
    return;
  std::lock_guard lock(retaining_);
  struct Due {
    layout::Count* count;
    std::uint32_t spans;
  };
  std::unordered_map<std::uint64_t, Due> due;
  for (layout::Count* count = counts_; count != counts_ + layout::count_sets * layout::ways; ++count) {
    const std::uint32_t spans = count->spans.load(std::memory_order_relaxed);
    if (spans == count->kept.load(std::memory_order_relaxed))
      continue;
    if ((count->flags.load(std::memory_order_relaxed) & layout::failing) != 0 || slow(*count))
      due.emplace(count->key.load(std::memory_order_relaxed), Due{count, spans});
  }
  if (due.empty())
    return;
  std::unordered_set<std::uint64_t> seen;
  const auto spans = image_.spans([&](const SpanRecord& record) { return due.contains(layout::key_of(record.trace)); });
  for (const Span& span : spans) {
    const auto found = due.find(layout::key_of(span.record.trace));
    if (!seen.insert(found->first).second)
      continue;
    const Due& cycle = found->second;
    store(image_.cycle(span.record.trace), cycle.spans,
          (cycle.count->flags.load(std::memory_order_relaxed) & layout::failing) != 0);
    cycle.count->kept.store(cycle.spans, std::memory_order_relaxed);
  }
}

layout::Retained& TraceRing::head(std::size_t index) const noexcept {
  return *reinterpret_cast<layout::Retained*>(memory_.begin() + places_.retained + index * places_.retained_stride);
}

void TraceRing::store(const Cycle& cycle, std::uint32_t counted, bool failed) {
  const std::size_t first = failed ? 0 : settings_.retained_failed;
  const std::size_t last = failed ? settings_.retained_failed : header().retained;
  layout::Retained* place = nullptr;
  for (std::size_t i = 0; i < header().retained; ++i) {
    layout::Retained& candidate = head(i);
    if (candidate.stored != 0 && candidate.trace == cycle.trace.trace_id) {
      place = &candidate; // it goes on: there again
      break;
    }
    if (i >= first && i < last && (place == nullptr || candidate.stored < place->stored))
      place = &candidate;
  }
  if (place == nullptr)
    return;
  const std::vector<SpanRecord> records = worth_keeping(cycle.spans, settings_.spans_per_retained);
  const std::uint64_t version = place->version.load(std::memory_order_relaxed);
  place->version.store(version + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  place->trace = cycle.trace.trace_id;
  place->stored = wall_now();
  place->counted = std::max<std::uint32_t>(counted, static_cast<std::uint32_t>(cycle.spans.size()));
  place->spans = static_cast<std::uint32_t>(records.size());
  if (!records.empty())
    std::memcpy(reinterpret_cast<std::byte*>(place) + sizeof *place, records.data(),
                records.size() * sizeof(SpanRecord));
  place->version.store(version + 2, std::memory_order_release);
}

void TraceRing::say_end(int exit_code, std::string_view reason) noexcept {
  if (reason.empty() || end_said_.exchange(true))
    return;
  layout::End& end = header().end;
  reason = reason.substr(0, end.text.size());
  reason.copy(end.text.data(), reason.size());
  end.exit_code.store(exit_code, std::memory_order_relaxed);
  end.time.store(wall_now(), std::memory_order_relaxed);
  end.length.store(static_cast<std::uint32_t>(reason.size()), std::memory_order_release);
}

} // namespace runtime_agent::supervision
