#include "actors/supervision/slot.hpp"

#include <array>
#include <cstring>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "actors/supervision/envelope.hpp"
#include "actors/supervision/log.hpp"
#include "actors/supervision/trace_ring.hpp"
#include "messages/messages.hpp"

namespace runtime_agent::supervision {
namespace {

constexpr caf::atom_value restart_atom = caf::atom("restart");
constexpr caf::atom_value kill_atom = caf::atom("kill");

/// What the Slot handles itself; everything else is for the child.
bool is_for_slot(const caf::mailbox_element& element) {
  const auto& content = element.content();
  if (element.mid.is_response() || content.size() == 0)
    return true;
  const std::uint16_t type = content.type_nr(0);
  return type == caf::type_nr<caf::exit_msg>::value || type == caf::type_nr<caf::down_msg>::value ||
         type == caf::type_nr<caf::timeout_msg>::value || content.match_elements<ChildStartRequested>() ||
         content.match_elements<ChildStopRequested>();
}

} // namespace

std::string_view to_string(ChildState state) {
  constexpr std::array<std::string_view, 5> names = {"stopped", "running", "backing off", "stopping", "escalated"};
  return names.at(static_cast<std::size_t>(state));
}

std::string text_of(const caf::error& reason, const caf::actor_system& system) {
  if (!reason)
    return "ended by itself";
  if (reason == caf::sec::runtime_error && reason.context().match_elements<std::string>())
    return reason.context().get_as<std::string>(0);
  return system.render(reason);
}

// -- what is shown
// -----------------------------------------------------------------------------------------------------

ChildFacts ChildStatus::facts() const {
  ChildFacts facts;
  {
    std::lock_guard lock(mutex_);
    facts.state = state_;
    facts.restarts = restarts_;
    facts.started = started_;
    facts.next_start = next_start_;
    facts.stuck_since = stuck_since_;
  }
  facts.name = name_;
  const ActorRecord& record = mailbox->record();
  facts.mailbox_depth =
      facts.state == ChildState::running ? record.depth() : static_cast<std::int64_t>(mailbox->kept());
  facts.messages = record.messages();
  facts.overflow = mailbox->overflow();
  facts.last_exception = record.last_exception();
  return facts;
}

ChildState ChildStatus::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void ChildStatus::set(ChildState state, std::optional<WallTime> next_start) {
  std::lock_guard lock(mutex_);
  state_ = state;
  next_start_ = next_start;
  stuck_since_.reset();
}

void ChildStatus::started(WallTime time, bool again) {
  std::lock_guard lock(mutex_);
  state_ = ChildState::running;
  started_ = time;
  next_start_.reset();
  stuck_since_.reset();
  restarts_ += again ? 1 : 0;
}

void ChildStatus::set_stuck(std::optional<WallTime> since) {
  std::lock_guard lock(mutex_);
  stuck_since_ = since;
}

// -- the Slot
// ----------------------------------------------------------------------------------------------------------

Slot::Slot(caf::actor_config& config, Environment& environment, ChildSpecification specification,
           std::shared_ptr<ChildStatus> status, std::function<void(bool)> stopped)
    : Super(config), environment_(environment), specification_(std::move(specification)), status_(std::move(status)),
      stopped_(std::move(stopped)), random_(environment.seed()), policy_(specification_.restart) {
  set_down_handler([this](const caf::down_msg& down) {
    if (child_ && down.source == caf::actor_cast<caf::actor_addr>(child_))
      ended(text_of(down.reason, system()));
  });
}

caf::behavior Slot::make_behavior() {
  return {
      [](const Ping& ping) { ping.answered->store(true); },
      [this](const ChildStartRequested&) {
        if (state_ == ChildState::stopped)
          start(false);
      },
      [this](const ChildStopRequested& request) { stop(request.limit); },
  };
}

void Slot::enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) {
  // A child that waits for its restart is not stuck: the Slot says so in its place.
  const bool ping_without_child = element->content().match_elements<Ping>() && status_->state() != ChildState::running;
  if (ping_without_child || is_for_slot(*element))
    Super::enqueue(std::move(element), unit);
  else
    status_->mailbox->deliver(in_envelope(std::move(element), clock()), unit);
}

caf::invoke_message_result Slot::consume(caf::mailbox_element& element) {
  if (element.content().match_elements<caf::timeout_msg>()) {
    timer_fired(element.content().get_as<caf::timeout_msg>(0).type);
    return caf::invoke_message_result::consumed;
  }
  return Super::consume(element);
}

void Slot::on_exit() {
  clock().cancel_ordinary_timeout(this, restart_atom);
  clock().cancel_ordinary_timeout(this, kill_atom);
  status_->mailbox->refuse();
  if (state_ != ChildState::escalated)
    status_->set(ChildState::stopped);
  if (child_)
    caf::anon_send_exit(caf::actor_cast<caf::actor>(child_), caf::exit_reason::kill);
  child_ = nullptr;
  stopped_ = nullptr;
  specification_.start = nullptr; // what it holds may hold this Slot's address
}

void Slot::start(bool again) {
  SlotMailbox& mailbox = *status_->mailbox;
  tenancy_ = mailbox.begin();
  bool custody = false;
  started_ = clock().now();
  state_ = ChildState::running;
  status_->started(environment_.wall_now(), again);
  try {
    const SlotMembershipScope membership({status_->mailbox, tenancy_});
    child_ = specification_.start(system());
    custody = membership.taken();
  } catch (const std::exception& exception) {
    return ended(exception.what());
  } catch (...) {
    return ended("an exception not derived from std::exception");
  }
  if (!child_)
    return ended("the start function did not start an actor");
  monitor(caf::actor_cast<caf::actor>(child_));
  mailbox.open(tenancy_, child_, custody);
}

void Slot::ended(const std::string& reason) {
  child_ = nullptr;
  status_->mailbox->close(tenancy_);
  if (state_ == ChildState::stopping)
    return has_stopped();
  ActorRecord& record = status_->mailbox->record();
  record.threw(reason, environment_.wall_now());
  died_in_ = record.take_died_in();
  const auto now = ended_ = clock().now();
  const auto delay = policy_.ended(started_, now, random_);
  if (!delay)
    return escalate(reason);
  if (environment_.actor_ended)
    environment_.actor_ended({specification_.name, reason, false});
  log::warning("Restarting an actor",
               {{"actor", specification_.name}, {"delay_ms", delay->count()}, {"reason", reason}});
  state_ = ChildState::backing_off;
  status_->set(state_, environment_.wall_now() + *delay);
  set_timer(restart_atom, *delay);
}

void Slot::escalate(const std::string& reason) {
  state_ = ChildState::escalated;
  status_->set(state_);
  const std::chrono::duration<double> period = specification_.restart.period;
  std::string text =
      fmt::format("{} terminated {} times within {:g} s, more often than its restart intensity allows; last: {}",
                  specification_.name, policy_.recent(), period.count(), reason);
  log::error("Escalating: an actor keeps failing", {{"actor", specification_.name}, {"reason", text}});
  if (environment_.actor_ended)
    environment_.actor_ended({specification_.name, text, true});
  quit(caf::make_error(caf::sec::runtime_error, std::move(text)));
}

void Slot::stop(std::chrono::milliseconds limit) {
  if (!child_) {
    clock().cancel_ordinary_timeout(this, restart_atom);
    return has_stopped();
  }
  state_ = ChildState::stopping;
  status_->set(state_);
  killed_ = false;
  set_timer(kill_atom, limit);
  // Of normal priority, so that it comes behind what is in the mailbox: the last reports are handled.
  child_->enqueue(caf::make_mailbox_element(ctrl(), caf::make_message_id(), {},
                                            caf::exit_msg{address(), caf::exit_reason::user_shutdown}),
                  context());
}

void Slot::has_stopped() {
  clock().cancel_ordinary_timeout(this, kill_atom);
  status_->mailbox->refuse();
  state_ = ChildState::stopped;
  status_->set(state_);
  if (stopped_)
    stopped_(!std::exchange(killed_, false));
}

void Slot::record_restart() {
  TraceRing& ring = environment_.ring;
  SpanRecord record;
  record.kind = SpanKind::restart;
  if (!died_in_.valid()) { // its start function threw: there is no cycle that it belongs to
    std::array<std::uint64_t, 2> random{random_(), random_()};
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), random.data(), bytes.size());
    died_in_ = make_trace(bytes);
  }
  record.trace = died_in_.trace_id;
  record.parent = died_in_.span_id;
  record.span = random_() | 1;
  record.sender = ring.intern("Slot");
  record.receiver = ring.intern(specification_.name);
  record.name = ring.intern("restart");
  record.queued = record.started = ring.wall(ended_);
  record.duration = (clock().now() - ended_).count();
  ring.record(record);
}

void Slot::set_timer(caf::atom_value type, std::chrono::milliseconds delay) {
  clock().set_ordinary_timeout(clock().now() + delay, this, type, 0);
}

void Slot::timer_fired(caf::atom_value type) {
  if (type == restart_atom && state_ == ChildState::backing_off) {
    record_restart();
    start(true);
  }
  if (type == kill_atom && state_ == ChildState::stopping && child_) {
    killed_ = true;
    caf::anon_send_exit(caf::actor_cast<caf::actor>(child_), caf::exit_reason::kill);
  }
}

} // namespace runtime_agent::supervision
