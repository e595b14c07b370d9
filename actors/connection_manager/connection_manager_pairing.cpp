#include "actors/connection_manager/connection_manager_calls.hpp"
#include "actors/connection_manager/failure_texts.hpp"
#include "actors/supervision/log.hpp"
#include "transport/x509/csr.hpp"
#include "transport/x509/subject.hpp"

/// From a token to a certificate. Source: contract §2.
namespace runtime_agent::connection_manager {
namespace {

/// What the CSR needs and the answer may lack; before the second token is spent.
std::optional<Failure> unusable(const compass::ConnectorConfiguration& answer) {
  if (const auto bits = x509::key_bits(answer.signing.key_algorithm); !bits)
    return bits.error();
  if (const auto subject = x509::parse_subject(answer.signing.subject); !subject)
    return subject.error();
  if (answer.management.director_url.empty() || answer.management.certificate_secured_connector_url.empty())
    return Failure{.kind = FailureKind::malformed,
                   .where = "Connector, configuration",
                   .what = "the answer lacks the Director's or the certificate-secured Connector's URL"};
  return std::nullopt;
}

Result<x509::IssuedCertificate> request_certificate(compass::ConnectorClient& connector, const Pending& pending,
                                                    WallTime now, const CallContext& context) {
  const auto subject = x509::parse_subject(pending.subject);
  if (!subject)
    return failed(subject.error());
  const auto csr = x509::make_csr(*subject, pending.key_pem);
  if (!csr)
    return failed(csr.error());
  auto answer = connector.sign(pending.sign_url, pending.token, *csr, context);
  if (!answer)
    return failed(std::move(answer.error()));
  x509::IssuedCertificate issued{.certificate_pem = std::move(answer->client_pem),
                                 .chain_pem = std::move(answer->chain_pem),
                                 .ca_pem = std::move(answer->ca_pem)};
  if (const auto identity = x509::check_certificate(issued, pending.key_pem, now); !identity)
    return failed(identity.error());
  return issued;
}

} // namespace

unsigned bits_needed(const Pending& pending) {
  if (pending.step == Step::preparing)
    return x509::least_key_bits;
  return x509::key_bits(pending.key_algorithm).value_or(x509::least_key_bits);
}

void ConnectionManager::make_key() {
  const unsigned bits = pending_ ? bits_needed(*pending_) : x509::least_key_bits;
  start<Secret>(
      {"make a private key", key_limit},
      [keys = keys_, bits](const CallContext& context) { return keys->generate(bits, context.cancel); },
      &ConnectionManager::key_made);
}

void ConnectionManager::key_made(Result<Secret> key) {
  if (!key) {
    connecting_ = trying_again(key.error(), pairing_lane_.failed(now(), key.error()));
    return settle();
  }
  Pending pending;
  const bool in_pairing = pending_ && (pending_->step == Step::paired || pending_->step == Step::signing);
  if (in_pairing) // the Connector asks for more bits than the key has that was made before
    pending = *pending_;
  pending.key_bits = in_pairing ? bits_needed(pending) : x509::least_key_bits;
  pending.key_pem = std::move(*key);
  pending.reconnect_id = reconnect_wanted_;
  change_pending(std::move(pending));
  settle();
}

void ConnectionManager::exchange_token() {
  sent_ = configuration_;
  log::info("pairing with the configuration's token",
            {{"connector_url", sent_->connector_url}, {"runtime_id", sent_->runtime_id}});
  start_compass<compass::ConnectorConfiguration>(
      {"exchange the token", request_limit}, sent_->runtime_id,
      [connector = connector_,
       configuration = sent_](const CallContext& context) -> Result<compass::ConnectorConfiguration> {
        auto answer = connector->configuration(configuration->connector_url, configuration->token, context);
        if (!answer)
          return answer;
        if (auto problem = unusable(*answer))
          return failed(std::move(*problem));
        return answer;
      },
      &ConnectionManager::token_exchanged);
}

void ConnectionManager::token_exchanged(Result<compass::ConnectorConfiguration> answer) {
  const auto sent = std::exchange(sent_, nullptr);
  if (!answer)
    return pairing_failed(std::move(answer.error()), sent->token_sha256);
  Pending pending = *pending_;
  pending.step = Step::paired;
  pending.for_renewal = false;
  pending.subject = answer->signing.subject;
  pending.key_algorithm = answer->signing.key_algorithm;
  pending.sign_url = sent->connector_url;
  pending.token = std::move(answer->token);
  pending.token_time = wall_now();
  pending.token_sha256 = sent->token_sha256;
  pending.reconnect_id = reconnect_wanted_;
  pending.access = {.runtime_id = sent->runtime_id,
                    .tenant = sent->tenant,
                    .connector_url = answer->management.certificate_secured_connector_url,
                    .director_url = answer->management.director_url};
  pending.issued = {};
  csr_answered_ = false;
  pairing_lane_.succeeded();
  change_pending(std::move(pending));
  settle();
}

void ConnectionManager::announce_csr() {
  Pending pending = *pending_;
  pending.step = Step::signing;
  change_pending(std::move(pending));
  proceed();
}

void ConnectionManager::send_csr() {
  start_compass<x509::IssuedCertificate>(
      {"have the certificate signed", request_limit}, pending_->access.runtime_id,
      [connector = connector_, pending = *pending_, clock = wall_clock_](const CallContext& context) {
        return request_certificate(*connector, pending, clock(), context);
      },
      &ConnectionManager::csr_answered);
}

void ConnectionManager::csr_answered(Result<x509::IssuedCertificate> issued) {
  if (!issued) {
    csr_answered_ = token_spent(issued.error());
    return pairing_failed(std::move(issued.error()), pending_->token_sha256);
  }
  Pending pending = *pending_;
  pending.step = Step::issued;
  pending.issued = std::move(*issued);
  pending.token = {};
  pairing_lane_.succeeded();
  change_pending(std::move(pending));
  settle();
}

void ConnectionManager::pairing_failed(Failure failure, const std::string& token_sha256) {
  const bool changed = configuration_ && configuration_->token_sha256 != token_sha256;
  if (!token_spent(failure)) {
    const auto delay = pairing_lane_.failed(now(), failure);
    connecting_ = trying_again(std::move(failure), delay);
  } else if (changed || !configuration_) {
    connecting_ = std::move(failure); // the changed token is taken at once
    pairing_lane_.reset();
  } else {
    spent_token_ = token_sha256;
    const auto delay = pairing_lane_.failed_for_long(now(), failure);
    connecting_ = token_is_spent(std::move(failure), *configuration_, delay);
  }
  log::warning("connecting failed", {{"error", connecting_->text()}});
  settle();
}

void ConnectionManager::notice_missing_configuration() {
  const Standing stands = standing(situation());
  if (configuration_problem_ && (stands == Standing::unpaired || stands == Standing::reconnecting))
    report_.last_sync = wall_now();
}

void ConnectionManager::notice_lost_reply() {
  if (!loaded_ || !configuration_ || standing(situation()) != Standing::reply_lost || !spent_token_.empty())
    return;
  if (pending_->token_sha256 != configuration_->token_sha256)
    return;
  spent_token_ = pending_->token_sha256;
  auto failure = reply_was_lost();
  report_.last_sync = wall_now();
  connecting_ = token_is_spent(failure, *configuration_, pairing_lane_.failed_for_long(now(), failure));
  log::warning("connecting failed", {{"error", connecting_->text()}});
}

} // namespace runtime_agent::connection_manager
