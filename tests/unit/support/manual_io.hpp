#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "actors/supervision/io_executor.hpp"

namespace runtime_agent::tests {

/// I/O threads for tests: a job runs on the test's thread when told, in an order that the seed picks (0: in order). A
/// watch never runs; the test says what it sees, with `emit` and `end_watch`.
class ManualIo final : public supervision::IoExecutor {
public:
  explicit ManualIo(std::uint64_t seed) : seeded_(seed != 0), random_(seed) {}

  bool submit(std::function<void()> job) override {
    if (jobs_.size() >= queue_limit_)
      return false;
    jobs_.push_back(std::move(job));
    return true;
  }
  void start_long(supervision::LongJob job) override { long_jobs_.push_back(std::move(job)); }

  /// Runs one of the waiting jobs. False: there is none.
  bool run_one() {
    if (jobs_.empty())
      return false;
    const std::size_t pick = seeded_ ? random_() % jobs_.size() : 0;
    const auto chosen = jobs_.begin() + static_cast<std::ptrdiff_t>(pick);
    const auto job = std::move(*chosen);
    jobs_.erase(chosen);
    job();
    return true;
  }
  std::size_t queued() const { return jobs_.size(); }
  /// From how many waiting jobs on `submit` refuses; 0: always.
  void limit_queue(std::size_t jobs) { queue_limit_ = jobs; }
  /// While held, TestSystem::run leaves the jobs waiting: they are "on the way" until `release` or `run_one`.
  void hold() { held_ = true; }
  void release() { held_ = false; }
  bool held() const { return held_; }
  /// Loses every waiting job: none of them will ever come back.
  void lose_jobs() { jobs_.clear(); }

  /// Names of the watches that run at the moment.
  std::vector<std::string> watches() {
    std::vector<std::string> names;
    for (const auto& job : long_jobs_)
      if (!job.cancel.cancelled())
        names.push_back(job.name);
    return names;
  }
  bool watching(const std::string& name) {
    const auto names = watches();
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  /// Those that have been cancelled go: a long test must not hold what each actor that died has held.
  void forget_cancelled_watches() {
    std::erase_if(long_jobs_, [](const auto& job) { return job.cancel.cancelled(); });
  }
  /// What the watch of that name (the youngest that runs) sees next. `Event` is what `watch<Event>` was started with.
  template <class Event>
  void emit(const std::string& name, Event event) {
    watch(name).emit(std::any(std::move(event)));
  }
  /// The watch returns, or throws where an exception is given.
  void end_watch(const std::string& name, std::exception_ptr thrown = nullptr) {
    const auto end = watch(name).end;
    end(std::move(thrown));
  }
  /// The watch's work itself, for those whose work returns at once. Blocks as long as it does.
  void run_watch(const std::string& name) { watch(name).run(); }
  /// Emits also for a watch that has been cancelled, as a thread does that is not quick enough: the last one of that
  /// name.
  template <class Event>
  void emit_late(const std::string& name, Event event) {
    for (auto job = long_jobs_.rbegin(); job != long_jobs_.rend(); ++job)
      if (job->name == name && job->cancel.cancelled())
        return job->emit(std::any(std::move(event)));
    throw std::logic_error("no cancelled watch \"" + name + "\"");
  }

private:
  supervision::LongJob& watch(const std::string& name) {
    for (auto job = long_jobs_.rbegin(); job != long_jobs_.rend(); ++job)
      if (job->name == name && !job->cancel.cancelled())
        return *job;
    throw std::logic_error("no watch \"" + name + "\" runs");
  }

  const bool seeded_;
  std::mt19937_64 random_;
  std::deque<std::function<void()>> jobs_;
  std::deque<supervision::LongJob> long_jobs_;
  std::size_t queue_limit_ = 1000;
  bool held_ = false;
};

} // namespace runtime_agent::tests
