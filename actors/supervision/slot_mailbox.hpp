#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/mailbox_element.hpp>

#include "actors/supervision/actor_record.hpp"

namespace runtime_agent::supervision {

/// What stands between peers and a Slot's present child: hands messages on while a child lives, keeps them in order
/// while none does. A dying child gives back what it has not begun to handle. Thread-safe.
class SlotMailbox {
public:
  /// Numbers the children of a Slot from 1.
  using Tenancy = std::uint64_t;

  explicit SlotMailbox(std::size_t limit) : limit_(limit) {}

  /// Never blocks on anything but other senders.
  void deliver(caf::mailbox_element_ptr element, caf::execution_unit* unit);

  /// The next child's number: what `open`, `close` and `give_back` are called with.
  Tenancy begin();
  /// Hands what is kept to the child and lets messages through from then on; not where it has closed already.
  /// `custody`: the child tells of each message that it begins to handle, so that the others can come back when it
  /// dies.
  void open(Tenancy tenancy, caf::strong_actor_ptr child, bool custody);
  /// The child takes no further messages: they are kept from now on.
  void close(Tenancy tenancy);
  /// Keeps what a dead child had not begun to handle: in order, in front of what has come since.
  void give_back(Tenancy tenancy, caf::mailbox_element_ptr element);

  /// Keeps what comes for the next child.
  void accept();
  /// Drops what is kept and what comes, until the next `accept` or `begin` (a stopped Slot takes nothing in).
  void refuse();

  std::size_t kept() const;
  /// Messages dropped because more than the limit were kept: the oldest go, for a newer fact replaces an older one.
  std::uint64_t overflow() const;

  ActorRecord& record() noexcept { return record_; }

private:
  void hand_over(caf::mailbox_element_ptr element, caf::execution_unit* unit);
  void limit_kept();

  const std::size_t limit_;
  ActorRecord record_;
  /// Recursive: an element that the child does not take comes back within `deliver`.
  mutable std::recursive_mutex mutex_;
  std::deque<caf::mailbox_element_ptr> kept_;
  caf::strong_actor_ptr child_; ///< null: messages are kept, or refused
  std::size_t given_back_ = 0;  ///< how many of those kept, from the first one on, were a dead child's
  bool custody_ = false;
  bool refusing_ = true;
  Tenancy last_begun_ = 0;
  Tenancy last_closed_ = 0;
  std::uint64_t overflow_ = 0;
};

/// Which Slot the actor that is being constructed on this thread belongs to. The Slot sets it around the start
/// function; the base class of the actor takes it.
struct SlotMembership {
  std::shared_ptr<SlotMailbox> mailbox; ///< null: the actor runs without a Slot
  SlotMailbox::Tenancy tenancy = 0;
};

/// Takes this thread's membership; the next one to ask gets none.
SlotMembership take_slot_membership();

/// Offers a membership to the one actor that is constructed within the scope.
class SlotMembershipScope {
public:
  explicit SlotMembershipScope(SlotMembership membership);
  SlotMembershipScope(const SlotMembershipScope&) = delete;
  SlotMembershipScope& operator=(const SlotMembershipScope&) = delete;
  ~SlotMembershipScope();
  /// Whether an actor has taken it.
  bool taken() const;
};

} // namespace runtime_agent::supervision
