#include <cstdio>
#include <string>

#include <unistd.h>

#include "actors/supervision/trace_file.hpp"
#include "tests/fuzz/fuzz.hpp"

/// A trace file that a dying process or a full disk has left in any state is read or refused.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace runtime_agent;
  static const std::string path = "/tmp/runtime-agent-fuzz-" + std::to_string(getpid());
  std::FILE* file = std::fopen(path.c_str(), "wb");
  fuzz::require(file != nullptr);
  fuzz::require(std::fwrite(data, 1, size, file) == size);
  std::fclose(file);
  const auto trace = supervision::read_trace_file(path);
  if (!trace)
    fuzz::require(!trace.error().what.empty());
  std::remove(path.c_str());
  return 0;
}
