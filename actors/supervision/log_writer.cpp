#include "actors/supervision/log_writer.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

namespace runtime_agent::log {
namespace {

/// A thread to which no signal comes: not those that the program waits for, nor SIGPIPE where the reader has gone.
std::thread without_signals(std::function<void()> run) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  try {
    thread = std::thread(std::move(run));
  } catch (const std::system_error&) { // no more threads: what is logged is dropped, and counted
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

/// How much of it was written: all, or what went before an error.
std::size_t write_to(int descriptor, std::string_view text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const auto written = ::write(descriptor, text.data() + done, text.size() - done);
    if (written > 0) {
      done += static_cast<std::size_t>(written);
      continue;
    }
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && errno == EAGAIN) { // another process has made it non-blocking
      pollfd wanted{descriptor, POLLOUT, 0};
      ::poll(&wanted, 1, -1);
      continue;
    }
    break;
  }
  return done;
}

} // namespace

LineWriter::LineWriter(int descriptor, std::function<std::string(std::uint64_t)> gap, std::size_t limit)
    : descriptor_(descriptor), gap_(std::move(gap)), limit_(limit), thread_(without_signals([this] { run(); })) {}

LineWriter::~LineWriter() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  came_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

void LineWriter::push(std::string_view line) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_bytes_ >= limit_ || !thread_.joinable())
      return drop(gap_at_end_);
    Waiting waiting{std::string(line), std::exchange(gap_at_end_, 0)};
    waiting.text += '\n';
    waiting_bytes_ += waiting.text.size();
    queue_.push_back(std::move(waiting));
    accepted_.fetch_add(1);
  }
  came_.notify_one();
}

bool LineWriter::flush(std::chrono::milliseconds limit) const noexcept {
  const std::uint64_t wanted = accepted_.load();
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (settled_.load() < wanted) {
    if (std::chrono::steady_clock::now() >= deadline)
      return false;
    ::poll(nullptr, 0, 1); // a pause that a signal handler may make
  }
  return true;
}

void LineWriter::drop(std::uint64_t& gap) noexcept {
  ++gap;
  dropped_.fetch_add(1, std::memory_order_relaxed);
}

void LineWriter::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (queue_.empty() && gap_at_end_ == 0) {
      came_.wait(lock);
      continue;
    }
    // Without a line the gap is all there is to tell: what was dropped last.
    const bool gap_only = queue_.empty();
    Waiting next{{}, gap_only ? std::exchange(gap_at_end_, 0) : 0};
    if (!gap_only) {
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    lock.unlock();
    write(next);
    lock.lock();
    waiting_bytes_ -= next.text.size();
    if (!gap_only)
      settled_.fetch_add(1);
  }
}

void LineWriter::write(const Waiting& line) {
  gap_written_ += line.gap_before;
  std::string text = torn_ ? "\n" : "";
  if (gap_written_ > 0)
    text += gap_(gap_written_) + '\n';
  const std::size_t before_line = text.size();
  const std::size_t done = write_to(descriptor_, text += line.text);
  torn_ = done < text.size() && (done > 0 ? text[done - 1] != '\n' : torn_);
  if (done >= before_line)
    gap_written_ = 0;
  if (done < text.size() && !line.text.empty())
    drop(gap_written_);
}

} // namespace runtime_agent::log
