#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/supervision/span.hpp"
#include "actors/supervision/trace_layout.hpp"

namespace runtime_agent::supervision {

/// What a process has said about its end.
struct ProcessEnd {
  int exit_code = 0;
  std::string reason;
  std::chrono::system_clock::time_point time;
};

/// Reads what lies in a trace ring's memory, also while it is being written, and whatever state it was left in: a torn
/// record is left out. The memory outlives it.
class TraceImage {
public:
  /// `begin` points to memory with a valid header, aligned to 8 bytes and as long as its header says.
  explicit TraceImage(const std::byte* begin);

  const layout::Header& header() const noexcept { return *header_; }
  /// Empty for 0 and for a name that is not known.
  std::string name(NameId id) const;
  std::optional<ProcessEnd> end() const;

  /// The spans of the ring for which `keep` holds, oldest first.
  std::vector<Span> spans(const std::function<bool(const SpanRecord&)>& keep) const;
  /// All cycles, those that are retained included, the youngest first.
  std::vector<Cycle> cycles() const;
  /// One of them; without spans where nothing is known of it.
  Cycle cycle(const std::array<std::uint8_t, 16>& trace) const;

  /// How many spans it has had; 0 where that is not remembered.
  std::uint32_t counted(const std::array<std::uint8_t, 16>& trace) const noexcept;

private:
  using Keep = std::function<bool(const std::array<std::uint8_t, 16>&)>;
  /// The record of a cell; nullopt where there is none, or only half of it.
  std::optional<SpanRecord> record(const layout::Cell& cell) const noexcept;
  Span with_names(const SpanRecord& record) const;
  std::optional<Cycle> retained(std::size_t index, const Keep& keep) const;
  std::vector<Cycle> cycles(const Keep& keep) const;

  const layout::Header* header_;
  layout::Places places_;
  const std::byte* begin_;
};

} // namespace runtime_agent::supervision
