#include "actors/supervision/actor_core.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <stdexcept>

#include <caf/all.hpp>
#include <cxxabi.h>
#include <fmt/format.h>

#include "actors/supervision/crash_switch.hpp"
#include "actors/supervision/log.hpp"
#include "actors/supervision/trace_ring.hpp"
#include "actors/supervision/tracing.hpp"
#include "messages/messages.hpp"

namespace runtime_agent::supervision {
namespace {

// Marks our one entry in CAF's clock. An ordinary timeout, unlike a scheduled message, can be taken back: else the
// clock would keep a dead actor, and all that it holds, until its last timer is due.
constexpr caf::atom_value timer_atom = caf::atom("timers");

std::string text_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "an exception not derived from std::exception";
  }
}

/// Of this thread; wraps around after an hour, as differences of it may.
std::uint32_t thread_cpu_microseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint32_t>(time.tv_sec * 1'000'000 + time.tv_nsec / 1'000);
}

/// Exit, down and the like: CAF's own, not part of the conversation.
bool belongs_to_caf(std::uint16_t type) {
  return type == caf::type_nr<caf::exit_msg>::value || type == caf::type_nr<caf::down_msg>::value ||
         type == caf::type_nr<caf::timeout_msg>::value || type == caf::type_nr<caf::error>::value;
}

} // namespace

struct ActorCore::Ticket {
  NameId name = 0;
  std::string text;
  TraceContext trace; ///< with the call's own span
  std::uint64_t parent = 0;
  std::chrono::steady_clock::time_point queued;
  std::chrono::milliseconds time_limit{0};
};

struct ActorCore::Outcome {
  enum class Kind { result, event, ended } kind = Kind::result;
  std::shared_ptr<Ticket> ticket;
  Returned returned;
  std::any event;
  std::optional<Failure> refused; ///< the work never ran
  std::exception_ptr thrown;
  std::chrono::steady_clock::time_point started;
  std::chrono::steady_clock::time_point ended;
};

ActorCore::ActorCore(caf::scheduled_actor& self, Environment& environment)
    : self_(self), environment_(environment), membership_(take_slot_membership()),
      record_(membership_.mailbox ? membership_.mailbox->record() : own_record_), random_(environment.seed()),
      ids_(random_() ^ 0x5851f42d4c957f2du) {
  record_.mailbox_is_new();
  self_.set_exception_handler([this](std::exception_ptr& exception) { return died(exception); });
}

caf::mailbox_element_ptr ActorCore::arriving(caf::mailbox_element_ptr element) {
  record_.queued(1);
  return in_envelope(std::move(element), self_.clock());
}

const ActorCore::TypeName& ActorCore::type_name(const caf::type_erased_tuple& content) {
  const caf::rtti_pair type = content.size() == 0 ? caf::rtti_pair{0, &typeid(void)} : content.type(0);
  for (const TypeName& known : types_)
    if (known.type == type)
      return known;
  std::string name;
  if (type.second == nullptr) {
    name = self_.system().types().portable_name(type);
  } else {
    int status = 0;
    char* plain = abi::__cxa_demangle(type.second->name(), nullptr, nullptr, &status);
    name = status == 0 ? plain : type.second->name();
    std::free(plain);
  }
  if (const auto scope = name.rfind("::"); scope != std::string::npos)
    name.erase(0, scope + 2);
  const NameId id = environment_.ring.intern(name);
  types_.push_back({type, std::move(name), id});
  return types_.back();
}

NameId ActorCore::sender_id(std::string_view name) {
  for (const auto& [known, id] : senders_)
    if (known.data() == name.data())
      return id;
  senders_.emplace_back(name, environment_.ring.intern(name));
  return senders_.back().second;
}

std::uint64_t ActorCore::new_span_id() {
  // SplitMix64: five instructions, and every 64-bit value once.
  std::uint64_t mixed = (ids_ += 0x9e3779b97f4a7c15u);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  mixed ^= mixed >> 31;
  return mixed == 0 ? 1 : mixed;
}

TraceContext ActorCore::new_trace() {
  const std::array<std::uint64_t, 2> random{new_span_id(), new_span_id()};
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), random.data(), bytes.size());
  return make_trace(bytes);
}

template <class F>
void ActorCore::traced(SpanRecord record, const TraceContext& trace, std::string_view kind, F handler) {
  if constexpr (!tracing) {
    record_.handled();
    handler();
    return;
  }
  if (own_name_ == 0)
    own_name_ = environment_.ring.intern(actor_name());
  const auto started = now();
  const std::uint32_t cpu_before = environment_.measure_cpu ? thread_cpu_microseconds() : 0;
  const TraceContext cause = trace.valid() ? trace : new_trace();
  record.trace = cause.trace_id;
  record.parent = cause.span_id;
  record.span = new_span_id();
  record.receiver = own_name_;
  record.started = environment_.ring.wall(started);
  if (record.queued == 0)
    record.queued = record.started;
  last_trace_ = {cause.trace_id, record.span};
  const TraceScope trace_scope(last_trace_);
  const ActorScope actor_scope(actor_name());
  record_.handled();
  const auto crash_point = [&](bool afterwards) {
    return environment_.crash_switch == nullptr || !environment_.crash_switch->armed() ||
           environment_.crash_switch->check(actor_name(), environment_.ring.name(record.name), kind, afterwards);
  };
  try {
    if (crash_point(false)) {
      handler();
      crash_point(true);
    } else {
      record.outcome = SpanOutcome::dropped;
    }
  } catch (...) {
    record.outcome = SpanOutcome::threw;
    record.duration = (now() - started).count();
    environment_.ring.record(record);
    throw;
  }
  if (environment_.measure_cpu)
    record.cpu = thread_cpu_microseconds() - cpu_before;
  record.duration = (now() - started).count();
  environment_.ring.record(record);
}

void ActorCore::initialize(const std::function<void()>& domain) {
  SpanRecord record;
  record.kind = SpanKind::start;
  record.name = environment_.ring.intern("start");
  traced(record, {}, "start", domain);
}

caf::invoke_message_result ActorCore::consume(caf::mailbox_element& element, const Handler& domain) {
  Envelope* envelope = envelope_of(element);
  if (envelope != nullptr) {
    record_.queued(-1);
    envelope->handled();
  }
  auto& content = element.content();
  const caf::rtti_pair type = content.size() == 0 ? caf::rtti_pair{0, nullptr} : content.type(0);
  if (type.first == caf::type_nr<caf::timeout_msg>::value && content.get_as<caf::timeout_msg>(0).type == timer_atom) {
    fire_due_timers();
    return caf::invoke_message_result::consumed;
  }
  if (element.mid.is_response() || belongs_to_caf(type.first))
    return domain(element);
  if (content.match_elements<CallFinished>()) {
    const auto& message = content.get_as<CallFinished>(0);
    const auto outcome = std::static_pointer_cast<Outcome>(message.result);
    finished(envelope, message.id, *outcome);
    return caf::invoke_message_result::consumed;
  }
  if (content.match_elements<Ping>()) {
    content.get_as<Ping>(0).answered->store(true);
    return caf::invoke_message_result::consumed;
  }
  SpanRecord record;
  if constexpr (tracing)
    record.name = type_name(content).id;
  TraceContext trace;
  if (tracing && envelope != nullptr) {
    trace = envelope->trace;
    record.sender = sender_id(envelope->sender_name);
    record.queued = environment_.ring.wall(envelope->queued);
  }
  auto result = caf::invoke_message_result::consumed;
  traced(record, trace, {}, [&] { result = domain(element); });
  return result;
}

void ActorCore::end() {
  // First of all, so that what peers send from now on is kept for the successor. What is in the mailbox goes back to
  // the Slot when CAF drops it (Envelope's destructor), before it tells of the death.
  if (membership_.mailbox)
    membership_.mailbox->close(membership_.tenancy);
  self_.clock().cancel_ordinary_timeout(&self_, timer_atom);
  timers_.clear();
  due_.clear();
  const auto calls = std::exchange(calls_, {});
  for (const auto& [id, call] : calls)
    give_up(call);
}

// -- timers
// ------------------------------------------------------------------------------------------------------------

TimerId ActorCore::after(std::chrono::milliseconds delay, std::string_view name, Traced traced,
                         std::function<void()> then) {
  const TimerId id = next_id();
  const auto due = now() + delay;
  const bool begins = traced == Traced::begins;
  timers_.emplace(std::pair(due, id), Timer{id, name, begins, begins ? TraceContext{} : trace(), std::move(then)});
  due_.emplace(id, due);
  arm();
  return id;
}

void ActorCore::cancel_timer(TimerId& id) {
  if (const auto found = due_.find(id); found != due_.end()) {
    timers_.erase({found->second, id});
    due_.erase(found);
  }
  id = 0;
}

void ActorCore::arm() {
  if (timers_.empty())
    return;
  const auto earliest = timers_.begin()->first.first;
  if (armed_ && *armed_ <= earliest)
    return; // fires early where the timer that it was for has been cancelled; arms again then
  armed_ = earliest;
  self_.clock().set_ordinary_timeout(earliest, &self_, timer_atom, 0);
}

void ActorCore::fire_due_timers() {
  armed_.reset();
  const auto until = now();
  while (!timers_.empty() && timers_.begin()->first.first <= until && self_.has_behavior()) {
    auto due = timers_.extract(timers_.begin());
    due_.erase(due.key().second);
    fire(due.mapped(), due.key().first);
  }
  arm();
}

void ActorCore::fire(const Timer& timer, std::chrono::steady_clock::time_point due) {
  if (timer.name.empty())
    return timer.then();
  SpanRecord record;
  record.kind = SpanKind::timer;
  record.name = environment_.ring.intern(timer.name);
  record.queued = environment_.ring.wall(due);
  traced(record, timer.trace, "TimerFired", timer.then);
}

// -- calls
// -------------------------------------------------------------------------------------------------------------

CallId ActorCore::call(const CallSpec& spec, std::function<Returned(const CallContext&)> work,
                       std::function<void(Answer)> done) {
  const CallId id = next_id();
  auto ticket = std::make_shared<Ticket>();
  ticket->name = environment_.ring.intern(spec.name);
  ticket->text = spec.name;
  const TraceContext cause = trace().valid() ? trace() : new_trace();
  ticket->trace = {cause.trace_id, new_span_id()};
  ticket->parent = cause.span_id;
  ticket->queued = now();
  ticket->time_limit = spec.time_limit;
  CallContext context;
  context.deadline = ticket->queued + spec.time_limit;
  context.trace = ticket->trace;
  Call& call = calls_[id];
  call.ticket = ticket;
  call.cancel = context.cancel;
  call.done = std::move(done);
  call.deadline = after(spec.time_limit + call_grace, {}, Traced::continues, [this, id] { ran_out_of_time(id); });
  const auto weak = caf::actor_cast<caf::weak_actor_ptr>(&self_);
  const bool accepted = environment_.io.submit(
      [weak, id, ticket, context, work = std::move(work)] { run_call(weak, id, ticket, context, work); });
  if (!accepted) {
    auto outcome = std::make_shared<Outcome>();
    outcome->ticket = ticket;
    outcome->started = outcome->ended = ticket->queued;
    outcome->refused =
        Failure{FailureKind::unavailable, ticket->text, "the queue of the I/O threads is full", {}, {}, 0, false, {}};
    post(weak, id, ticket->trace, std::move(outcome)); // as a message, so that `done` never runs within `call`
  }
  return id;
}

CallId ActorCore::watch(std::string_view name, std::function<void(const CancelToken&, const Emit&)> work,
                        std::function<void(std::any)> on_event) {
  const CallId id = next_id();
  auto ticket = std::make_shared<Ticket>();
  ticket->name = environment_.ring.intern(name);
  ticket->text = name;
  ticket->trace = trace();
  ticket->queued = now();
  Call& call = calls_[id];
  call.ticket = ticket;
  call.on_event = std::move(on_event);
  LongJob job;
  job.name = name;
  job.cancel = call.cancel;
  const auto weak = caf::actor_cast<caf::weak_actor_ptr>(&self_);
  job.emit = [weak, id, ticket](std::any event) {
    auto outcome = std::make_shared<Outcome>();
    outcome->kind = Outcome::Kind::event;
    outcome->ticket = ticket;
    outcome->event = std::move(event);
    post(weak, id, {}, std::move(outcome));
  };
  job.end = [weak, id, ticket](std::exception_ptr thrown) {
    auto outcome = std::make_shared<Outcome>();
    outcome->kind = Outcome::Kind::ended;
    outcome->ticket = ticket;
    outcome->thrown = std::move(thrown);
    post(weak, id, ticket->trace, std::move(outcome));
  };
  job.run = [cancel = job.cancel, emit = job.emit, end = job.end, work = std::move(work)] {
    std::exception_ptr thrown;
    try {
      work(cancel, emit);
    } catch (...) {
      thrown = std::current_exception();
    }
    end(std::move(thrown));
  };
  environment_.io.start_long(std::move(job));
  return id;
}

void ActorCore::cancel_call(CallId& id) {
  if (auto call = calls_.extract(id)) {
    cancel_timer(call.mapped().deadline);
    give_up(call.mapped());
  }
  id = 0;
}

void ActorCore::give_up(const Call& call) {
  call.cancel.cancel();
  if (call.on_event)
    return;
  // Now, and not when its work comes back, if ever: requests that it has made must not be without their cause.
  Outcome outcome;
  outcome.ticket = call.ticket;
  outcome.started = call.ticket->queued;
  outcome.ended = now();
  record_call(outcome, SpanOutcome::dropped, {});
}

void ActorCore::run_call(const caf::weak_actor_ptr& actor, CallId id, const std::shared_ptr<Ticket>& ticket,
                         const CallContext& context, const std::function<Returned(const CallContext&)>& work) {
  auto outcome = std::make_shared<Outcome>();
  outcome->ticket = ticket;
  {
    const auto strong = caf::actor_cast<caf::strong_actor_ptr>(actor);
    if (!strong || context.cancel.cancelled())
      return; // nobody waits for it any more
    outcome->started = strong->home_system->clock().now();
  }
  const TraceScope scope(ticket->trace);
  try {
    outcome->returned = work(context);
  } catch (...) {
    outcome->thrown = std::current_exception();
  }
  post(actor, id, ticket->trace, std::move(outcome));
}

void ActorCore::post(const caf::weak_actor_ptr& actor, CallId id, const TraceContext& trace,
                     std::shared_ptr<Outcome> outcome) {
  const auto strong = caf::actor_cast<caf::strong_actor_ptr>(actor);
  if (!strong)
    return;
  const TraceScope trace_scope(trace);
  const ActorScope actor_scope("I/O thread");
  outcome->ended = strong->home_system->clock().now();
  strong->enqueue(
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, CallFinished{id, trace, std::move(outcome)}),
      nullptr);
}

void ActorCore::finished(const Envelope* envelope, std::uint64_t id, Outcome& outcome) {
  const std::int64_t queued = environment_.ring.wall(envelope != nullptr ? envelope->queued : outcome.ended);
  const auto found = calls_.find(id);
  if (found == calls_.end())
    return; // cancelled, or given up
  if (outcome.kind == Outcome::Kind::event)
    return event(found->second, outcome, queued);
  const auto call = calls_.extract(found);
  cancel_timer(call.mapped().deadline);
  answered(call.mapped(), outcome, queued);
}

void ActorCore::event(Call& call, Outcome& outcome, std::int64_t queued) {
  SpanRecord record;
  record.kind = SpanKind::event;
  record.name = outcome.ticket->name;
  record.queued = queued;
  // A copy: the handler may cancel its own watch.
  traced(record, {}, "CallFinished", [on_event = call.on_event, &outcome] { on_event(std::move(outcome.event)); });
}

void ActorCore::answered(Call& call, Outcome& outcome, std::int64_t queued) {
  if (outcome.kind == Outcome::Kind::result && !outcome.refused) {
    const auto failure = outcome.returned.failure;
    record_call(outcome,
                outcome.thrown ? SpanOutcome::threw
                : failure      ? SpanOutcome::failed
                               : SpanOutcome::ok,
                failure ? to_string(*failure) : std::string_view());
  }
  SpanRecord record;
  record.kind = SpanKind::answer;
  record.name = outcome.ticket->name;
  record.queued = queued;
  traced(record, outcome.ticket->trace, "CallFinished", [&call, &outcome] {
    if (outcome.thrown)
      std::rethrow_exception(outcome.thrown);
    if (outcome.kind == Outcome::Kind::ended)
      throw std::runtime_error(fmt::format("the watch \"{}\" has ended without being cancelled", outcome.ticket->text));
    call.done({std::move(outcome.returned.value), std::move(outcome.refused)});
  });
}

void ActorCore::ran_out_of_time(CallId id) {
  auto call = calls_.extract(id);
  if (!call)
    return;
  call.mapped().cancel.cancel();
  Outcome outcome;
  outcome.ticket = call.mapped().ticket;
  outcome.started = outcome.ticket->queued;
  outcome.ended = now();
  record_call(outcome, SpanOutcome::failed, to_string(FailureKind::timeout));
  const std::chrono::duration<double> seconds = outcome.ticket->time_limit;
  outcome.refused = Failure{FailureKind::timeout,
                            outcome.ticket->text,
                            fmt::format("no answer within {:g} s", seconds.count()),
                            {},
                            {},
                            0,
                            true,
                            {}};
  answered(call.mapped(), outcome, environment_.ring.wall(outcome.ended));
}

void ActorCore::record_call(const Outcome& outcome, SpanOutcome result, std::string_view detail) {
  if constexpr (!tracing)
    return;
  const Ticket& ticket = *outcome.ticket;
  SpanRecord record;
  record.kind = SpanKind::call;
  record.trace = ticket.trace.trace_id;
  record.span = ticket.trace.span_id;
  record.parent = ticket.parent;
  record.name = ticket.name;
  record.sender = environment_.ring.intern(actor_name());
  record.receiver = environment_.ring.intern("I/O thread");
  record.queued = environment_.ring.wall(ticket.queued);
  record.started = environment_.ring.wall(outcome.started);
  record.duration = (outcome.ended - outcome.started).count();
  record.outcome = result;
  record.detail = environment_.ring.intern(detail);
  environment_.ring.record(record);
}

// -- the rest
// ----------------------------------------------------------------------------------------------------------

caf::error ActorCore::died(const std::exception_ptr& exception) {
  const std::string text = text_of(exception);
  record_.died_in(last_trace_);
  const TraceScope scope(last_trace_);
  log::error("An actor terminated with an exception", {{"actor", actor_name()}, {"exception", text}});
  return caf::make_error(caf::sec::runtime_error, text);
}

} // namespace runtime_agent::supervision
