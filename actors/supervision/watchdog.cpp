#include "actors/supervision/watchdog.hpp"

#include <utility>

#include <fmt/format.h>

#include "actors/supervision/log.hpp"
#include "actors/supervision/trace_ring.hpp"
#include "messages/messages.hpp"

namespace runtime_agent::supervision {
namespace {

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

} // namespace

Watchdog::Watchdog(const Supervisor& supervisor, Environment& environment, const WatchdogSettings& settings,
                   std::function<void(const std::string&)> give_up)
    : environment_(environment), settings_(settings), give_up_(std::move(give_up)) {
  for (Supervisor::Watched& actor : supervisor.watched())
    watches_.push_back({std::move(actor), {}, {}, {}, false});
}

Watchdog::~Watchdog() {
  stop();
}

void Watchdog::start() {
  if (thread_.joinable())
    return; // started anew after a stop of the actors: it has gone on looking
  thread_ = std::thread([this] {
    while (!ending_.wait_for(settings_.interval)) {
      look(std::chrono::steady_clock::now());
      environment_.ring.retain();
    }
  });
}

void Watchdog::stop() {
  ending_.cancel();
  if (thread_.joinable())
    thread_.join();
}

void Watchdog::look(TimePoint now) {
  // The process was stopped, or got no CPU: nobody could answer, and that time does not count.
  const bool paused = last_look_ && now - *last_look_ > 3 * settings_.interval;
  const auto lost = paused ? now - *last_look_ - settings_.interval : std::chrono::steady_clock::duration::zero();
  last_look_ = now;
  for (Watch& watch : watches_) {
    watch.asked += lost;
    look(watch, now);
  }
}

void Watchdog::look(Watch& watch, TimePoint now) {
  const ChildFacts facts = watch.actor.status->facts();
  if (facts.state != ChildState::running || facts.started != watch.life) {
    // Down, stopped, or another one by now: whatever was asked before means nothing.
    watch.life = facts.started;
    watch.stuck = false;
    watch.ping.reset();
    if (facts.state != ChildState::running)
      return;
  }
  if (!watch.ping)
    return ask(watch, now);
  if (watch.ping->answered->load()) {
    if (std::exchange(watch.stuck, false)) {
      watch.actor.status->set_stuck(std::nullopt);
      log::info("A stuck actor responds again", {{"actor", facts.name}, {"after_s", seconds(now - watch.asked)}});
    }
    return ask(watch, now);
  }
  const auto silent = now - watch.asked;
  if (silent < settings_.deadline)
    return;
  if (!std::exchange(watch.stuck, true)) {
    watch.actor.status->set_stuck(environment_.wall_now());
    log::error("An actor is stuck", {{"actor", facts.name}, {"silent_s", seconds(silent)}});
  }
  if (silent < settings_.deadline + settings_.end_after || std::exchange(given_up_, true))
    return;
  give_up_(fmt::format("{} has not responded for {:.0f} s; it is stuck", facts.name, seconds(silent)));
}

void Watchdog::ask(Watch& watch, TimePoint now) {
  watch.ping = Ping{};
  watch.asked = now;
  caf::anon_send(watch.actor.slot, *watch.ping);
}

} // namespace runtime_agent::supervision
