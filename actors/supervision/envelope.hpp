#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <caf/actor_clock.hpp>
#include <caf/mailbox_element.hpp>

#include "transport/trace_context.hpp"

namespace runtime_agent::supervision {

class SlotMailbox;

/// A mailbox element with what CAF's own have no field for: the trace it was sent under, by whom and when. It is made
/// on the sender's thread, where the receiver's or its Slot's `enqueue` runs, and stays through the Slot's buffer.
class Envelope final : public caf::mailbox_element {
public:
  /// `sender` has to outlive the process: a literal.
  Envelope(caf::mailbox_element_ptr content, const TraceContext& trace, std::string_view sender,
           caf::actor_clock::time_point queued);
  /// Where it is still in custody, its actor has died without handling it: it goes back to the Slot.
  ~Envelope() override;

  /// Lies in the mailbox of a Slot's child from now on. `slot` outlives that child.
  void give_into_custody(SlotMailbox& slot, std::uint64_t tenancy) noexcept;
  /// A handler begins: it is lost where that handler dies.
  void handled() noexcept { slot_ = nullptr; }

  caf::type_erased_tuple& content() override { return inner_->content(); }
  const caf::type_erased_tuple& content() const override { return inner_->content(); }
  caf::message move_content_to_message() override { return inner_->move_content_to_message(); }
  caf::message copy_content_to_message() const override { return inner_->copy_content_to_message(); }

  const TraceContext trace;
  const std::string_view sender_name;
  const caf::actor_clock::time_point queued;

private:
  caf::mailbox_element_ptr inner_;
  SlotMailbox* slot_ = nullptr;
  std::uint64_t tenancy_ = 0;
};

/// Puts the element into an envelope, unless it is in one: trace and sender are those of this thread.
caf::mailbox_element_ptr in_envelope(caf::mailbox_element_ptr element, const caf::actor_clock& clock);

/// The envelope, or null where the element has none.
Envelope* envelope_of(caf::mailbox_element& element) noexcept;

/// The actor that runs on this thread at the moment; empty: none.
std::string_view present_actor() noexcept;

/// Sets this thread's present actor until the end of the scope.
class ActorScope {
public:
  explicit ActorScope(std::string_view name) noexcept;
  ActorScope(const ActorScope&) = delete;
  ActorScope& operator=(const ActorScope&) = delete;
  ~ActorScope();

private:
  std::string_view before_;
};

} // namespace runtime_agent::supervision
