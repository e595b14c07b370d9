#include "actors/connection_manager/failure_texts.hpp"
#include "actors/connection_manager/transition.hpp"
#include "transport/x509/key.hpp"

/// From a token to a certificate. Source: contract §2.
namespace runtime_agent::connection_manager {

unsigned bits_needed(const Pending& pending) {
  if (pending.step == Step::preparing)
    return x509::least_key_bits;
  return x509::key_bits(pending.key_algorithm).value_or(x509::least_key_bits);
}

void Transition::operator()(KeyMade&& made) {
  s_.under_way = Action::wait;
  if (!made.key) {
    s_.connecting = trying_again(made.key.error(), s_.pairing_lane.failed(moment_, made.key.error()));
    return;
  }
  Pending pending;
  const bool in_pairing = s_.pending && (s_.pending->step == Step::paired || s_.pending->step == Step::signing);
  if (in_pairing) // the Connector asks for more bits than the key has that was made before
    pending = *s_.pending;
  pending.key_bits = in_pairing ? bits_needed(pending) : x509::least_key_bits;
  pending.key_pem = std::move(*made.key);
  pending.reconnect_id = s_.reconnect_wanted;
  change_pending(std::move(pending));
}

void Transition::operator()(TokenExchanged&& exchanged) {
  s_.under_way = Action::wait;
  const auto& sent = *exchanged.sent;
  auto& answer = exchanged.answer;
  if (!answer)
    return pairing_failed(std::move(answer.error()), sent.token_sha256);
  Pending pending = *s_.pending;
  pending.step = Step::paired;
  pending.for_renewal = false;
  pending.subject = answer->signing.subject;
  pending.key_algorithm = answer->signing.key_algorithm;
  pending.sign_url = sent.connector_url;
  pending.token = std::move(answer->token);
  pending.token_time = moment_.wall;
  pending.token_sha256 = sent.token_sha256;
  pending.reconnect_id = s_.reconnect_wanted;
  pending.access = {.runtime_id = sent.runtime_id,
                    .tenant = sent.tenant,
                    .connector_url = answer->management.certificate_secured_connector_url,
                    .director_url = answer->management.director_url};
  pending.identity = nullptr;
  s_.csr_answered = false;
  s_.token_came = moment_.now;
  s_.pairing_lane.succeeded();
  change_pending(std::move(pending));
}

void Transition::announce_csr() {
  Pending pending = *s_.pending;
  pending.step = Step::signing;
  change_pending(std::move(pending));
}

void Transition::operator()(CsrAnswered&& answered) {
  s_.under_way = Action::wait;
  if (!answered.identity) {
    s_.csr_answered = token_spent(answered.identity.error());
    return pairing_failed(std::move(answered.identity.error()), s_.pending->token_sha256);
  }
  Pending pending = *s_.pending;
  pending.step = Step::issued;
  pending.identity = std::move(*answered.identity);
  pending.token = {};
  s_.pairing_lane.succeeded();
  change_pending(std::move(pending));
}

void Transition::pairing_failed(Failure failure, const std::string& token_sha256) {
  retry_after(failure);
  const bool changed = s_.configuration && s_.configuration->token_sha256 != token_sha256;
  if (!token_spent(failure)) {
    const auto delay = s_.pairing_lane.failed(moment_, failure);
    if (failure.blame == Blame::elsewhere)
      failure = not_by_the_connector(std::move(failure));
    s_.connecting = trying_again(std::move(failure), delay);
  } else if (changed || !s_.configuration) {
    s_.connecting = std::move(failure); // the changed token is taken at once
    s_.pairing_lane.reset();
  } else {
    s_.spent_token = token_sha256;
    const auto delay = s_.pairing_lane.failed_for_long(moment_, failure);
    s_.connecting = token_is_spent(std::move(failure), *s_.configuration, delay);
  }
}

void Transition::notice_missing_configuration() {
  const Standing stands = standing(situation());
  if (s_.configuration_problem && (stands == Standing::unpaired || stands == Standing::reconnecting))
    s_.report.last_sync = moment_.wall;
}

void Transition::notice_lost_reply() {
  if (!s_.loaded || !s_.configuration || standing(situation()) != Standing::reply_lost || !s_.spent_token.empty())
    return;
  if (s_.pending->token_sha256 != s_.configuration->token_sha256)
    return;
  s_.spent_token = s_.pending->token_sha256;
  auto failure = reply_was_lost();
  s_.report.last_sync = moment_.wall;
  s_.connecting = token_is_spent(failure, *s_.configuration, s_.pairing_lane.failed_for_long(moment_, failure));
}

} // namespace runtime_agent::connection_manager
