#include "actors/supervision/watchdog.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/supervision/log.hpp"
#include "actors/supervision/starvation.hpp"
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

bool Watchdog::all_answer(TimePoint now) const {
  const TimePoint looked{TimePoint::duration(looked_.load())};
  const bool looks = looked == TimePoint{} || now - looked < settings_.deadline + 3 * settings_.interval;
  return looks && !one_is_stuck_;
}

/// What of the time since then does not count against an actor that is silent.
std::chrono::steady_clock::duration Watchdog::lost_since_last_look(TimePoint now) {
  const auto used = settings_.cpu.used ? settings_.cpu.used() : std::chrono::nanoseconds(0);
  const auto used_since = used - std::exchange(cpu_used_, used);
  if (!last_look_)
    return {};
  const auto elapsed = now - *last_look_;
  if (elapsed > 3 * settings_.interval)
    return elapsed - settings_.interval; // the process was stopped: nobody could answer
  const bool one_is_silent = std::any_of(
      watches_.begin(), watches_.end(), [](const Watch& watch) { return watch.ping && !watch.ping->answered->load(); });
  if (!one_is_silent || !settings_.cpu.wanted)
    return {};
  return elapsed - time_that_counts(elapsed, used_since, settings_.cpu.wanted());
}

void Watchdog::look(TimePoint now) {
  const auto lost = lost_since_last_look(now);
  last_look_ = now;
  for (Watch& watch : watches_) {
    watch.asked += lost;
    look(watch, now);
  }
  one_is_stuck_ = std::any_of(watches_.begin(), watches_.end(), [](const Watch& watch) { return watch.stuck; });
  looked_ = now.time_since_epoch().count();
}

void Watchdog::look(Watch& watch, TimePoint now) {
  const ChildFacts facts = watch.actor.status->facts();
  // Stopped or followed by another while it hung: its mailbox, and the ping in it, is there as long as it hangs.
  const bool hangs_still = watch.stuck && !watch.ping->answered->load() && watch.ping->answered.use_count() > 1;
  if (!hangs_still && (facts.state != ChildState::running || facts.started != watch.life)) {
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
