#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actors/application_reconciler/application_facts.hpp"
#include "actors/status_writer/connection_status.hpp"
#include "actors/supervision/span.hpp"
#include "app/settings.hpp"
#include "transport/failure.hpp"

/// Where the pages get their facts from: plain values, so that they are tested without actors.
namespace runtime_agent::app {

/// One actor behind its Slot.
struct ActorFacts {
  std::string name;
  std::string state; ///< "running", "backing off" …
  bool answers = true;
  std::uint64_t restarts = 0;
  std::int64_t mailbox_depth = 0;
  std::uint64_t messages = 0;
  std::uint64_t overflow = 0;
  std::optional<std::string> last_exception;
  std::optional<WallTime> last_exception_time;
  std::optional<WallTime> started;
  std::optional<WallTime> next_start;
};

/// The process before this one, as its trace file tells.
struct PreviousProcess {
  std::optional<WallTime> started;
  std::string end; ///< in words; empty: it was killed, or could not say
  std::vector<supervision::Cycle> cycles;
};

struct ReadyFacts {
  bool ready = false;
  std::string text;
};

/// All are called on the web server's threads.
struct PageSources {
  std::string version;
  WallTime started; ///< of this process
  std::function<WallTime()> now;
  std::function<std::vector<ActorFacts>()> actors;
  std::function<std::vector<supervision::Cycle>()> cycles; ///< the youngest first
  std::function<supervision::Cycle(const TraceContext&)> cycle;
  std::function<Result<PreviousProcess>()> previous;
  std::function<status_writer::Facts()> status;
  std::function<ReadyFacts()> ready;
  std::function<application_reconciler::ApplicationsSnapshot()> applications;
  std::vector<EffectiveSetting> settings;
  std::function<std::string()> log_level;
};

} // namespace runtime_agent::app
