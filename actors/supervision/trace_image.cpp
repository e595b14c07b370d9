#include "actors/supervision/trace_image.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <set>

namespace runtime_agent::supervision {
namespace {

using Words = std::array<std::uint64_t, layout::record_words>;

bool whole(const SpanRecord& record) noexcept {
  return record.checksum == layout::checksum_of(record) && record.kind <= SpanKind::restart &&
         record.outcome <= SpanOutcome::dropped;
}

std::chrono::system_clock::time_point time_of(std::int64_t nanoseconds) {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(nanoseconds)));
}

bool earlier(const Span& a, const Span& b) {
  return a.record.sequence < b.record.sequence;
}

std::int64_t begin_of(const Cycle& cycle) {
  std::int64_t begin = cycle.spans.front().record.started;
  for (const Span& span : cycle.spans)
    begin = std::min(begin, span.record.started);
  return begin;
}

/// How many spans are named as causes and are not there.
std::uint32_t missing_causes(const std::vector<Span>& spans) {
  std::set<std::uint64_t> there{0}, missing;
  for (const Span& span : spans)
    there.insert(span.record.span);
  for (const Span& span : spans)
    if (!there.contains(span.record.parent))
      missing.insert(span.record.parent);
  return static_cast<std::uint32_t>(missing.size());
}

} // namespace

TraceImage::TraceImage(const std::byte* begin)
    : header_(reinterpret_cast<const layout::Header*>(begin)),
      places_(header_->cells, header_->retained, header_->spans_per_retained), begin_(begin) {}

std::string TraceImage::name(NameId id) const {
  if (id == 0 || id >= std::min<std::size_t>(header_->name_count.load(std::memory_order_acquire), layout::names))
    return {};
  const auto* text = reinterpret_cast<const char*>(begin_ + places_.names + id * layout::name_size);
  return {text, strnlen(text, layout::name_size)};
}

std::optional<ProcessEnd> TraceImage::end() const {
  const layout::End& end = header_->end;
  const std::size_t length = end.length.load(std::memory_order_acquire);
  if (length == 0)
    return std::nullopt;
  return ProcessEnd{end.exit_code.load(std::memory_order_relaxed),
                    std::string(end.text.data(), std::min(length, end.text.size())),
                    time_of(end.time.load(std::memory_order_relaxed))};
}

std::optional<SpanRecord> TraceImage::record(const layout::Cell& cell) const noexcept {
  const std::uint64_t before = cell.version.load(std::memory_order_acquire);
  if (before == 0 || (before & 1) != 0)
    return std::nullopt;
  Words content{};
  for (std::size_t word = 0; word < content.size(); ++word)
    content[word] = cell.content[word].load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (cell.version.load(std::memory_order_relaxed) != before)
    return std::nullopt;
  const auto record = std::bit_cast<SpanRecord>(content);
  return whole(record) ? std::optional(record) : std::nullopt;
}

Span TraceImage::with_names(const SpanRecord& record) const {
  return {record, name(record.sender), name(record.receiver), name(record.name), name(record.detail)};
}

std::vector<Span> TraceImage::spans(const std::function<bool(const SpanRecord&)>& keep) const {
  std::vector<Span> spans;
  const auto* cells = reinterpret_cast<const layout::Cell*>(begin_ + places_.cells);
  for (std::size_t i = 0; i < header_->cells; ++i)
    if (const auto found = record(cells[i]); found && keep(*found))
      spans.push_back(with_names(*found));
  std::sort(spans.begin(), spans.end(), earlier);
  return spans;
}

std::optional<Cycle> TraceImage::retained(std::size_t index, const Keep& keep) const {
  const std::byte* place = begin_ + places_.retained + index * places_.retained_stride;
  const auto& head = *reinterpret_cast<const layout::Retained*>(place);
  const std::uint64_t before = head.version.load(std::memory_order_acquire);
  if (before == 0 || (before & 1) != 0 || head.stored == 0 || !keep(head.trace))
    return std::nullopt;
  Cycle cycle;
  cycle.trace.trace_id = head.trace;
  cycle.retained = true;
  const std::size_t count = std::min<std::size_t>(head.spans, header_->spans_per_retained);
  cycle.left_out = head.counted; // of all, until they are looked through
  for (std::size_t i = 0; i < count; ++i) {
    SpanRecord record;
    std::memcpy(&record, place + sizeof head + i * sizeof record, sizeof record);
    if (whole(record) && record.trace == cycle.trace.trace_id)
      cycle.spans.push_back(with_names(record));
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  if (head.version.load(std::memory_order_relaxed) != before || cycle.spans.empty())
    return std::nullopt;
  return cycle;
}

std::vector<Cycle> TraceImage::cycles(const Keep& keep) const {
  std::map<std::array<std::uint8_t, 16>, Cycle> found;
  for (std::size_t i = 0; i < header_->retained; ++i)
    if (auto cycle = retained(i, keep))
      found.insert_or_assign(cycle->trace.trace_id, std::move(*cycle));
  std::uint64_t youngest = 0;
  const auto wanted = [&](const SpanRecord& record) {
    youngest = std::max(youngest, record.sequence);
    return keep(record.trace);
  };
  for (Span& span : spans(wanted)) {
    Cycle& cycle = found[span.record.trace];
    cycle.trace.trace_id = span.record.trace;
    cycle.spans.push_back(std::move(span));
  }
  std::vector<Cycle> cycles;
  for (auto& [trace, cycle] : found) {
    std::stable_sort(cycle.spans.begin(), cycle.spans.end(), earlier);
    const auto same = [](const Span& a, const Span& b) { return a.record.sequence == b.record.sequence; };
    cycle.spans.erase(std::unique(cycle.spans.begin(), cycle.spans.end(), same), cycle.spans.end());
    const std::size_t had = std::max<std::size_t>(cycle.left_out, counted(trace));
    cycle.left_out = static_cast<std::uint32_t>(had > cycle.spans.size() ? had - cycle.spans.size() : 0);
    if (cycle.left_out == 0 && youngest > header_->cells) // its count is forgotten: younger cycles took the place
      cycle.left_out = missing_causes(cycle.spans);
    cycles.push_back(std::move(cycle));
  }
  std::sort(cycles.begin(), cycles.end(), [](const Cycle& a, const Cycle& b) { return begin_of(a) > begin_of(b); });
  return cycles;
}

std::vector<Cycle> TraceImage::cycles() const {
  return cycles([](const auto&) { return true; });
}

Cycle TraceImage::cycle(const std::array<std::uint8_t, 16>& trace) const {
  auto found = cycles([&trace](const auto& other) { return other == trace; });
  if (!found.empty())
    return std::move(found.front());
  Cycle nothing;
  nothing.trace.trace_id = trace;
  return nothing;
}

std::uint32_t TraceImage::counted(const std::array<std::uint8_t, 16>& trace) const noexcept {
  const std::uint64_t key = layout::key_of(trace);
  const auto* counts = reinterpret_cast<const layout::Count*>(begin_ + places_.counts);
  const layout::Count* set = counts + (key % layout::count_sets) * layout::ways;
  for (const layout::Count* entry = set; entry != set + layout::ways; ++entry)
    if (entry->key.load(std::memory_order_relaxed) == key)
      return entry->spans.load(std::memory_order_relaxed);
  return 0;
}

} // namespace runtime_agent::supervision
