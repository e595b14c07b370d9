#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

#include <caf/scheduled_actor.hpp>

#include "actors/supervision/envelope.hpp"
#include "actors/supervision/environment.hpp"
#include "actors/supervision/slot_mailbox.hpp"
#include "actors/supervision/span.hpp"
#include "transport/failure.hpp"

namespace runtime_agent::supervision {

using TimerId = std::uint64_t;
using CallId = std::uint64_t;

/// A timer that starts a cycle begins a trace of its own; one that continues (a retry, a debounce) keeps the present
/// one.
enum class Traced { continues, begins };

struct CallSpec {
  std::string_view name; ///< a literal, for the trace: "fetch from the Director"
  std::chrono::milliseconds
      time_limit; ///< deadline of the CallContext; the answer comes at the latest shortly after it
};

/// What TracedActor does that does not depend on the actor's protocol. Belongs to one actor and is used on its thread
/// only, but for `arriving`.
class ActorCore {
public:
  /// How long after its deadline a call is given up (its transport should have come back at the deadline).
  static constexpr std::chrono::milliseconds call_grace{250};

  /// What `work` of a call returned: a Result<T>, and its Failure's kind where it is one.
  struct Returned {
    std::shared_ptr<void> value;
    std::optional<FailureKind> failure;
  };
  /// What a call ends with: a value of `Returned`, or a Failure of the bridge itself.
  struct Answer {
    std::shared_ptr<void> value;
    std::optional<Failure> failure;
  };
  using Emit = std::function<void(std::any)>;
  /// Handles an element in the way of the actor's own class.
  using Handler = std::function<caf::invoke_message_result(caf::mailbox_element&)>;

  ActorCore(caf::scheduled_actor& self, Environment& environment);
  ActorCore(const ActorCore&) = delete;
  ActorCore& operator=(const ActorCore&) = delete;

  /// On the sender's thread: what goes into the mailbox.
  caf::mailbox_element_ptr arriving(caf::mailbox_element_ptr element);
  void initialize(const std::function<void()>& domain);
  caf::invoke_message_result consume(caf::mailbox_element& element, const Handler& domain);
  /// The actor ends: gives its mailbox back to the Slot, cancels timers, calls and watches.
  void end();

  std::chrono::steady_clock::time_point now() const { return self_.clock().now(); }
  WallTime wall_now() const { return environment_.wall_now(); }
  std::mt19937_64& random() { return random_; }
  const TraceContext& trace() const { return present_trace(); }

  TimerId after(std::chrono::milliseconds delay, std::string_view name, Traced traced, std::function<void()> then);
  void cancel_timer(TimerId& id);
  CallId call(const CallSpec& spec, std::function<Returned(const CallContext&)> work, std::function<void(Answer)> done);
  CallId watch(std::string_view name, std::function<void(const CancelToken&, const Emit&)> work,
               std::function<void(std::any)> on_event);
  void cancel_call(CallId& id);

private:
  struct Timer {
    TimerId id = 0;
    std::string_view name; ///< empty: the bridge's own, not traced
    bool begins = false;
    TraceContext trace;
    std::function<void()> then;
  };
  struct Ticket;  // what an I/O job carries with it
  struct Outcome; // what it comes back with
  struct Call {
    std::shared_ptr<Ticket> ticket;
    CancelToken cancel;
    TimerId deadline = 0;
    std::function<void(Answer)> done;       ///< of a call
    std::function<void(std::any)> on_event; ///< of a watch
  };
  struct TypeName {
    caf::rtti_pair type;
    std::string name;
    NameId id = 0;
  };

  std::string_view actor_name() const { return self_.name(); }
  const TypeName& type_name(const caf::type_erased_tuple& content);
  NameId sender_id(std::string_view name);
  std::uint64_t new_span_id();
  TraceContext new_trace();
  CallId next_id() { return ++last_id_; }

  /// Runs `handler` as one span: `record` says whose; started, duration and outcome are set here.
  template <class F>
  void traced(SpanRecord record, const TraceContext& trace, std::string_view kind, F handler);
  void arm();
  void fire_due_timers();
  void fire(const Timer& timer, std::chrono::steady_clock::time_point due);
  void finished(const Envelope* envelope, std::uint64_t id, Outcome& outcome);
  void answered(Call& call, Outcome& outcome, std::int64_t queued);
  void event(Call& call, Outcome& outcome, std::int64_t queued);
  void ran_out_of_time(CallId id);
  void give_up(const Call& call);
  void record_call(const Outcome& outcome, SpanOutcome result, std::string_view detail);
  caf::error died(const std::exception_ptr& exception);
  static void post(const caf::weak_actor_ptr& actor, CallId id, const TraceContext& trace,
                   std::shared_ptr<Outcome> outcome);
  static void run_call(const caf::weak_actor_ptr& actor, CallId id, const std::shared_ptr<Ticket>& ticket,
                       const CallContext& context, const std::function<Returned(const CallContext&)>& work);

  caf::scheduled_actor& self_;
  Environment& environment_;
  SlotMembership membership_;
  ActorRecord own_record_;
  ActorRecord& record_;
  std::mt19937_64 random_;
  std::uint64_t ids_; ///< state of the generator of trace and span ids, apart from the actor's own random source
  TraceContext last_trace_;
  std::vector<TypeName> types_;
  std::vector<std::pair<std::string_view, NameId>> senders_; ///< by address: actors' names are literals
  NameId own_name_ = 0;

  std::uint64_t last_id_ = 0;
  std::map<std::pair<std::chrono::steady_clock::time_point, TimerId>, Timer> timers_;
  std::unordered_map<TimerId, std::chrono::steady_clock::time_point> due_;
  std::optional<std::chrono::steady_clock::time_point> armed_;
  std::unordered_map<CallId, Call> calls_;
};

} // namespace runtime_agent::supervision
