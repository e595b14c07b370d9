#include <algorithm>
#include <atomic>

#include "actors/connection_manager/connection_manager.hpp"
#include "actors/connection_manager/transition.hpp"
#include "actors/supervision/log.hpp"
#include "transport/compass/refusals.hpp"
#include "transport/x509/check.hpp"
#include "transport/x509/csr.hpp"
#include "transport/x509/subject.hpp"

/// What the machine's actions are on the wire. Source: contract §§2, 5.1.
namespace runtime_agent::connection_manager {
namespace {

/// Of one request to Compass (contract §4).
constexpr std::chrono::seconds request_limit{30};
/// Of reading or writing one part of the record; a read has up to four requests.
constexpr std::chrono::seconds cluster_limit{20};
/// 4,096 bits take 0.4 to 2.5 s on an idle core; a pod may have a tenth of one.
constexpr std::chrono::seconds key_limit{600}; // at most 2.5 s of a CPU, of which there may be a hundredth
/// More than any clock is wrong by.
constexpr std::chrono::hours any_clock{24 * 365 * 100};

using Identity = x509::IdentityPtr;
using compass::ConnectorConfiguration;

/// For so long, but no longer than the whole call.
CallContext within(const CallContext& context, std::chrono::seconds limit) {
  CallContext limited = context;
  limited.deadline = std::min(context.deadline, std::chrono::steady_clock::now() + limit);
  return limited;
}

/// What the CSR needs and the answer may lack; before the second token is spent.
std::optional<Failure> unusable(const ConnectorConfiguration& answer) {
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

Result<std::string> request_for(const std::string& subject_text, const Secret& key_pem) {
  const auto subject = x509::parse_subject(subject_text);
  return subject ? x509::make_csr(*subject, key_pem) : failed(subject.error());
}

/// The certificate that came, checked with the key that it is for.
Result<Identity> checked_identity(Result<compass::SignedCertificate> answer, const Secret& key_pem, WallTime now,
                                  std::chrono::seconds skew) {
  if (!answer)
    return failed(std::move(answer.error()));
  return x509::check_certificate({.certificate_pem = std::move(answer->client_pem),
                                  .chain_pem = std::move(answer->chain_pem),
                                  .ca_pem = std::move(answer->ca_pem)},
                                 key_pem, now, skew);
}

/// Whether its validity agrees with this clock does not matter: the trial will tell, and the old certificate stays in
/// use until then.
Result<Identity> renewed_identity(compass::ConnectorClient& connector, x509::KeySource& keys,
                                  const Credentials& credentials, WallTime now, const CallContext& context) {
  const std::string& url = credentials.access.connector_url;
  const auto answer = connector.configuration(url, credentials.identity, within(context, request_limit));
  if (!answer)
    return failed(answer.error());
  const auto bits = x509::key_bits(answer->signing.key_algorithm);
  if (!bits)
    return failed(bits.error());
  const auto key = keys.generate(*bits, context.cancel);
  if (!key)
    return failed(key.error());
  const auto csr = request_for(answer->signing.subject, *key);
  if (!csr)
    return failed(csr.error());
  return checked_identity(connector.sign(url, credentials.identity, *csr, within(context, request_limit)), *key, now,
                          any_clock);
}

} // namespace

template <class T>
void ConnectionManager::start(supervision::CallSpec spec, std::function<Result<T>(const CallContext&)> work,
                              std::function<Event(Result<T>)> event) {
  call_ = call<T>(spec, std::move(work), [this, event = std::move(event)](Result<T> result) {
    call_ = 0;
    feed(event(std::move(result)));
  });
}

template <class T>
void ConnectionManager::start_compass(supervision::CallSpec spec, const std::string& runtime_id,
                                      std::function<Result<T>(const CallContext&)> work,
                                      std::function<Event(Result<T>)> event) {
  struct Progress {
    std::atomic<bool> begun{false};
    std::atomic<bool> ended{false};
  };
  const auto progress = std::make_shared<Progress>();
  const std::string id = request_id(runtime_id);
  start<T>(
      spec,
      [work = std::move(work), progress, id](CallContext context) {
        progress->begun = true;
        context.request_id = id;
        auto result = work(context);
        progress->ended = true;
        return result;
      },
      [event = std::move(event), progress, id](Result<T> result) {
        if (!result) {
          auto& failure = result.error();
          failure.maybe_processed |= progress->begun && !progress->ended;
          if (failure.request_id.empty())
            failure.request_id = id;
        }
        return event(std::move(result));
      });
}

void ConnectionManager::carry_out(Action action) {
  switch (action) {
  case Action::wait:
  case Action::announce_csr: // the machine's own
  case Action::adopt_issued:
    return;
  case Action::read_record:
    return read_record();
  case Action::make_key:
    return make_key();
  case Action::write_pending:
    return write_pending();
  case Action::exchange_token:
    return exchange_token();
  case Action::send_csr:
    return send_csr();
  case Action::try_issued:
    return try_issued();
  case Action::write_certificates:
    return write_certificates();
  case Action::write_ca:
    return write_ca();
  case Action::remove_pending:
    return remove_pending();
  case Action::renew:
    return renew();
  case Action::maintain:
    return maintain();
  case Action::verify_record:
    return verify_record();
  }
}

void ConnectionManager::read_record() {
  start<Record>(
      {"read the credentials on record", 2 * cluster_limit},
      [cluster = cluster_](const CallContext& context) { return cluster.read(CredentialRecord::Parts::all, context); },
      [](Result<Record> record) { return RecordRead{std::move(record)}; });
}

void ConnectionManager::make_key() {
  const unsigned bits = state_.pending ? bits_needed(*state_.pending) : x509::least_key_bits;
  start<Secret>(
      {"make a private key", key_limit},
      [keys = keys_, bits](const CallContext& context) { return keys->generate(bits, context.cancel); },
      [](Result<Secret> key) { return KeyMade{std::move(key)}; });
}

void ConnectionManager::write_pending() {
  start<std::string>(
      {"write the pending Secret", cluster_limit},
      [cluster = cluster_, pending = *state_.pending, version = state_.record.pending_version](
          const CallContext& context) { return cluster.write_pending(pending, version, context); },
      [](Result<std::string> version) { return PendingWritten{std::move(version)}; });
}

void ConnectionManager::exchange_token() {
  const auto sent = state_.configuration;
  log::info("pairing with the configuration's token",
            {{"connector_url", sent->connector_url}, {"runtime_id", sent->runtime_id}});
  start_compass<ConnectorConfiguration>(
      {"exchange the token", request_limit}, sent->runtime_id,
      [connector = connector_, sent](const CallContext& context) -> Result<ConnectorConfiguration> {
        auto answer = connector->configuration(sent->connector_url, sent->token, context);
        if (!answer)
          return answer;
        if (auto problem = unusable(*answer))
          return failed(std::move(*problem));
        return answer;
      },
      [sent](Result<ConnectorConfiguration> answer) {
        return TokenExchanged{sent, std::move(answer)};
      });
}

void ConnectionManager::send_csr() {
  start_compass<Identity>(
      {"have the certificate signed", request_limit}, state_.pending->access.runtime_id,
      [connector = connector_, pending = *state_.pending,
       clock = wall_clock_](const CallContext& context) -> Result<Identity> {
        const auto csr = request_for(pending.subject, pending.key_pem);
        if (!csr)
          return failed(csr.error());
        return checked_identity(connector->sign(pending.sign_url, pending.token, *csr, context), pending.key_pem,
                                clock(), x509::clock_skew);
      },
      [](Result<Identity> identity) { return CsrAnswered{std::move(identity)}; });
}

void ConnectionManager::try_issued() {
  const Pending& pending = *state_.pending;
  start_compass<ConnectorConfiguration>(
      {"try the new certificate", request_limit}, pending.access.runtime_id,
      [connector = connector_, url = pending.access.connector_url,
       identity = pending.identity](const CallContext& context) {
        return compass::confirmed(*connector, [&] { return connector->configuration(url, identity, context); });
      },
      [](Result<ConnectorConfiguration> answer) { return IssuedTried{std::move(answer)}; });
}

void ConnectionManager::write_certificates() {
  start<std::string>(
      {"write the certificates Secret", cluster_limit},
      [cluster = cluster_, credentials = *state_.current, version = state_.record.certificates_version](
          const CallContext& context) { return cluster.write_certificates(credentials, version, context); },
      [written = *state_.current](Result<std::string> version) {
        return CertificatesWritten{written, std::move(version)};
      });
}

void ConnectionManager::write_ca() {
  const std::string ca_pem = state_.current->identity->ca_pem;
  start<std::string>(
      {"write the CA Secret", cluster_limit},
      [cluster = cluster_, ca_pem, version = state_.record.ca_version](const CallContext& context) {
        return cluster.write_ca(ca_pem, version, context);
      },
      [ca_pem](Result<std::string> version) {
        return CaWritten{ca_pem, std::move(version)};
      });
}

void ConnectionManager::remove_pending() {
  start<void>(
      {"remove the pending Secret", cluster_limit},
      [cluster = cluster_, version = state_.record.pending_version](const CallContext& context) {
        return cluster.remove_pending(version, context);
      },
      [](Result<void> removed) { return PendingRemoved{std::move(removed)}; });
}

void ConnectionManager::renew() {
  start_compass<Identity>(
      {"renew the certificate", key_limit + 2 * request_limit}, state_.current->access.runtime_id,
      [connector = connector_, keys = keys_, credentials = *state_.current, clock = wall_clock_](
          const CallContext& context) { return renewed_identity(*connector, *keys, credentials, clock(), context); },
      [](Result<Identity> identity) { return Renewed{std::move(identity)}; });
}

void ConnectionManager::maintain() {
  start_compass<ConnectorConfiguration>(
      {"check the connection", request_limit}, state_.current->access.runtime_id,
      [connector = connector_, credentials = *state_.current,
       expired = state_.asking_after_expiry](const CallContext& context) {
        if (expired) // Compass looks at a certificate in the handshake only: a connection that is open proves nothing
          connector->drop_idle_connections();
        return compass::confirmed(*connector, [&] {
          return connector->configuration(credentials.access.connector_url, credentials.identity, context);
        });
      },
      [](Result<ConnectorConfiguration> answer) { return Checked{std::move(answer)}; });
}

void ConnectionManager::verify_record() {
  start<Record>(
      {"verify the credentials on record", cluster_limit},
      [cluster = cluster_](const CallContext& context) {
        return cluster.read(CredentialRecord::Parts::without_pending, context);
      },
      [](Result<Record> record) { return RecordVerified{std::move(record)}; });
}

} // namespace runtime_agent::connection_manager
