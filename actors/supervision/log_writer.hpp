#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace runtime_agent::log {

/// Writes lines to a descriptor, one after the other and in their order, on a thread of its own: whoever logs waits for
/// no reader, no terminal and no disk. What waits is bounded; a line that finds no room, or cannot be written, is
/// dropped and counted, and once writing works again a line stands in its place that says how many there were.
///
/// The descriptor is not made non-blocking: other processes have it too. So the thread may be stuck in a write for
/// ever, and nobody waits for it without a limit.
class LineWriter {
public:
  static constexpr std::size_t default_limit = 256 * 1024;

  /// `gap`: the line, without its end, that tells of so many lost ones. `limit`: bytes that wait; a single line may be
  /// longer. The descriptor stays the caller's.
  LineWriter(int descriptor, std::function<std::string(std::uint64_t)> gap, std::size_t limit = default_limit);
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  /// Forgets what waits, and joins the thread: for one whose descriptor blocks nobody.
  ~LineWriter();

  /// Never blocks. `line` without its end.
  void push(std::string_view line);
  /// Waits until all that was pushed before is written or dropped, at most `limit`; whether it is. Takes no lock, so a
  /// signal handler may call it, whatever the thread was doing that got the signal.
  bool flush(std::chrono::milliseconds limit) const noexcept;
  /// Lines that were dropped so far.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
  struct Waiting {
    std::string text;             ///< with its end
    std::uint64_t gap_before = 0; ///< lines that were dropped right before
  };
  void run();
  void write(const Waiting& line);
  void drop(std::uint64_t& gap) noexcept;

  const int descriptor_;
  const std::function<std::string(std::uint64_t)> gap_;
  const std::size_t limit_;

  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Waiting> queue_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t gap_at_end_ = 0; ///< dropped since the last line of the queue
  bool ending_ = false;

  std::uint64_t gap_written_ = 0; ///< of the thread's: what could not be written, and has not been told
  bool torn_ = false;             ///< a line stands there in part

  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> accepted_{0}; ///< lines and gaps that the thread has to deal with
  std::atomic<std::uint64_t> settled_{0};
  std::thread thread_;
};

} // namespace runtime_agent::log
