#include "actors/connection_manager/connection_machine.hpp"

#include <algorithm>

#include "actors/connection_manager/renewal_policy.hpp"
#include "actors/connection_manager/secret_objects.hpp"
#include "actors/connection_manager/transition.hpp"

namespace runtime_agent::connection_manager {
namespace {

bool same_target(const Pending& pending, const ConnectionConfiguration& configuration) {
  return pending.sign_url == configuration.connector_url && pending.access.runtime_id == configuration.runtime_id &&
         pending.access.tenant == configuration.tenant;
}

/// By the monotonic clock where this process has had the token from the beginning; otherwise by the wall clock, and one
/// that was set back in between makes no token better.
bool token_good(const ConnectionState& s, const Moment& moment) {
  if (s.pending->token.empty())
    return false;
  if (s.token_came)
    return moment.now - *s.token_came < second_token_lifetime;
  const auto age = moment.wall - s.pending->token_time;
  return age < second_token_lifetime && age > -second_token_lifetime;
}

bool past_validity(const ConnectionState& s, const Moment& moment) {
  return s.current && s.current->identity->validity.not_after <= moment.wall;
}

bool renewal_is_due(const ConnectionState& s, const Moment& moment, const Policy& policy) {
  if (!s.current)
    return false;
  const auto since = [&](const std::optional<Time>& time) {
    return time ? std::optional(std::chrono::duration_cast<std::chrono::milliseconds>(moment.now - *time))
                : std::nullopt;
  };
  RenewalFacts facts{.validity = s.current->identity->validity, .now = moment.wall};
  facts.ca_missing = s.current->identity->ca_pem.empty();
  facts.requested = !s.refresh_wanted.empty();
  facts.jitter = s.renewal_jitter;
  facts.since_last_renewal = since(s.last_renewal);
  facts.since_obtained = since(s.obtained);
  return renewal_due({policy.renewal_threshold, policy.minimal_sync_time}, facts);
}

} // namespace

ConnectionState::ConnectionState(const Policy& policy)
    : cluster_lane(policy.cluster_backoff, policy.cluster_ceiling),
      ca_lane(policy.cluster_backoff, policy.cluster_ceiling),
      record_lane(policy.cluster_backoff, policy.cluster_ceiling),
      pairing_lane(policy.minimal_sync_time, policy.backoff_ceiling),
      renewal_lane(policy.minimal_sync_time, policy.backoff_ceiling),
      maintain_lane(policy.minimal_sync_time, policy.backoff_ceiling) {}

Next advance(ConnectionState& state, Event event, const Moment& moment, const Policy& policy) {
  if (!past_validity(state, moment))
    state.after_expiry = AfterExpiry::unasked; // the clock was put right
  Transition transition(state, moment, policy);
  std::visit([&](auto&& what) { transition(std::forward<decltype(what)>(what)); }, std::move(event));
  return transition.decide();
}

Situation situation(const ConnectionState& state, const Moment& moment, const Policy& policy) {
  Situation s;
  s.record_read = state.record_read;
  s.record_outdated = !state.record_read_at || moment.now - *state.record_read_at > policy.minimal_sync_time;
  if (state.current) {
    const Credentials& current = *state.current;
    const bool past = past_validity(state, moment);
    s.certificate = !current.access.connector_url.empty();
    s.urls_awaited = !s.certificate && !state.record.urls && !past;
    s.expired = past && (state.after_expiry == AfterExpiry::failed || !s.certificate);
    s.check_overdue = past && s.certificate && state.after_expiry == AfterExpiry::unasked;
    s.certificates_stored =
        state.record.credentials && same_certificates(current, *state.record.credentials) && !state.record.problem;
    s.ca_stored = current.identity->ca_pem.empty() || current.identity->ca_pem == state.record.ca_pem;
  }
  s.refused = state.refused;
  s.disowned = state.current && (state.connector_refuses || state.director_refuses);
  s.proven = state.proven;
  s.renewal_due = renewal_is_due(state, moment, policy);
  s.reconnect_wanted = !state.reconnect_wanted.empty();
  s.configuration = state.configuration != nullptr;
  s.reread_due = state.record_read_at ? *state.record_read_at + policy.backoff_ceiling : Time::min();
  s.cluster_due = state.cluster_lane.due();
  s.ca_due = state.ca_lane.due();
  s.verify_due = state.record_lane.due();
  s.connector_due = state.connector_due;
  s.pairing_due = state.pairing_lane.due();
  s.renewal_at = state.renewal_lane.due();
  s.maintain_due = std::min(state.maintain_lane.due(), state.check_wanted);
  s.pending = state.pending.has_value();
  if (state.pending) {
    const Pending& pending = *state.pending;
    s.step = pending.step;
    s.pending_stored = state.pending_stored;
    s.pending_useless = state.pending_useless;
    s.pending_in_use = s.step == Step::issued && state.current &&
                       state.current->identity->certificate_pem == pending.identity->certificate_pem;
    // A key that has a certificate already is not used for another one.
    s.key_sufficient = s.step != Step::issued && pending.key_bits >= bits_needed(pending);
    s.token_good = token_good(state, moment);
    s.csr_answered = state.csr_answered;
    s.same_target = !state.configuration || same_target(pending, *state.configuration);
    if (s.step == Step::issued && pending.for_renewal && !s.pending_in_use)
      s.pairing_due = state.renewal_lane.due(); // the trial of a renewed certificate
  }
  return s;
}

Situation Transition::situation() const {
  return connection_manager::situation(s_, moment_, policy_);
}

bool Transition::past_validity() const {
  return connection_manager::past_validity(s_, moment_);
}

void Transition::operator()(ConfigurationObserved&& observed) {
  const auto before = std::exchange(s_.configuration, observed.configuration);
  s_.configuration_problem = observed.problem;
  if (s_.configuration && (!before || !(*before == *s_.configuration))) {
    if (before && before->connector_url != s_.configuration->connector_url)
      s_.connector_due = Time::min(); // another service's wish
    // Whatever has changed: a token that a wrong URL seemed to spend may be good for the right one.
    s_.spent_token.clear();
    s_.pairing_lane.reset();
    notice_lost_reply();
  }
  complete_access();
  notice_missing_configuration();
}

void Transition::operator()(ReconnectRequested&& request) {
  // Told again with each change of the object, until it has been served and the StatusWriter has taken note.
  const std::string& id = request.id;
  if (id == s_.reconnect_wanted || (s_.current && id == s_.current->reconnect_served))
    return;
  s_.reconnect_wanted = id;
  if (s_.pending && !s_.pending->for_renewal && !situation().pending_in_use) {
    Pending pending = *s_.pending; // the pairing under way serves it, also if the agent is restarted before its end
    pending.reconnect_id = id;
    change_pending(std::move(pending));
  }
  if (!s_.configuration || s_.configuration->token_sha256 != s_.spent_token)
    s_.pairing_lane.reset();
}

void Transition::operator()(CredentialsRefreshRequested&& request) {
  if (request.id == s_.refresh_wanted || request.id == s_.report.refresh_served)
    return;
  s_.refresh_wanted = request.id;
  s_.renewal_lane.reset();
}

void Transition::operator()(CertificateRefused&& refused) {
  // One that a newer one has replaced may well be refused.
  if (!s_.current || s_.current->identity->serial != refused.serial)
    return;
  if (!refused.failure) {
    taken_again(s_.director_refuses);
    return;
  }
  if (refuses_identity(*refused.failure))
    disowned(s_.director_refuses, std::move(*refused.failure));
  if (s_.last_check == Time::min() || moment_.now - s_.last_check >= policy_.minimal_sync_time)
    s_.check_wanted = Time::min();
  else
    s_.check_wanted = s_.last_check + policy_.minimal_sync_time;
}

Next Transition::decide() {
  if (s_.under_way != Action::wait)
    return {};
  compare_with_seen();
  for (;;) {
    const Next next = next_action(situation(), moment_.now);
    if (next.action == Action::announce_csr)
      announce_csr();
    else if (next.action == Action::adopt_issued)
      adopt_issued(false);
    else
      return next.action == Action::wait ? until_due(next) : begin(next);
  }
}

Next Transition::begin(Next next) {
  s_.under_way = next.action;
  switch (next.action) {
  case Action::write_pending:
    s_.pending_stored = true; // unless it is changed meanwhile
    break;
  case Action::maintain:
    s_.check_wanted = Time::max();
    s_.last_check = moment_.now;
    s_.asking_after_expiry = past_validity();
    [[fallthrough]];
  case Action::exchange_token:
  case Action::send_csr:
  case Action::try_issued:
  case Action::renew:
    s_.report.last_sync = moment_.wall;
    break;
  default:
    break;
  }
  return next;
}

Next Transition::until_due(Next next) const {
  if (!s_.current || past_validity())
    return next;
  // The end of the validity is noticed at once; by the hour, since the wall clock may be set meanwhile.
  const auto left = s_.current->identity->validity.not_after - moment_.wall;
  const auto at_most = std::chrono::milliseconds(std::chrono::hours(1));
  next.due =
      std::min(next.due, moment_.now + (left < at_most ? std::chrono::ceil<std::chrono::milliseconds>(left) : at_most));
  return next;
}

} // namespace runtime_agent::connection_manager
