#include "actors/connection_manager/failure_texts.hpp"
#include "actors/connection_manager/transition.hpp"

/// The record in the cluster and what is in memory, brought together. Source: contract §2.1.
namespace runtime_agent::connection_manager {

void Transition::operator()(RecordRead&& read) {
  s_.under_way = Action::wait;
  auto& record = read.record;
  if (!record)
    return store_failed(s_.cluster_lane, s_.storing, std::move(record.error()));
  s_.storing.reset();
  if (record->urls || !record->credentials || !record->credentials->access.connector_url.empty())
    s_.cluster_lane.succeeded();
  else // asked again until there is a CompassConnection, or its CRD
    s_.cluster_lane.failed(moment_, {});
  const auto pending = record->pending;
  const bool as_known = record->pending_version == s_.record.pending_version;
  merge_record(std::move(*record));
  s_.record_read = s_.loaded = true;
  s_.record_read_at = moment_.now;
  s_.record_lane.succeeded(next_look_at_record());
  if (pending && (!s_.pending || (!as_known && further(*pending)))) {
    change_pending(*pending);
    s_.pending_stored = true;
    s_.csr_answered = false;
    s_.token_came.reset();
    resume_reconnect(*pending);
  } else if (s_.pending && !as_known) {
    s_.pending_stored = false; // memory is ahead of whatever is there
  }
  notice_lost_reply();
  notice_missing_configuration();
}

/// A reconnect that was under way is wanted until it has been served.
void Transition::resume_reconnect(const Pending& pending) {
  const std::string& id = pending.reconnect_id;
  if (!s_.current || pending.for_renewal || id.empty() || id == s_.current->reconnect_served)
    return;
  if (!situation().pending_in_use) {
    if (s_.reconnect_wanted.empty())
      s_.reconnect_wanted = id;
    return;
  }
  // It is what the certificate in use was made for; the process that stored the pair did not know of it yet.
  s_.current->reconnect_served = id;
  if (s_.reconnect_wanted == id)
    s_.reconnect_wanted.clear();
}

void Transition::operator()(RecordVerified&& verified) {
  s_.under_way = Action::wait;
  if (!verified.record) {
    s_.record_lane.failed(moment_, verified.record.error()); // what is in memory is as good as it was
    return;
  }
  verified.record->pending_version = s_.record.pending_version; // which was not looked at
  verified.record->pending = s_.record.pending;
  merge_record(std::move(*verified.record));
  s_.record_lane.succeeded(next_look_at_record());
}

void Transition::operator()(SecretsSeen&& seen) {
  const auto note = [](std::optional<std::string>& version, bool forbidden, std::optional<std::string>& kept,
                       bool& unwatched) {
    if (version)
      kept = std::move(version);
    unwatched = forbidden || (unwatched && !version);
  };
  note(seen.certificates_version, seen.certificates_unwatched, s_.certificates_seen, s_.certificates_unwatched);
  note(seen.ca_version, seen.ca_unwatched, s_.ca_seen, s_.ca_unwatched);
  if (s_.record_read && s_.record_lane.due() > next_look_at_record())
    s_.record_lane.succeeded(next_look_at_record());
}

Time Transition::next_look_at_record() const {
  const bool watched = !s_.certificates_unwatched && !s_.ca_unwatched;
  return moment_.now + jittered(watched ? policy_.record_period : std::min(policy_.sync_period, policy_.record_period));
}

void Transition::doubt_record() {
  s_.record_lane.reset();
}

/// Only while nothing is under way: until its answer has come, an own write looks like somebody else's.
void Transition::compare_with_seen() {
  const auto differs = [](std::optional<std::string>& seen, const std::string& known) {
    const auto version = std::exchange(seen, std::nullopt);
    return version && *version != known;
  };
  const bool certificates = differs(s_.certificates_seen, s_.record.certificates_version);
  const bool ca = differs(s_.ca_seen, s_.record.ca_version);
  if (certificates || ca)
    doubt_record();
}

/// A write of a process that has died, or that was given up, may arrive late: it says what a token was spent for.
bool Transition::further(const Pending& on_record) const {
  if (on_record.step <= s_.pending->step)
    return false;
  const bool same_pairing = !on_record.token_sha256.empty() && on_record.token_sha256 == s_.pending->token_sha256;
  const Standing stands = standing(situation());
  return same_pairing || (stands != Standing::resuming && stands != Standing::issued);
}

void Transition::merge_record(Record record) {
  s_.record = std::move(record);
  adopt_record();
  // What could not be written may be there all the same: a creation whose answer was lost, or that came late.
  if (situation().ca_stored && s_.storing_ca) {
    s_.storing_ca.reset();
    s_.ca_lane.succeeded();
  }
  if (situation().certificates_stored && s_.storing && !s_.pending) {
    s_.storing.reset();
    s_.cluster_lane.succeeded();
  }
}

void Transition::adopt_record() {
  if (!s_.record.credentials)
    return;
  // What is in memory is what was stored last, or is still to be stored; but a younger certificate is somebody else's
  // work that was done while this process was asleep.
  if (!s_.current || s_.record.credentials->identity->validity.not_before > s_.current->identity->validity.not_before) {
    s_.obtained.reset();
    take(*s_.record.credentials);
  }
  complete_access();
}

void Transition::take(Credentials credentials) {
  if (credentials.reconnect_served == s_.reconnect_wanted)
    s_.reconnect_wanted.clear();
  s_.current = std::move(credentials);
  s_.trials_refused = 0;
  s_.refused = s_.proven = false;
  s_.connector_refuses.reset();
  s_.director_refuses.reset();
  s_.after_expiry = AfterExpiry::unasked;
  s_.renewal_jitter = moment_.chance;
  complete_access();
}

void Transition::complete_access() {
  if (!s_.current)
    return;
  auto& access = s_.current->access;
  if (access.connector_url.empty() && s_.record.urls) {
    access.connector_url = s_.record.urls->certificate_secured_connector_url;
    access.director_url = s_.record.urls->director_url;
  }
  if ((access.runtime_id.empty() || access.tenant.empty()) && s_.configuration) {
    access.runtime_id = s_.configuration->runtime_id;
    access.tenant = s_.configuration->tenant;
  }
  // The CA Secret is the other write of a pair; the pending Secret still knows what it was to hold.
  const auto& pending = s_.record.pending;
  if (s_.current->identity->ca_pem.empty() && pending && pending->step == Step::issued &&
      pending->identity->certificate_pem == s_.current->identity->certificate_pem)
    s_.current->identity = pending->identity;
}

void Transition::change_pending(Pending pending) {
  s_.pending = std::move(pending);
  s_.pending_stored = false;
  s_.pending_useless = false;
}

void Transition::operator()(PendingWritten&& written) {
  s_.under_way = Action::wait;
  if (!written.version) {
    s_.pending_stored = false;
    return store_failed(s_.cluster_lane, s_.storing, std::move(written.version.error()));
  }
  s_.record.pending_version = std::move(*written.version);
  s_.cluster_lane.succeeded();
  s_.storing.reset();
}

void Transition::operator()(CertificatesWritten&& written) {
  s_.under_way = Action::wait;
  if (!written.version)
    return store_failed(s_.cluster_lane, s_.storing, std::move(written.version.error()));
  s_.record.certificates_version = std::move(*written.version);
  s_.record.credentials = std::move(written.written);
  s_.record.problem.reset();
  s_.cluster_lane.succeeded();
  s_.storing.reset();
}

void Transition::operator()(CaWritten&& written) {
  s_.under_way = Action::wait;
  if (!written.version)
    return store_failed(s_.ca_lane, s_.storing_ca, std::move(written.version.error()));
  s_.record.ca_version = std::move(*written.version);
  s_.record.ca_pem = std::move(written.ca_pem);
  s_.ca_lane.succeeded();
  s_.storing_ca.reset();
}

void Transition::operator()(PendingRemoved&& removed) {
  s_.under_way = Action::wait;
  if (!removed.removed)
    return store_failed(s_.cluster_lane, s_.storing, std::move(removed.removed.error()));
  s_.record.pending_version.clear();
  s_.record.pending.reset();
  s_.pending.reset();
  s_.pending_stored = s_.pending_useless = s_.csr_answered = false;
  s_.trials_refused = 0;
  s_.token_came.reset();
  s_.cluster_lane.succeeded();
  s_.storing.reset();
}

void Transition::store_failed(Lane& lane, std::optional<Failure>& problem, Failure failure) {
  const auto delay = lane.failed(moment_, failure);
  if (failure.kind == FailureKind::conflict) { // nothing is wrong: what is there now decides
    s_.record_read = false;
    return;
  }
  problem = trying_again(std::move(failure), delay);
}

} // namespace runtime_agent::connection_manager
