#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "transport/failure.hpp"

namespace runtime_agent::supervision {

/// A Failure (configuration) about the trace file at `path`.
Failure trace_file_problem(const std::string& path, std::string what, std::string next = {});

/// Zeroed memory for a trace ring: the process's own, or a mapped file. Unmapped by the destructor.
class TraceMemory {
public:
  static TraceMemory anonymous(std::size_t size);

  /// A new file at `path`, only its owner's to read, allocated on disk before it is mapped: a full volume must not be a
  /// SIGBUS later. A trace file that is there already is kept as `path` + ".previous" and replaces an older one of that
  /// name. `initialize` fills it before it stands under its name. Failure (configuration): it cannot be made there, or
  /// what stands there is no trace file and is left alone.
  static Result<TraceMemory> file(const std::string& path, std::size_t size,
                                  const std::function<void(std::byte*)>& initialize);

  TraceMemory(TraceMemory&& other) noexcept;
  TraceMemory& operator=(TraceMemory&&) = delete;
  TraceMemory(const TraceMemory&) = delete;
  TraceMemory& operator=(const TraceMemory&) = delete;
  ~TraceMemory();

  std::byte* begin() const noexcept { return begin_; }
  std::size_t size() const noexcept { return size_; }

private:
  TraceMemory(std::byte* begin, std::size_t size) : begin_(begin), size_(size) {}

  std::byte* begin_;
  std::size_t size_;
};

} // namespace runtime_agent::supervision
