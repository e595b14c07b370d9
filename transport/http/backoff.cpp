#include "transport/http/backoff.hpp"

#include <algorithm>
#include <utility>

namespace runtime_agent::http {

Backoff::Backoff(Duration initial, Duration ceiling, std::function<double()> random)
    : initial_(std::max(initial, Duration(1))), ceiling_(std::max(ceiling, initial_)), random_(std::move(random)),
      bound_(initial_) {}

Backoff::Duration Backoff::next() {
  return next(random_());
}

Backoff::Duration Backoff::next(double share) {
  bound_ = bound_ > ceiling_ / 2 ? ceiling_ : bound_ * 2;
  const auto span = static_cast<double>((bound_ - initial_).count());
  return initial_ + Duration(static_cast<Duration::rep>(span * std::clamp(share, 0.0, 1.0)));
}

void Backoff::reset() noexcept {
  bound_ = initial_;
}

} // namespace runtime_agent::http
