#include "transport/kubernetes/watch_pause.hpp"

#include <utility>

namespace runtime_agent::kubernetes {

void WatchPause::begin(std::chrono::milliseconds at_most, Clock& clock) {
  CancelToken begins;
  {
    const std::lock_guard lock(mutex_);
    under_ = Under{clock.now() + at_most, under_ ? under_->over : CancelToken()};
    begins = std::exchange(next_, CancelToken());
  }
  begins.cancel();
}

void WatchPause::resume() {
  std::optional<Under> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = std::exchange(under_, std::nullopt);
  }
  if (ended)
    ended->over.cancel();
}

void WatchPause::wait_for_end(const CancelToken& cancel, Clock& clock) const {
  while (!cancel.cancelled()) {
    std::optional<Under> under;
    {
      const std::lock_guard lock(mutex_);
      under = under_;
    }
    if (!under || under->until <= clock.now())
      return;
    const CancelToken nap;
    const auto end = [nap] { nap.cancel(); };
    const auto with_the_pause = under->over.on_cancel(end);
    const auto with_the_run = cancel.on_cancel(end);
    clock.wait(nap, under->until - clock.now());
  }
}

CancelToken WatchPause::next() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

} // namespace runtime_agent::kubernetes
