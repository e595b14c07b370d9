#include "actors/supervision/envelope.hpp"

#include <typeinfo>
#include <utility>

#include "actors/supervision/slot_mailbox.hpp"
#include "actors/supervision/tracing.hpp"

namespace runtime_agent::supervision {
namespace {

thread_local std::string_view this_threads_actor;

} // namespace

Envelope::Envelope(caf::mailbox_element_ptr content, const TraceContext& context, std::string_view from,
                   caf::actor_clock::time_point at)
    : caf::mailbox_element(std::move(content->sender), content->mid, std::move(content->stages)), trace(context),
      sender_name(from), queued(at), inner_(std::move(content)) {}

Envelope::~Envelope() {
  if (slot_ == nullptr)
    return;
  inner_->sender = std::move(sender);
  inner_->stages = std::move(stages);
  slot_->give_back(tenancy_, caf::mailbox_element_ptr(new Envelope(std::move(inner_), trace, sender_name, queued)));
}

void Envelope::give_into_custody(SlotMailbox& slot, std::uint64_t tenancy) noexcept {
  slot_ = &slot;
  tenancy_ = tenancy;
}

caf::mailbox_element_ptr in_envelope(caf::mailbox_element_ptr element, const caf::actor_clock& clock) {
  if (envelope_of(*element) != nullptr)
    return element;
  if constexpr (!tracing)
    return caf::mailbox_element_ptr(new Envelope(std::move(element), {}, {}, {}));
  return caf::mailbox_element_ptr(new Envelope(std::move(element), present_trace(), present_actor(), clock.now()));
}

Envelope* envelope_of(caf::mailbox_element& element) noexcept {
  return typeid(element) == typeid(Envelope) ? static_cast<Envelope*>(&element) : nullptr;
}

std::string_view present_actor() noexcept {
  return this_threads_actor;
}

ActorScope::ActorScope(std::string_view name) noexcept : before_(this_threads_actor) {
  this_threads_actor = name;
}

ActorScope::~ActorScope() {
  this_threads_actor = before_;
}

} // namespace runtime_agent::supervision
