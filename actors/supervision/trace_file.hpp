#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/supervision/span.hpp"
#include "actors/supervision/trace_image.hpp"
#include "actors/supervision/trace_ring.hpp"

namespace runtime_agent::supervision {

/// What a trace file holds: of a process that runs, or of one that has ended in whatever way.
struct TraceFile {
  std::array<std::uint8_t, 16> boot{}; ///< the machine's boot id
  std::uint64_t process = 0;
  std::chrono::system_clock::time_point started;
  std::optional<ProcessEnd> end; ///< nullopt: it runs, or was killed
  std::vector<Span> spans;       ///< of the ring, oldest first
  std::vector<Cycle> cycles;     ///< those that are retained included, the youngest first
};

/// Failure (configuration): there is no such file, it is no trace file, or one of a version that this program does not
/// know; in a sentence that says which. Records that are torn are left out.
Result<TraceFile> read_trace_file(const std::string& path);

/// `runtime-agent.trace` in the temporary directory.
std::string default_trace_file();
/// Where the file of the process before is kept.
inline std::string previous_trace_file(const std::string& path) {
  return path + ".previous";
}

/// The process's ring.
struct OpenedTrace {
  std::shared_ptr<TraceRing> ring;
  std::string file;                   ///< empty: in anonymous memory
  std::optional<Failure> problem;     ///< why it is in anonymous memory
  std::optional<ProcessEnd> previous; ///< how the process before has ended, where it could say so
};

/// In the file where that can be made, otherwise in anonymous memory. `path` empty: `default_trace_file()`.
OpenedTrace open_trace(const std::string& path, const TraceRing::Settings& settings = {});

} // namespace runtime_agent::supervision
