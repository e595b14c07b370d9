#include "actors/supervision/starvation.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace runtime_agent::supervision {
namespace {

std::chrono::nanoseconds cpu_used() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// "R" in its third field: it runs, or waits for a CPU. The second one, the name, may hold anything.
bool runnable(const std::string& stat_file) {
  const int file = ::open(stat_file.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  std::array<char, 128> text{};
  const auto size = ::read(file, text.data(), text.size());
  ::close(file);
  const std::string_view read(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const auto name_end = read.rfind(") ");
  return name_end != std::string_view::npos && name_end + 2 < read.size() && read[name_end + 2] == 'R';
}

bool another_thread_could_run() {
  const std::string folder = "/proc/self/task/";
  DIR* threads = ::opendir(folder.c_str());
  if (threads == nullptr)
    return false;
  bool found = false;
  while (const dirent* thread = found ? nullptr : ::readdir(threads)) {
    const std::string_view name = thread->d_name;
    if (name.front() != '.' && std::atol(thread->d_name) != ::gettid())
      found = runnable(folder + thread->d_name + "/stat");
  }
  ::closedir(threads);
  return found;
}

} // namespace

std::chrono::steady_clock::duration time_that_counts(std::chrono::steady_clock::duration elapsed,
                                                     std::chrono::nanoseconds used, bool wanted) {
  if (!wanted)
    return elapsed;
  using Seconds = std::chrono::duration<double>;
  const auto worth = std::chrono::round<std::chrono::steady_clock::duration>(Seconds(used) / starved_below);
  return std::clamp(worth, std::chrono::steady_clock::duration::zero(), elapsed);
}

CpuSource cpu_of_this_process() {
  return {cpu_used, another_thread_could_run};
}

} // namespace runtime_agent::supervision
