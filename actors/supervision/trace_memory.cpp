#include "actors/supervision/trace_memory.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <new>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/supervision/trace_layout.hpp"

namespace runtime_agent::supervision {
namespace {

class Descriptor {
public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0)
      ::close(number_);
  }
  int get() const noexcept { return number_; }
  bool open() const noexcept { return number_ >= 0; }

private:
  int number_;
};

Failure system_problem(const std::string& path, const std::string& action, int error) {
  return trace_file_problem(path, action + ": " + std::generic_category().message(error));
}

/// Whether something stands there that a new file may replace: nothing, or a trace file, of whatever version.
Result<bool> trace_file_exists(const std::string& path) {
  // Not through a symbolic link: in a folder that all may write to, somebody else may have made it.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.open()) {
    if (errno == ENOENT)
      return false;
    return failed(system_problem(path, "cannot be opened", errno));
  }
  struct stat status {};
  std::array<char, layout::magic.size()> begin{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return failed(trace_file_problem(path, "is not a file"));
  const auto read = ::read(file.get(), begin.data(), begin.size());
  if (read != 0 && begin != layout::magic)
    return failed(trace_file_problem(path, "is not a trace file and is left unchanged"));
  return true;
}

} // namespace

Failure trace_file_problem(const std::string& path, std::string what, std::string next) {
  Failure failure;
  failure.kind = FailureKind::configuration;
  failure.where = "trace file " + path;
  failure.what = std::move(what);
  failure.next = std::move(next);
  return failure;
}

TraceMemory TraceMemory::anonymous(std::size_t size) {
  void* begin = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED)
    throw std::bad_alloc();
  return {static_cast<std::byte*>(begin), size};
}

Result<TraceMemory> TraceMemory::file(const std::string& path, std::size_t size,
                                      const std::function<void(std::byte*)>& initialize) {
  const auto exists = trace_file_exists(path);
  if (!exists)
    return failed(exists.error());
  // Made whole beside the old one: whoever reads meets either of them, and one that cannot be made loses nothing.
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const Descriptor file(::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.open())
    return failed(system_problem(path, "cannot be created", errno));
  if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(size)); error != 0) {
    ::unlink(fresh.c_str());
    return failed(system_problem(path, "has no space left on its volume", error));
  }
  void* begin = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (begin == MAP_FAILED) {
    const int error = errno;
    ::unlink(fresh.c_str());
    return failed(system_problem(path, "cannot be mapped", error));
  }
  TraceMemory memory(static_cast<std::byte*>(begin), size);
  initialize(memory.begin());
  if ((*exists && std::rename(path.c_str(), (path + ".previous").c_str()) != 0) ||
      std::rename(fresh.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(fresh.c_str());
    return failed(system_problem(path, "cannot be renamed into place", error));
  }
  return memory;
}

TraceMemory::TraceMemory(TraceMemory&& other) noexcept
    : begin_(std::exchange(other.begin_, nullptr)), size_(std::exchange(other.size_, 0)) {}

TraceMemory::~TraceMemory() {
  if (begin_ != nullptr)
    ::munmap(begin_, size_);
}

} // namespace runtime_agent::supervision
