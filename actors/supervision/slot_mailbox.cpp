#include "actors/supervision/slot_mailbox.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <caf/abstract_actor.hpp>
#include <caf/actor_cast.hpp>

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

void SlotMailbox::deliver(caf::mailbox_element_ptr element, caf::execution_unit* unit) {
  std::lock_guard lock(mutex_);
  if (child_) {
    // Under the lock: what was kept must not be overtaken, and nothing may reach a child that has closed.
    child_->get()->enqueue(std::move(element), unit);
    return;
  }
  if (!refusing_)
    keep(std::move(element));
}

SlotMailbox::Tenancy SlotMailbox::begin() {
  std::lock_guard lock(mutex_);
  refusing_ = false;
  return ++last_begun_;
}

void SlotMailbox::open(Tenancy tenancy, caf::strong_actor_ptr child) {
  std::lock_guard lock(mutex_);
  if (tenancy != last_begun_ || tenancy <= last_closed_ || refusing_)
    return;
  for (auto& element : kept_)
    child->get()->enqueue(std::move(element), nullptr);
  kept_.clear();
  child_ = std::move(child);
}

void SlotMailbox::close(Tenancy tenancy) {
  caf::strong_actor_ptr released; // outside the lock: it may be the last reference
  std::lock_guard lock(mutex_);
  last_closed_ = std::max(last_closed_, tenancy);
  if (tenancy == last_begun_)
    released.swap(child_);
}

void SlotMailbox::give_back(Tenancy tenancy, std::deque<caf::mailbox_element_ptr> elements) {
  std::lock_guard lock(mutex_);
  if (tenancy != last_begun_ || refusing_)
    return;
  std::move(kept_.begin(), kept_.end(), std::back_inserter(elements));
  kept_.clear();
  for (auto& element : elements)
    keep(std::move(element));
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
}

void SlotMailbox::keep(caf::mailbox_element_ptr element) {
  kept_.push_back(std::move(element));
  if (kept_.size() > limit_) {
    kept_.pop_front();
    ++overflow_;
  }
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
