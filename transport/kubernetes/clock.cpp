#include "transport/kubernetes/clock.hpp"

namespace runtime_agent::kubernetes {
namespace {

class SystemClock : public Clock {
public:
  std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
  std::chrono::system_clock::time_point wall() const override { return std::chrono::system_clock::now(); }
  bool wait(const CancelToken& cancel, std::chrono::steady_clock::duration duration) override {
    return cancel.wait_for(duration);
  }
};

} // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

} // namespace runtime_agent::kubernetes
