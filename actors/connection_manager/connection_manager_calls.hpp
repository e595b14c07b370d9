#pragma once

#include <atomic>
#include <random>

#include "actors/connection_manager/connection_manager.hpp"

/// What the four files of the actor share: how a call is started.
namespace runtime_agent::connection_manager {

/// Of one request to Compass (contract §4).
inline constexpr std::chrono::seconds request_limit{30};
/// Of reading or writing one part of the record; a read has up to four requests.
inline constexpr std::chrono::seconds cluster_limit{20};
/// 4,096 bits take 0.4 to 2.5 s on an idle core; a pod may have a tenth of one.
inline constexpr std::chrono::seconds key_limit{120};

/// From 0 up to but not including 1.
inline double fraction(std::mt19937_64& random) {
  return std::uniform_real_distribution<double>(0, 1)(random);
}

/// The bits that the key of this pairing must have at least.
unsigned bits_needed(const Pending& pending);

template <class T>
void ConnectionManager::start(supervision::CallSpec spec, std::function<Result<T>(const CallContext&)> work,
                              void (ConnectionManager::*on_answer)(Result<T>)) {
  call_ = call<T>(spec, std::move(work), [this, on_answer](Result<T> result) {
    call_ = 0;
    under_way_ = Action::wait;
    (this->*on_answer)(std::move(result));
  });
}

template <class T>
void ConnectionManager::start_compass(supervision::CallSpec spec, const std::string& runtime_id,
                                      std::function<Result<T>(const CallContext&)> work,
                                      void (ConnectionManager::*on_answer)(Result<T>)) {
  report_.last_sync = wall_now();
  struct Progress {
    std::atomic<bool> begun{false};
    std::atomic<bool> ended{false};
  };
  const auto progress = std::make_shared<Progress>();
  const std::string id = request_id(runtime_id);
  call_ = call<T>(
      spec,
      [work = std::move(work), progress, id](CallContext context) {
        progress->begun = true;
        context.request_id = id;
        auto result = work(context);
        progress->ended = true;
        return result;
      },
      [this, on_answer, progress, id](Result<T> result) {
        call_ = 0;
        under_way_ = Action::wait;
        if (!result) {
          auto& failure = result.error();
          failure.maybe_processed |= progress->begun && !progress->ended;
          if (failure.request_id.empty())
            failure.request_id = id;
          retry_after(failure);
        }
        (this->*on_answer)(std::move(result));
      });
}

} // namespace runtime_agent::connection_manager
