#include "transport/kubernetes/child_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace runtime_agent::kubernetes {
namespace {

using Monotonic = std::chrono::steady_clock;
constexpr std::size_t error_output_limit = 4096;
// A program that has ended may leave children behind that hold its pipes open: look at it this often.
constexpr std::chrono::milliseconds look_after{50};

class Descriptor {
public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  void take(int fd) {
    close();
    fd_ = fd;
  }
  void close() {
    if (fd_ >= 0)
      ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
  bool make() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      return false;
    read.take(ends[0]);
    write.take(ends[1]);
    return true;
  }
};

/// What posix_spawn is told beside the command; freed at the end.
struct SpawnSettings {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};

  SpawnSettings(const Pipe& output, const Pipe& errors) {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output.write.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, errors.write.get(), STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1); // our sockets are not its business
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD})
      sigaddset(&defaults, signal);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// A started program; killed with its group, and waited for, where nobody has waited.
class Child {
public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (ended_)
      return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
  }
  bool ended() {
    if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_)
      ended_ = true;
    return ended_;
  }
  int exit_code() const { return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_); }

private:
  pid_t pid_;
  bool ended_ = false;
  int status_ = 0;
};

Failure process_failure(FailureKind kind, const ProcessRequest& request, std::string what) {
  Failure failure;
  failure.kind = kind;
  failure.where = request.command;
  failure.what = std::move(what);
  return failure;
}

Result<pid_t> start(const ProcessRequest& request, const Pipe& output, const Pipe& errors) {
  std::vector<std::string> arguments{request.command};
  arguments.insert(arguments.end(), request.arguments.begin(), request.arguments.end());
  std::vector<std::string> environment = request.environment;
  const SpawnSettings settings(output, errors);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, request.command.c_str(), &settings.files, &settings.attributes,
                                   pointers(arguments).data(), pointers(environment).data());
  if (error == 0)
    return pid;
  const auto kind = error == ENOENT ? FailureKind::not_found : FailureKind::configuration;
  return failed(process_failure(kind, request, fmt::format("cannot be started ({})", std::strerror(error))));
}

/// Takes what is there; closes the descriptor at the end of the stream. Returns false where the limit is passed.
bool take_from(Descriptor& pipe, std::string& text, std::size_t limit, bool cut) {
  std::array<char, 8192> buffer;
  const ssize_t count = ::read(pipe.get(), buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN))
    return true;
  if (count <= 0) {
    pipe.close();
    return true;
  }
  const std::size_t room = limit - std::min(limit, text.size());
  text.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
  return cut || static_cast<std::size_t>(count) <= room;
}

/// Milliseconds until the next look at the child, or until the deadline where that is nearer.
int poll_time(Monotonic::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      std::min<Monotonic::duration>(std::max(deadline - Monotonic::now(), Monotonic::duration::zero()), look_after));
  return static_cast<int>(left.count());
}

} // namespace

Result<ProcessResult> run_process(const ProcessRequest& request, const CallContext& context) {
  Pipe output;
  Pipe errors;
  const Descriptor cancelled(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!output.make() || !errors.make() || !cancelled.open())
    return failed(process_failure(FailureKind::internal, request, "no file descriptors are left"));
  const auto registration = context.cancel.on_cancel([&cancelled] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(cancelled.get(), &one, sizeof one);
  });
  const auto pid = start(request, output, errors);
  if (!pid)
    return failed(pid.error());
  Child child(*pid);
  output.write.close();
  errors.write.close();

  ProcessResult result;
  bool drained = false;
  while (!(child.ended() && (drained || (!output.read.open() && !errors.read.open())))) {
    if (context.cancel.cancelled())
      return failed(process_failure(FailureKind::cancelled, request, "cancelled"));
    if (Monotonic::now() >= context.deadline)
      return failed(process_failure(FailureKind::timeout, request, "did not end in time and was killed"));
    // Closed descriptors are -1, which poll passes over.
    std::array<pollfd, 3> wanted{
        {{output.read.get(), POLLIN, 0}, {errors.read.get(), POLLIN, 0}, {cancelled.get(), POLLIN, 0}}};
    const int ready = ::poll(wanted.data(), wanted.size(), poll_time(context.deadline));
    drained = ready == 0;
    if (wanted[0].revents != 0 && !take_from(output.read, result.output, request.output_limit, false))
      return failed(process_failure(FailureKind::too_large, request,
                                    fmt::format("wrote more than {} bytes", request.output_limit)));
    if (wanted[1].revents != 0)
      take_from(errors.read, result.error_output, error_output_limit, true);
  }
  result.exit_code = child.exit_code();
  return result;
}

} // namespace runtime_agent::kubernetes
