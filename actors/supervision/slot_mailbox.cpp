#include "actors/supervision/slot_mailbox.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <caf/abstract_actor.hpp>
#include <caf/actor_cast.hpp>

#include "actors/supervision/envelope.hpp"

namespace runtime_agent::supervision {
namespace {

thread_local SlotMembership offered;

} // namespace

SlotMembership take_slot_membership() {
  return std::exchange(offered, {});
}

SlotMembershipScope::SlotMembershipScope(SlotMembership membership) {
  offered = std::move(membership);
}

SlotMembershipScope::~SlotMembershipScope() {
  offered = {};
}

bool SlotMembershipScope::taken() const {
  return offered.mailbox == nullptr;
}

void SlotMailbox::deliver(caf::mailbox_element_ptr element, caf::execution_unit* unit) {
  std::lock_guard lock(mutex_);
  if (child_)
    return hand_over(std::move(element), unit);
  if (refusing_)
    return;
  kept_.push_back(std::move(element));
  limit_kept();
}

void SlotMailbox::hand_over(caf::mailbox_element_ptr element, caf::execution_unit* unit) {
  if (Envelope* envelope = envelope_of(*element); custody_ && envelope != nullptr)
    envelope->give_into_custody(*this, last_begun_);
  // Under the lock: what was kept must not be overtaken, and nothing may reach a child that has closed.
  child_->get()->enqueue(std::move(element), unit);
}

SlotMailbox::Tenancy SlotMailbox::begin() {
  std::lock_guard lock(mutex_);
  refusing_ = false;
  return ++last_begun_;
}

void SlotMailbox::open(Tenancy tenancy, caf::strong_actor_ptr child, bool custody) {
  std::lock_guard lock(mutex_);
  if (tenancy != last_begun_ || tenancy <= last_closed_ || refusing_)
    return;
  child_ = std::move(child);
  custody_ = custody;
  given_back_ = 0;
  for (auto& element : std::exchange(kept_, {}))
    hand_over(std::move(element), nullptr);
}

void SlotMailbox::close(Tenancy tenancy) {
  caf::strong_actor_ptr released; // outside the lock: it may be the last reference
  std::lock_guard lock(mutex_);
  last_closed_ = std::max(last_closed_, tenancy);
  if (tenancy == last_begun_)
    released.swap(child_);
}

void SlotMailbox::give_back(Tenancy tenancy, caf::mailbox_element_ptr element) {
  std::lock_guard lock(mutex_);
  if (tenancy != last_begun_ || refusing_)
    return;
  kept_.insert(kept_.begin() + static_cast<std::ptrdiff_t>(given_back_), std::move(element));
  ++given_back_;
  limit_kept();
}

void SlotMailbox::accept() {
  std::lock_guard lock(mutex_);
  refusing_ = false;
}

void SlotMailbox::refuse() {
  caf::strong_actor_ptr released;
  std::deque<caf::mailbox_element_ptr> dropped;
  std::lock_guard lock(mutex_);
  refusing_ = true;
  released.swap(child_);
  dropped.swap(kept_);
  given_back_ = 0;
}

void SlotMailbox::limit_kept() {
  if (kept_.size() <= limit_)
    return;
  kept_.pop_front();
  given_back_ -= given_back_ > 0 ? 1 : 0;
  ++overflow_;
}

std::size_t SlotMailbox::kept() const {
  std::lock_guard lock(mutex_);
  return kept_.size();
}

std::uint64_t SlotMailbox::overflow() const {
  std::lock_guard lock(mutex_);
  return overflow_;
}

} // namespace runtime_agent::supervision
