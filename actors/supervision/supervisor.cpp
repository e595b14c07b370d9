#include "actors/supervision/supervisor.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "messages/messages.hpp"

namespace runtime_agent::supervision {

/// Shared with the Slots' callbacks, which may run after the Supervisor has gone.
struct Supervisor::State {
  struct Child {
    caf::actor slot;
    std::shared_ptr<ChildStatus> status;
    bool slot_ended = false; ///< it has given up: nobody answers for it any more
  };
  caf::actor_system& system;
  std::function<void(const std::string&)> escalated;

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Child> children;
  std::deque<std::size_t> to_stop; ///< indices; the first one is being stopped
  std::chrono::steady_clock::time_point stop_until;
  bool all_by_themselves = true;
  bool has_escalated = false;

  State(caf::actor_system& actors, std::function<void(const std::string&)> call)
      : system(actors), escalated(std::move(call)) {}

  void stop_next() {
    caf::actor slot;
    std::chrono::milliseconds remaining{0};
    {
      std::lock_guard lock(mutex);
      while (!to_stop.empty() && children[to_stop.front()].slot_ended)
        to_stop.pop_front();
      if (to_stop.empty()) {
        changed.notify_all();
        return;
      }
      slot = children[to_stop.front()].slot;
      remaining = std::chrono::duration_cast<std::chrono::milliseconds>(stop_until - system.clock().now());
    }
    caf::anon_send(slot, ChildStopRequested{std::max(remaining, std::chrono::milliseconds(0))});
  }

  /// Called where child `index` has stopped, or its Slot has ended.
  void child_stopped(std::size_t index, bool by_itself) {
    {
      std::lock_guard lock(mutex);
      if (to_stop.empty() || to_stop.front() != index)
        return;
      to_stop.pop_front();
      all_by_themselves = all_by_themselves && by_itself;
    }
    stop_next();
  }

  void slot_ended(std::size_t index, const caf::error& reason) {
    bool first = false;
    {
      std::lock_guard lock(mutex);
      children[index].slot_ended = true;
      if (children[index].status->state() == ChildState::escalated)
        first = !std::exchange(has_escalated, true);
    }
    if (first && escalated)
      escalated(text_of(reason, system));
    child_stopped(index, true);
  }
};

Supervisor::Supervisor(caf::actor_system& system, Environment& environment,
                       std::function<void(const std::string&)> escalated)
    : system_(system), environment_(environment), state_(std::make_shared<State>(system, std::move(escalated))) {}

Supervisor::~Supervisor() {
  for (State::Child& child : state_->children)
    caf::anon_send_exit(std::exchange(child.slot, nullptr), caf::exit_reason::kill);
}

caf::actor Supervisor::add_slot(ChildSpecification specification) {
  const std::size_t index = state_->children.size();
  auto status = std::make_shared<ChildStatus>(specification.name, specification.restart.buffer_limit);
  const std::weak_ptr<State> weak = state_;
  auto slot = system_.spawn<Slot>(environment_, std::move(specification), status, [weak, index](bool by_itself) {
    if (const auto state = weak.lock())
      state->child_stopped(index, by_itself);
  });
  slot->attach_functor([weak, index](const caf::error& reason) {
    if (const auto state = weak.lock())
      state->slot_ended(index, reason);
  });
  state_->children.push_back({slot, std::move(status)});
  return slot;
}

void Supervisor::start() {
  // All of them before the first child runs: what it asks of its peers must not be lost because they are not there yet.
  for (const State::Child& child : state_->children)
    if (child.status->state() == ChildState::stopped)
      child.status->mailbox->accept();
  for (const State::Child& child : state_->children)
    caf::anon_send(child.slot, ChildStartRequested{});
}

void Supervisor::begin_stop(std::chrono::milliseconds limit, const std::vector<std::string>& order) {
  std::deque<std::size_t> indices;
  for (std::size_t i = state_->children.size(); i-- > 0;)
    if (std::find(order.begin(), order.end(), state_->children[i].status->name()) == order.end())
      indices.push_back(i);
  for (const std::string& name : order)
    for (std::size_t i = 0; i < state_->children.size(); ++i)
      if (state_->children[i].status->name() == name)
        indices.push_back(i);
  {
    std::lock_guard lock(state_->mutex);
    state_->to_stop = std::move(indices);
    state_->stop_until = system_.clock().now() + limit;
    state_->all_by_themselves = true;
  }
  state_->stop_next();
}

bool Supervisor::stop(std::chrono::milliseconds limit, const std::vector<std::string>& order) {
  begin_stop(limit, order);
  // An actor ends at once when it is told to without grace; the second is for a machine under load.
  std::unique_lock lock(state_->mutex);
  const bool done =
      state_->changed.wait_for(lock, limit + std::chrono::seconds(1), [this] { return state_->to_stop.empty(); });
  return done && state_->all_by_themselves;
}

bool Supervisor::stopped() const {
  std::lock_guard lock(state_->mutex);
  return state_->to_stop.empty();
}

std::vector<Supervisor::Watched> Supervisor::watched() const {
  std::vector<Watched> watched;
  for (const State::Child& child : state_->children)
    watched.push_back({child.slot, child.status});
  return watched;
}

std::vector<ChildFacts> Supervisor::facts() const {
  std::vector<ChildFacts> rows;
  for (const State::Child& child : state_->children)
    rows.push_back(child.status->facts());
  return rows;
}

} // namespace runtime_agent::supervision
