#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/supervision/environment.hpp"
#include "actors/supervision/slot.hpp"

namespace runtime_agent::supervision {

/// The Slots of the program: started and stopped together, watched for escalation. Used by one thread, but for `facts`.
/// Lives shorter than the actor system; what the specifications refer to lives longer than it.
class Supervisor {
public:
  /// `escalated` is called on a thread of the actor system, once, with the reason of the first Slot that has given up;
  /// the program then ends.
  Supervisor(caf::actor_system& system, Environment& environment, std::function<void(const std::string&)> escalated);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  /// Ends the Slots and, without grace, their children.
  ~Supervisor();

  /// Adds a Slot, which has no child until `start`. Its address stays valid.
  template <class Handle>
  Handle add(ChildSpecification specification) {
    return caf::actor_cast<Handle>(add_slot(std::move(specification)));
  }

  /// Starts the children in the order in which they were added. Also again, after a stop.
  void start();

  /// Stops the children one after the other: those of `order` in that order, and before them the others, the last added
  /// first. Each may finish what is in its mailbox; when `limit` is over the rest ends at once. Waits until all is
  /// stopped. Returns whether all have ended by themselves. Afterwards the Slots refuse messages until the next start.
  bool stop(std::chrono::milliseconds limit, const std::vector<std::string>& order = {});
  /// The same without waiting. Not while another stop is under way.
  void begin_stop(std::chrono::milliseconds limit, const std::vector<std::string>& order = {});
  bool stopped() const;

  /// What the watchdog looks after.
  struct Watched {
    caf::actor slot;
    std::shared_ptr<ChildStatus> status;
  };
  std::vector<Watched> watched() const;

  /// In the order in which they were added. Thread-safe once all are added.
  std::vector<ChildFacts> facts() const;

private:
  struct State;
  caf::actor add_slot(ChildSpecification specification);

  caf::actor_system& system_;
  Environment& environment_;
  std::shared_ptr<State> state_;
};

} // namespace runtime_agent::supervision
