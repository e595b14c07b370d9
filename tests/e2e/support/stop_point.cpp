#include "tests/e2e/support/stop_point.hpp"

#include <condition_variable>
#include <mutex>

namespace runtime_agent::e2e {

using namespace std::chrono_literals;

struct StopPoint::Shared {
  Point point;
  sandbox::Stage stage;
  std::function<bool()> where;
  std::mutex mutex;
  std::condition_variable changed;
  int seen = 0;
  bool reached = false;
  bool released = false;

  bool passes(const Point& kind, sandbox::Stage at) {
    std::unique_lock lock(mutex);
    if (released || at != stage || kind.service != point.service || kind.request != point.request ||
        (where && !where()) || ++seen != point.occurrence)
      return true;
    reached = true;
    changed.notify_all();
    changed.wait(lock, [this] { return released; });
    return false;
  }

  void release() {
    const std::lock_guard lock(mutex);
    released = true;
    changed.notify_all();
  }
};

StopPoint::StopPoint(World& world, const std::string& service, const std::string& request, sandbox::Stage stage,
                     int occurrence, std::function<bool()> where)
    : world_(world), shared_(std::make_shared<Shared>()) {
  shared_->point = {service, request, occurrence};
  shared_->stage = stage;
  shared_->where = std::move(where);
  const auto watch = [shared = shared_](const auto& record, sandbox::Stage at) {
    return shared->passes(kind_of(record), at);
  };
  world_.compass().gate().set(watch);
  world_.sandbox_server()->gate().set(
      [watch](const auto& record, sandbox::Stage at) { return !is_agents(record) || watch(record, at); });
}

StopPoint::~StopPoint() {
  shared_->release();
  world_.compass().gate().set(nullptr);
  world_.sandbox_server()->gate().set(nullptr);
}

testing::AssertionResult StopPoint::kills_the_agent(std::chrono::milliseconds limit) {
  {
    std::unique_lock lock(shared_->mutex);
    if (!shared_->changed.wait_for(lock, limit, [this] { return shared_->reached; }))
      return testing::AssertionFailure() << "the agent never came to " << shared_->point.text() << "; the state is "
                                         << world_.state() << ": " << world_.errors();
  }
  world_.agent().signal(SIGKILL);
  const bool ended = world_.agent().wait(10s).has_value();
  shared_->release();
  return ended ? testing::AssertionSuccess() : testing::AssertionFailure() << "the agent does not end";
}

} // namespace runtime_agent::e2e
