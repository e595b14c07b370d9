#include "actors/supervision/retained_spans.hpp"

#include <unordered_map>

namespace runtime_agent::supervision {

std::vector<SpanRecord> worth_keeping(const std::vector<Span>& spans, std::size_t limit) {
  std::vector<bool> kept(spans.size(), spans.size() <= limit);
  if (spans.size() > limit) {
    std::unordered_map<std::uint64_t, std::size_t> index;
    for (std::size_t i = 0; i < spans.size(); ++i)
      if (spans[i].record.span != 0)
        index.emplace(spans[i].record.span, i);
    std::size_t room = limit;
    const auto keep_with_causes = [&](std::size_t i) {
      while (room > 0 && !kept[i]) {
        kept[i] = true;
        --room;
        const auto cause = index.find(spans[i].record.parent);
        if (cause == index.end())
          return;
        i = cause->second;
      }
    };
    for (std::size_t i = 0; i < spans.size(); ++i)
      if (spans[i].record.outcome == SpanOutcome::failed || spans[i].record.outcome == SpanOutcome::threw)
        keep_with_causes(i);
    for (std::size_t i = 0; i < spans.size() && room > 0; ++i)
      keep_with_causes(i);
  }
  std::vector<SpanRecord> records;
  for (std::size_t i = 0; i < spans.size(); ++i)
    if (kept[i])
      records.push_back(spans[i].record);
  return records;
}

} // namespace runtime_agent::supervision
