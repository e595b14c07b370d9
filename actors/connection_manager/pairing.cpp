#include "actors/connection_manager/pairing.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace runtime_agent::connection_manager {
namespace {

using Candidate = std::optional<Next>;

bool pairing_wanted(const Situation& s) {
  return s.reconnect_wanted || s.disowned || (!usable(s) && !s.urls_awaited);
}

bool waiting_to_be_used(const Situation& s) {
  return s.pending && !s.pending_useless && s.step == Step::issued && !s.pending_in_use;
}

/// The CSR can be sent with the second token. One that was announced but whose reply is not known is sent once more
/// after a restart: had it never left, the token is still good, and otherwise nothing is lost.
bool resumable(const Situation& s) {
  if (!s.pending || s.pending_useless || s.csr_answered || !s.token_good || !s.same_target)
    return false;
  return s.step == Step::paired || (s.step == Step::signing && pairing_wanted(s));
}

/// A key that no token has been spent for is kept in memory until there is a configuration.
bool worth_storing(const Situation& s) {
  return s.step != Step::preparing || s.configuration;
}

Candidate pairing(const Situation& s) {
  if (s.pending_useless)
    return std::nullopt;
  if (s.pending && !s.pending_stored && worth_storing(s))
    return Next{Action::write_pending, s.cluster_due};
  if (waiting_to_be_used(s))
    return usable(s) ? Next{Action::try_issued, std::max(s.pairing_due, s.connector_due)}
                     : Next{Action::adopt_issued, Time::min()};
  const bool resume = resumable(s);
  const bool only_record = s.pending_in_use && usable(s) && !s.certificates_stored;
  if (only_record || (!resume && !pairing_wanted(s)))
    return std::nullopt;
  // Also while the configuration is waited for, so that pairing does not wait for the key.
  if (!s.pending || !s.key_sufficient)
    return Next{Action::make_key, s.pairing_due};
  if (!resume && !s.configuration) // a certificate may still come to be on record
    return Next{Action::read_record, std::max(s.reread_due, s.cluster_due)};
  const Time due = std::max(s.pairing_due, s.connector_due);
  if (!resume && s.record_outdated)
    return Next{Action::read_record, std::max(due, s.cluster_due)};
  if (!resume)
    return Next{Action::exchange_token, due};
  if (s.step == Step::paired)
    return Next{Action::announce_csr, Time::min()};
  return Next{Action::send_csr, due};
}

/// One that Compass refuses replaces nothing: what is stored may be better.
Candidate storing_certificates(const Situation& s) {
  if (!usable(s) || s.certificates_stored)
    return std::nullopt;
  return Next{Action::write_certificates, s.cluster_due};
}

Candidate storing_ca(const Situation& s) {
  if (!usable(s) || s.ca_stored)
    return std::nullopt;
  return Next{Action::write_ca, s.ca_due};
}

/// After the first call with the certificate (contract §2.1), and not before both Secrets have what they need from it.
Candidate clearing(const Situation& s) {
  if (!s.pending)
    return std::nullopt;
  const bool used = s.proven && s.certificates_stored && s.ca_stored && !resumable(s) && !waiting_to_be_used(s) &&
                    (s.pending_in_use || !pairing_wanted(s));
  return used || s.pending_useless ? Candidate(Next{Action::remove_pending, s.cluster_due}) : std::nullopt;
}

Candidate renewing(const Situation& s) {
  if (!usable(s) || s.check_overdue || !s.renewal_due || s.pending_useless || resumable(s) || waiting_to_be_used(s))
    return std::nullopt;
  return Next{Action::renew, std::max(s.renewal_at, s.connector_due)};
}

/// What was taken away is restored from memory, and what somebody has put there is found.
Candidate verifying(const Situation& s) {
  return Next{Action::verify_record, std::max(s.verify_due, s.cluster_due)};
}

/// A refused certificate is asked about again as well: the refusal may have been a gateway's, and pass. So is one that
/// has expired by this clock: the clock may be wrong.
Candidate maintaining(const Situation& s) {
  if (!s.certificate)
    return std::nullopt;
  return Next{Action::maintain, s.check_overdue ? s.connector_due : std::max(s.maintain_due, s.connector_due)};
}

} // namespace

bool usable(const Situation& s) {
  return s.certificate && !s.expired && !s.refused;
}

Standing standing(const Situation& s) {
  if (!s.record_read)
    return Standing::unread;
  if (waiting_to_be_used(s))
    return Standing::issued;
  if (resumable(s))
    return Standing::resuming;
  if (!pairing_wanted(s))
    return Standing::connected;
  if (s.pending && s.step == Step::signing)
    return Standing::reply_lost;
  return usable(s) ? Standing::reconnecting : Standing::unpaired;
}

std::string_view to_string(Standing standing) {
  constexpr std::array<std::string_view, 7> names{"unread", "unpaired",     "resuming", "reply lost",
                                                  "issued", "reconnecting", "connected"};
  return names.at(static_cast<std::size_t>(standing));
}

std::string_view to_string(Action action) {
  constexpr std::array<std::string_view, 15> names{"wait",
                                                   "read the record",
                                                   "make a key",
                                                   "write the pending Secret",
                                                   "exchange the token",
                                                   "announce the CSR",
                                                   "send the CSR",
                                                   "try the new certificate",
                                                   "adopt the new certificate",
                                                   "write the certificates Secret",
                                                   "write the CA Secret",
                                                   "remove the pending Secret",
                                                   "renew the certificate",
                                                   "check the connection",
                                                   "verify the record"};
  return names.at(static_cast<std::size_t>(action));
}

Next next_action(const Situation& s, Time now) {
  if (!s.record_read)
    return s.cluster_due <= now ? Next{Action::read_record, s.cluster_due} : Next{Action::wait, s.cluster_due};
  const std::array candidates{
      verifying(s),
      pairing(s),
      storing_certificates(s),
      storing_ca(s),
      clearing(s),
      renewing(s),
      maintaining(s),
      s.urls_awaited ? Candidate(Next{Action::read_record, s.cluster_due}) : std::nullopt,
  };
  Next wait;
  for (const Candidate& candidate : candidates) {
    if (!candidate)
      continue;
    if (candidate->due <= now)
      return *candidate;
    wait.due = std::min(wait.due, candidate->due);
  }
  return wait;
}

bool token_spent(const Failure& failure) {
  if (failure.blame == Blame::elsewhere)
    return false;
  switch (failure.kind) {
  case FailureKind::rate_limited:
    return false;
  case FailureKind::network:
  case FailureKind::timeout:
  case FailureKind::cancelled:
  case FailureKind::tls:
  case FailureKind::certificate_refused:
  case FailureKind::unavailable:
  case FailureKind::configuration:
  case FailureKind::internal:
    return failure.maybe_processed || failure.http_status != 0;
  default:
    return true;
  }
}

} // namespace runtime_agent::connection_manager
