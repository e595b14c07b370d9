#include "actors/supervision/trace_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace runtime_agent::supervision {
namespace {

// Far over what any setting makes of it; a file of another kind is not read into memory.
constexpr std::size_t most_bytes = std::size_t(256) << 20;
constexpr std::uint64_t most_cells = std::uint64_t(1) << 20;

/// Aligned for what lies in it.
using Content = std::vector<std::uint64_t>;

Result<std::pair<Content, std::size_t>> content_of(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return failed(trace_file_problem(path, "cannot be opened: " + std::generic_category().message(errno)));
  const auto length = ::lseek(file, 0, SEEK_END);
  Content content;
  std::size_t done = 0;
  if (length > 0 && static_cast<std::size_t>(length) <= most_bytes) {
    const auto size = static_cast<std::size_t>(length);
    content.resize((size + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
    while (done < size) {
      const auto read =
          ::pread(file, reinterpret_cast<char*>(content.data()) + done, size - done, static_cast<off_t>(done));
      if (read < 0 && errno == EINTR)
        continue;
      if (read <= 0)
        break;
      done += static_cast<std::size_t>(read);
    }
  }
  ::close(file);
  return std::pair(std::move(content), done);
}

std::optional<Failure> unreadable(const std::string& path, const std::byte* begin, std::size_t size) {
  const auto& header = *reinterpret_cast<const layout::Header*>(begin);
  if (size < layout::header_size || header.magic != layout::magic)
    return trace_file_problem(path, "is not a trace file of the Runtime Agent");
  if (header.version != layout::version)
    return trace_file_problem(
        path, fmt::format("has version {}, and this program reads version {}", header.version, layout::version),
        "read it with the version of the agent that wrote it");
  if (header.checksum != layout::checksum_of(header) || header.record_size != sizeof(SpanRecord) ||
      header.cells > most_cells || header.retained > most_cells || header.spans_per_retained > most_cells)
    return trace_file_problem(path, "has a damaged header");
  if (layout::Places(header.cells, header.retained, header.spans_per_retained).size > size)
    return trace_file_problem(path, "is shorter than its header says");
  return std::nullopt;
}

} // namespace

Result<TraceFile> read_trace_file(const std::string& path) {
  auto content = content_of(path);
  if (!content)
    return failed(content.error());
  if (content->second < layout::header_size)
    return failed(trace_file_problem(path, "is not a trace file of the Runtime Agent"));
  const auto* begin = reinterpret_cast<const std::byte*>(content->first.data());
  if (auto failure = unreadable(path, begin, content->second))
    return failed(std::move(*failure));
  const TraceImage image(begin);
  TraceFile file;
  file.boot = image.header().boot;
  file.process = image.header().process;
  file.started = std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(
      std::chrono::nanoseconds(image.header().started)));
  file.end = image.end();
  file.spans = image.spans([](const SpanRecord&) { return true; });
  file.cycles = image.cycles();
  return file;
}

std::string default_trace_file() {
  std::error_code error;
  const auto folder = std::filesystem::temp_directory_path(error);
  return ((error ? std::filesystem::path("/tmp") : folder) / "runtime-agent.trace").string();
}

OpenedTrace open_trace(const std::string& path, const TraceRing::Settings& settings) {
  OpenedTrace opened;
  const std::string file = path.empty() ? default_trace_file() : path;
  auto ring = TraceRing::in_file(file, settings);
  if (!ring) {
    opened.problem = ring.error();
    opened.ring = std::make_shared<TraceRing>(settings);
    return opened;
  }
  opened.ring = std::move(*ring);
  opened.file = file;
  if (auto previous = read_trace_file(previous_trace_file(file)))
    opened.previous = std::move(previous->end);
  return opened;
}

} // namespace runtime_agent::supervision
