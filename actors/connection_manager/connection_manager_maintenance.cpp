#include <algorithm>

#include "actors/connection_manager/connection_manager_calls.hpp"
#include "actors/connection_manager/failure_texts.hpp"
#include "actors/supervision/log.hpp"
#include "transport/x509/csr.hpp"
#include "transport/x509/subject.hpp"

/// Using the certificate: the first call, the check of each cycle, renewal. Source: contract §2.
namespace runtime_agent::connection_manager {
namespace {

/// Compass does not take the certificate, as opposed to a failure that says nothing about it.
bool certificate_not_taken(const Failure& failure) {
  return failure.kind == FailureKind::certificate_refused || failure.kind == FailureKind::unauthorized;
}

/// The same, as a gateway says it that looks at certificates after the handshake. Believed of a certificate in use,
/// which is asked about again; a new one is not thrown away for it.
bool certificate_not_admitted(const Failure& failure) {
  return certificate_not_taken(failure) || (failure.kind == FailureKind::forbidden && failure.http_status == 403);
}

Result<x509::IssuedCertificate> sign_with_certificate(compass::ConnectorClient& connector,
                                                      const Credentials& credentials, const std::string& subject_text,
                                                      const Secret& key_pem, WallTime now, const CallContext& context) {
  const auto subject = x509::parse_subject(subject_text);
  if (!subject)
    return failed(subject.error());
  const auto csr = x509::make_csr(*subject, key_pem);
  if (!csr)
    return failed(csr.error());
  auto answer = connector.sign(credentials.access.connector_url, credentials.identity, *csr, context);
  if (!answer)
    return failed(std::move(answer.error()));
  x509::IssuedCertificate issued{.certificate_pem = std::move(answer->client_pem),
                                 .chain_pem = std::move(answer->chain_pem),
                                 .ca_pem = std::move(answer->ca_pem)};
  if (const auto identity = x509::check_certificate(issued, key_pem, now); !identity)
    return failed(identity.error());
  return issued;
}

} // namespace

void ConnectionManager::try_issued() {
  const auto& issued = pending_->issued;
  const auto identity = x509::make_identity(issued.certificate_pem, issued.chain_pem, pending_->key_pem, issued.ca_pem);
  if (!identity) { // checked when it came and when it was read: somebody else's writing
    pending_useless_ = true;
    return settle();
  }
  start_compass<compass::ConnectorConfiguration>(
      {"try the new certificate", request_limit}, pending_->access.runtime_id,
      [connector = connector_, url = pending_->access.connector_url, identity = *identity](const CallContext& context) {
        return connector->configuration(url, identity, context);
      },
      &ConnectionManager::issued_tried);
}

void ConnectionManager::issued_tried(Result<compass::ConnectorConfiguration> answer) {
  if (answer)
    return adopt_issued(true);
  Failure failure = std::move(answer.error());
  pending_useless_ = certificate_not_taken(failure);
  failure.what = "the new certificate cannot be used, so the old one stays in use: " + failure.what;
  auto& problem = pending_->for_renewal ? renewing_ : connecting_;
  if (pending_useless_ && !pending_->for_renewal && configuration_) {
    spent_token_ = pending_->token_sha256;
    const auto delay = pairing_lane_.failed_for_long(now(), failure);
    problem = token_is_spent(std::move(failure), *configuration_, delay);
  } else {
    const auto delay = issued_lane().failed(now(), failure);
    problem = trying_again(std::move(failure), delay);
  }
  log::warning("the new certificate cannot be used", {{"error", problem->text()}});
  settle();
}

void ConnectionManager::adopt_issued(bool proven) {
  const auto& issued = pending_->issued;
  auto identity = x509::make_identity(issued.certificate_pem, issued.chain_pem, pending_->key_pem, issued.ca_pem);
  if (!identity) {
    pending_useless_ = true;
    return settle();
  }
  Credentials credentials{.identity = std::move(*identity), .access = pending_->access, .reconnect_served = {}};
  if (pending_->for_renewal && current_) {
    credentials.access = current_->access;
    credentials.reconnect_served = current_->reconnect_served;
    report_.renewed = wall_now();
    last_renewal_ = now();
  } else {
    const std::string served = pending_->reconnect_id.empty() ? reconnect_wanted_ : pending_->reconnect_id;
    credentials.reconnect_served = served.empty() ? settings_.process_id : served;
    report_.established = wall_now();
    reconnect_wanted_.clear();
    connecting_.reset();
    spent_token_.clear();
  }
  log::info(pending_->for_renewal ? "certificate renewed" : "connected",
            {{"serial", credentials.identity->serial},
             {"not_after", x509::rfc3339(credentials.identity->validity.not_after)}});
  issued_lane().succeeded();
  take(std::move(credentials));
  report_.acquired = report_.last_success = wall_now();
  if (!refresh_wanted_.empty())
    report_.refresh_served = std::exchange(refresh_wanted_, {});
  proven_ = proven;
  renewing_.reset();
  checking_.reset();
  maintain_lane_.succeeded(proven ? now() + period() : Time::min());
  settle();
}

void ConnectionManager::maintain() {
  check_wanted_ = Time::max();
  last_check_ = now();
  start_compass<Checked>(
      {"check the connection", request_limit + cluster_limit}, current_->access.runtime_id,
      [connector = connector_, cluster = cluster_,
       credentials = *current_](const CallContext& context) -> Result<Checked> {
        CallContext reading = context; // each with a time of its own: a slow cluster takes nothing from the Connector
        reading.deadline = std::min(reading.deadline, std::chrono::steady_clock::now() + cluster_limit);
        auto record = cluster.read(CredentialRecord::Parts::without_pending, reading);
        CallContext asking = context;
        asking.deadline = std::min(context.deadline, std::chrono::steady_clock::now() + request_limit);
        auto answer = connector->configuration(credentials.access.connector_url, credentials.identity, asking);
        if (!answer && answer.error().request_id.empty())
          answer.error().request_id = context.request_id;
        return Checked{std::move(record), std::move(answer)};
      },
      &ConnectionManager::maintained);
}

void ConnectionManager::maintained(Result<Checked> result) {
  if (!result) {
    check_failed(std::move(result.error()));
    return settle();
  }
  if (result->record)
    merge_record(std::move(*result->record));
  else
    log::debug("the credentials on record could not be looked at", {{"error", result->record.error().text()}});
  if (result->configuration)
    checked(*result->configuration);
  else
    check_failed(std::move(result->configuration.error()));
  settle();
}

void ConnectionManager::checked(const compass::ConnectorConfiguration& answer) {
  if (checking_)
    log::info("checking the connection succeeds again");
  auto& access = current_->access;
  if (access.connector_url != answer.management.certificate_secured_connector_url ||
      access.director_url != answer.management.director_url) {
    access.connector_url = answer.management.certificate_secured_connector_url;
    access.director_url = answer.management.director_url;
    log::info("Compass has other addresses",
              {{"connector_url", access.connector_url}, {"director_url", access.director_url}});
  }
  proven_ = true;
  if (std::exchange(refused_, false) && reconnect_wanted_.empty())
    connecting_.reset();
  checking_.reset();
  report_.last_success = wall_now();
  maintain_lane_.succeeded(now() + period());
}

void ConnectionManager::check_failed(Failure failure) {
  retry_after(failure);
  const bool refused = certificate_not_admitted(failure);
  const auto delay = maintain_lane_.failed(now(), failure);
  if (!checking_ || checking_->what != failure.what)
    log::warning("checking the connection failed", {{"error", failure.text()}});
  checking_ = trying_again(std::move(failure), delay);
  if (refused && !std::exchange(refused_, true)) {
    proven_ = false;
    if (!configuration_ || configuration_->token_sha256 != spent_token_)
      pairing_lane_.reset();
  }
}

void ConnectionManager::renew() {
  start_compass<Renewed>(
      {"renew the certificate", key_limit + 2 * request_limit}, current_->access.runtime_id,
      [connector = connector_, keys = keys_, credentials = *current_,
       clock = wall_clock_](const CallContext& context) -> Result<Renewed> {
        CallContext request = context;
        const auto limited = [&]() -> const CallContext& {
          request.deadline = std::min(context.deadline, std::chrono::steady_clock::now() + request_limit);
          return request;
        };
        const auto answer = connector->configuration(credentials.access.connector_url, credentials.identity, limited());
        if (!answer)
          return failed(answer.error());
        const auto bits = x509::key_bits(answer->signing.key_algorithm);
        if (!bits)
          return failed(bits.error());
        auto key = keys->generate(*bits, context.cancel);
        if (!key)
          return failed(std::move(key.error()));
        auto issued = sign_with_certificate(*connector, credentials, answer->signing.subject, *key, clock(), limited());
        if (!issued)
          return failed(std::move(issued.error()));
        return Renewed{std::move(*key), std::move(*issued)};
      },
      &ConnectionManager::renewed);
}

void ConnectionManager::renewed(Result<Renewed> result) {
  if (!result) {
    if (certificate_not_admitted(result.error()))
      check_wanted_ = Time::min(); // the check decides what the certificate is worth
    const auto delay = renewal_lane_.failed(now(), result.error());
    renewing_ = trying_again(std::move(result.error()), delay);
    log::warning("renewing the certificate failed", {{"error", renewing_->text()}});
    return settle();
  }
  Pending pending;
  pending.step = Step::issued;
  pending.for_renewal = true;
  pending.key_pem = std::move(result->key_pem);
  pending.issued = std::move(result->issued);
  pending.access = current_->access;
  pending.reconnect_id = reconnect_wanted_;
  renewal_lane_.succeeded();
  change_pending(std::move(pending));
  settle();
}

void ConnectionManager::retry_after(const Failure& failure) {
  if (failure.retry_after)
    connector_due_ = std::max(connector_due_, now() + *failure.retry_after);
}

std::chrono::milliseconds ConnectionManager::period() {
  const auto milliseconds = static_cast<double>(settings_.sync_period.count()) * (0.9 + 0.2 * fraction(random()));
  return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(milliseconds));
}

} // namespace runtime_agent::connection_manager
