#include <algorithm>

#include "actors/connection_manager/failure_texts.hpp"
#include "actors/connection_manager/transition.hpp"

/// Using the certificate: the first call, the check of each cycle, renewal. Source: contract §2.
namespace runtime_agent::connection_manager {
namespace {

/// Compass does not take the certificate, as opposed to a failure that says nothing about it.
bool certificate_not_taken(const Failure& failure) {
  return refuses_identity(failure) || failure.kind == FailureKind::certificate_refused ||
         failure.kind == FailureKind::unauthorized;
}

/// What a gateway says, or what stands behind it, may pass: it is believed when it stays with it, so often.
constexpr int gateway_trials = 6;
bool by_gateway(const Failure& failure) {
  return refuses_identity(failure) || (failure.kind == FailureKind::unauthorized && failure.http_status == 401);
}

/// The same, as a gateway says it that looks at certificates after the handshake. Believed of a certificate in use,
/// which is asked about again; a new one is not thrown away for it.
bool certificate_not_admitted(const Failure& failure) {
  return certificate_not_taken(failure) || (failure.kind == FailureKind::forbidden && failure.http_status == 403);
}

} // namespace

void Transition::operator()(IssuedTried&& tried) {
  s_.under_way = Action::wait;
  if (tried.answer)
    return adopt_issued(true);
  Failure failure = std::move(tried.answer.error());
  retry_after(failure);
  // A token that has come meanwhile is not kept waiting by one that Compass refuses (contract 2.2).
  const bool other_token =
      !s_.pending->for_renewal && s_.configuration && s_.configuration->token_sha256 != s_.pending->token_sha256;
  s_.pending_useless =
      certificate_not_taken(failure) &&
      (!by_gateway(failure) || ++s_.trials_refused == gateway_trials || (other_token && refuses_identity(failure)));
  failure.what = "the new certificate cannot be used, so the old one stays in use: " + failure.what;
  auto& problem = s_.pending->for_renewal ? s_.renewing : s_.connecting;
  if (s_.pending_useless && other_token) {
    problem = std::move(failure); // the other token is taken at once
    s_.pairing_lane.reset();
  } else if (s_.pending_useless && !s_.pending->for_renewal && s_.configuration) {
    s_.spent_token = s_.pending->token_sha256;
    const auto delay = s_.pairing_lane.failed_for_long(moment_, failure);
    problem = token_is_spent(std::move(failure), *s_.configuration, delay);
  } else {
    const auto delay = issued_lane().failed(moment_, failure, before_the_end());
    problem = trying_again(std::move(failure), delay);
  }
}

void Transition::adopt_issued(bool proven) {
  const Pending& pending = *s_.pending;
  Credentials credentials{.identity = pending.identity, .access = pending.access, .reconnect_served = {}};
  if (pending.for_renewal && s_.current) {
    credentials.access = s_.current->access;
    credentials.reconnect_served = s_.current->reconnect_served;
    s_.report.renewed = moment_.wall;
    s_.last_renewal = moment_.now;
  } else {
    // What is wanted by now: a pairing under way serves a wish that came later as well.
    const std::string served = s_.reconnect_wanted.empty() ? pending.reconnect_id : s_.reconnect_wanted;
    credentials.reconnect_served = served.empty() ? policy_.process_id : served;
    s_.report.established = moment_.wall;
    s_.reconnect_wanted.clear();
    s_.connecting.reset();
    s_.spent_token.clear();
  }
  issued_lane().succeeded();
  s_.obtained = moment_.now;
  take(std::move(credentials));
  s_.report.acquired = s_.report.last_success = moment_.wall;
  if (!s_.refresh_wanted.empty())
    s_.report.refresh_served = std::exchange(s_.refresh_wanted, {});
  s_.proven = proven;
  if (proven && past_validity())
    s_.after_expiry = AfterExpiry::accepted;
  s_.renewing.reset();
  s_.checking.reset();
  s_.maintain_lane.succeeded(proven ? moment_.now + jittered(policy_.sync_period) : Time::min());
}

void Transition::operator()(Checked&& checked) {
  s_.under_way = Action::wait;
  if (checked.answer)
    check_succeeded(*checked.answer);
  else
    check_failed(std::move(checked.answer.error()));
}

void Transition::check_succeeded(const compass::ConnectorConfiguration& answer) {
  s_.current->access.connector_url = answer.management.certificate_secured_connector_url;
  s_.current->access.director_url = answer.management.director_url;
  s_.proven = true;
  if (past_validity())
    s_.after_expiry = AfterExpiry::accepted;
  taken_again(s_.connector_refuses);
  if (std::exchange(s_.refused, false) && s_.reconnect_wanted.empty())
    s_.connecting.reset();
  s_.checking.reset();
  s_.report.last_success = moment_.wall;
  s_.maintain_lane.succeeded(moment_.now + jittered(policy_.sync_period));
}

void Transition::check_failed(Failure failure) {
  retry_after(failure);
  // One that is over by this clock is given up for any refusal; another one stays in use until there is a better.
  const bool by_service = refuses_identity(failure) && !past_validity();
  if (by_service)
    disowned(s_.connector_refuses, failure);
  const bool refused = certificate_not_admitted(failure) && !by_service;
  const auto delay = s_.maintain_lane.failed(moment_, failure);
  s_.checking = trying_again(std::move(failure), delay);
  const bool expired =
      past_validity() && s_.asking_after_expiry && (refused || s_.after_expiry == AfterExpiry::unasked);
  const bool lost = (refused && !s_.refused) || (expired && s_.after_expiry != AfterExpiry::failed);
  if (expired)
    s_.after_expiry = AfterExpiry::failed;
  s_.refused |= refused;
  if (!lost)
    return;
  s_.proven = false;
  doubt_record(); // another process may have stored a newer one
  if (!s_.configuration || s_.configuration->token_sha256 != s_.spent_token)
    s_.pairing_lane.reset();
}

void Transition::disowned(std::optional<Failure>& service, Failure failure) {
  const bool known = situation().disowned;
  service = std::move(failure);
  if (known)
    return;
  doubt_record(); // another process may have stored a newer one
  if (!s_.configuration || s_.configuration->token_sha256 != s_.spent_token)
    s_.pairing_lane.reset();
}

void Transition::taken_again(std::optional<Failure>& service) {
  if (!service)
    return;
  service.reset();
  if (!situation().disowned && !s_.refused && s_.reconnect_wanted.empty())
    s_.connecting.reset();
}

void Transition::operator()(Renewed&& renewed) {
  s_.under_way = Action::wait;
  if (!renewed.identity) {
    auto& failure = renewed.identity.error();
    retry_after(failure);
    if (certificate_not_admitted(failure))
      s_.check_wanted = Time::min(); // the check decides what the certificate is worth
    const auto delay = s_.renewal_lane.failed(moment_, failure, before_the_end());
    s_.renewing = trying_again(std::move(failure), delay);
    return;
  }
  Pending pending;
  pending.step = Step::issued;
  pending.for_renewal = true;
  pending.identity = std::move(*renewed.identity);
  pending.key_pem = pending.identity->key_pem;
  pending.access = s_.current->access;
  pending.reconnect_id = s_.reconnect_wanted;
  s_.renewal_lane.succeeded();
  change_pending(std::move(pending));
}

void Transition::retry_after(const Failure& failure) {
  if (failure.retry_after)
    s_.connector_due = std::max(s_.connector_due, moment_.now + *failure.retry_after);
}

std::chrono::milliseconds Transition::jittered(std::chrono::milliseconds period) const {
  const auto milliseconds = static_cast<double>(period.count()) * (0.9 + 0.2 * moment_.chance);
  return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(milliseconds));
}

std::chrono::milliseconds Transition::before_the_end() const {
  if (!s_.current || past_validity())
    return std::chrono::milliseconds::max();
  const auto left =
      std::chrono::floor<std::chrono::milliseconds>(s_.current->identity->validity.not_after - moment_.wall);
  return std::max(left / 4, policy_.minimal_sync_time);
}

} // namespace runtime_agent::connection_manager
