#pragma once

#include <any>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include <caf/all.hpp>

#include "actors/supervision/actor_core.hpp"
#include "actors/supervision/environment.hpp"
#include "messages/messages.hpp"
#include "transport/failure.hpp"

namespace runtime_agent::supervision {

/// Base of the five actors. `Handle` is the protocol that peers see.
/// What it does for the actor: traces every message, timer and call; turns an exception into the actor's death with the
/// exception's text as its reason; cancels timers, calls and watches when the actor ends, so that nothing that a dead
/// predecessor asked for reaches its successor; gives what it has not begun to handle back to its Slot; answers Ping.
/// The actor's name in traces, logs and the crash switch is what `const char* name() const override` returns.
template <class Handle>
class TracedActor : public Handle::base {
public:
  using Super = typename Handle::base;
  using Super::consume;
  using Super::enqueue;

  TracedActor(caf::actor_config& config, Environment& environment) : Super(config), core_(*this, environment) {
    this->set_exit_handler([this](caf::exit_msg& message) {
      if (message.reason == caf::exit_reason::user_shutdown)
        stop_requested();
      else if (message.reason)
        this->quit(message.reason);
    });
  }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) final {
    Super::enqueue(core_.arriving(std::move(element)), unit);
  }
  caf::invoke_message_result consume(caf::mailbox_element& element) final {
    return core_.consume(element, [this](caf::mailbox_element& x) { return Super::consume(x); });
  }
  void initialize() final {
    core_.initialize([this] { Super::initialize(); });
  }
  bool cleanup(caf::error&& reason, caf::execution_unit* host) final {
    core_.end();
    return Super::cleanup(std::move(reason), host);
  }

protected:
  /// The Slot asks the actor to end, behind all that was in its mailbox. Override to finish something first, and then
  /// call `quit(caf::exit_reason::user_shutdown)`; after the Slot's time limit the actor ends in any case.
  virtual void stop_requested() { this->quit(caf::exit_reason::user_shutdown); }

  /// The actors' clock: monotonic, simulated in tests.
  std::chrono::steady_clock::time_point now() const { return core_.now(); }
  WallTime wall_now() const { return core_.wall_now(); }
  std::mt19937_64& random() { return core_.random(); }

  /// Sends a message to a peer, within the present trace.
  template <class PeerHandle, class Message>
  void tell(const PeerHandle& peer, Message message) {
    this->send(peer, std::move(message));
  }

  /// Runs `then` in this actor after `delay`, once. `name` is a literal, for the trace.
  TimerId after(std::chrono::milliseconds delay, std::string_view name, Traced traced, std::function<void()> then) {
    return core_.after(delay, name, traced, std::move(then));
  }
  /// Harmless where it has fired or never was. Sets `id` to 0.
  void cancel_timer(TimerId& id) { core_.cancel_timer(id); }

  /// Runs `work` on an I/O thread under a deadline, then `then` in this actor, always exactly once while the actor
  /// lives and the call is not cancelled, and never within `call` itself: with the result, or with a Failure (timeout:
  /// `work` has not come back shortly after its deadline, its token is cancelled and a late result dropped;
  /// unavailable: the queue of the I/O threads is full). An exception that `work` throws is a bug: it is thrown again
  /// in this actor and kills it. The context given to `work` carries the trace under which the call was started.
  template <class T>
  CallId call(CallSpec spec, std::function<Result<T>(const CallContext&)> work, std::function<void(Result<T>)> then) {
    return core_.call(
        spec,
        [work = std::move(work)](const CallContext& context) {
          auto result = std::make_shared<Result<T>>(work(context));
          std::optional<FailureKind> failure;
          if (!result->has_value())
            failure = result->error().kind;
          return ActorCore::Returned{std::move(result), failure};
        },
        [then = std::move(then)](ActorCore::Answer answer) {
          if (answer.failure)
            then(failed(std::move(*answer.failure)));
          else
            then(std::move(*std::static_pointer_cast<Result<T>>(answer.value)));
        });
  }
  /// Cancels the token of a call or a watch; `then` and `on_event` are not called any more. Sets `id` to 0.
  void cancel_call(CallId& id) { core_.cancel_call(id); }

  /// Runs `work` on a long-lived thread until its token is cancelled (at the latest when this actor ends). Each `emit`
  /// runs `on_event` in this actor as the beginning of a trace of its own. A `work` that returns or throws without
  /// being cancelled kills the actor (a watch that is silently dead would be a wedge).
  template <class Event>
  CallId watch(std::string_view name,
               std::function<void(const CancelToken&, const std::function<void(Event)>& emit)> work,
               std::function<void(Event)> on_event) {
    return core_.watch(
        name,
        [work = std::move(work)](const CancelToken& cancel, const ActorCore::Emit& emit) {
          work(cancel, [&emit](Event event) { emit(std::any(std::move(event))); });
        },
        [on_event = std::move(on_event)](std::any event) { on_event(std::any_cast<Event>(std::move(event))); });
  }

  /// The trace that the present handler runs in.
  const TraceContext& trace() const { return core_.trace(); }
  /// `<runtime_id>_<uuid of the trace>` (contract §4).
  std::string request_id(const std::string& runtime_id) const { return runtime_id + "_" + trace().uuid(); }

private:
  ActorCore core_;
};

} // namespace runtime_agent::supervision
