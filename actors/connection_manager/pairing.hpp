#pragma once

#include <chrono>
#include <string_view>

#include "actors/connection_manager/credentials.hpp"
#include "actors/connection_manager/moment.hpp"
#include "transport/failure.hpp"

/// What to do next, as a pure function of what is on record, what is known and the time: the same after a restart at
/// any point as without one. Source: contract §2.1.
namespace runtime_agent::connection_manager {

enum class Action {
  wait,
  read_record,        ///< of the cluster
  make_key,           ///< before a token is spent: a token does not wait for prime numbers
  write_pending,      ///< what is known now, before anything else is risked
  exchange_token,     ///< spends the configuration's token
  announce_csr,       ///< on record first: from here on the reply may be lost
  send_csr,           ///< spends the second token
  try_issued,         ///< one call with the new certificate, while the old one stays in use
  adopt_issued,       ///< nothing to lose: the new certificate is used from now on
  write_certificates, ///< annotations included
  write_ca,
  remove_pending,
  renew,
  maintain,
  verify_record, ///< that the two Secrets are as they were
};

/// What the facts mean; the rows of contract §2.1's table.
enum class Standing {
  unread,       ///< the record has not been read yet
  unpaired,     ///< new, never connected, or lost: pairs with the configuration's token
  resuming,     ///< stopped in between: the second token is still good
  reply_lost,   ///< stopped while the CSR was under way: the token is spent
  issued,       ///< the certificate has come, but is not in use yet
  reconnecting, ///< there is a certificate, and a new one is wanted
  connected,
};

struct Situation {
  bool record_read = false;
  bool record_outdated = false; ///< it was read, but somebody may have put a certificate there since

  bool certificate = false;   ///< there is one, and where it is good is known
  bool urls_awaited = false;  ///< there is one, but where it is good is neither on record nor in a CompassConnection
  bool expired = false;       ///< by this clock, and Compass has not said otherwise
  bool check_overdue = false; ///< expired by this clock, and Compass has not been asked since
  bool refused = false;       ///< Compass refused it
  bool disowned = false;      ///< it is usable, but a service that answered refuses this identity
  bool proven = false;        ///< a call with it has succeeded
  bool certificates_stored = false;
  bool ca_stored = false; ///< or there is none to store
  bool renewal_due = false;
  bool reconnect_wanted = false;

  bool pending = false;
  Step step = Step::preparing;
  bool pending_stored = false;
  bool pending_useless = false; ///< to be removed: Compass refused the certificate in it
  bool pending_in_use = false;  ///< its certificate is the one in use
  bool key_sufficient = false;
  bool token_good = false;   ///< the second token has not run out
  bool csr_answered = false; ///< in this process: the second token is spent
  bool same_target = true;   ///< as far as is known, the configuration still names the same Runtime and Connector

  bool configuration = false; ///< there is one

  Time reread_due;    ///< of the record, while there is nothing to pair with
  Time cluster_due;   ///< back-off of writing to the cluster
  Time ca_due;        ///< its own, since its namespace may be missing for long
  Time verify_due;    ///< of a record that somebody may have changed
  Time connector_due; ///< by Retry-After
  Time pairing_due;
  Time renewal_at;
  Time maintain_due;
};

struct Next {
  Action action = Action::wait;
  Time due = Time::max(); ///< of a wait: when to ask again
};

Standing standing(const Situation& situation);
/// There is a certificate that is neither expired nor refused.
bool usable(const Situation& situation);
/// "connected"; "reply lost".
std::string_view to_string(Standing standing);
/// In words, as an operator would: "exchange the token".
std::string_view to_string(Action action);

/// The most urgent action that is due at `now`; or `wait`, until the first will be.
Next next_action(const Situation& situation, Time now);

/// Good for so long (contract §2).
inline constexpr std::chrono::minutes second_token_lifetime{5};

/// Whether a token that was sent with a request that ended so is spent, or has to be taken for spent: any answer spends
/// it, and so may a request whose answer did not come. A rate limiter stands in front of the Connector, and what was
/// answered by something else proves nothing: the same token is tried again (contract 2.2).
bool token_spent(const Failure& failure);

} // namespace runtime_agent::connection_manager
