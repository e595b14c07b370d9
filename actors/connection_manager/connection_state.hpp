#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "actors/connection_manager/credentials.hpp"
#include "actors/connection_manager/lane.hpp"
#include "actors/connection_manager/pairing.hpp"
#include "messages/configuration.hpp"
#include "messages/connection.hpp"
#include "messages/status.hpp"

/// What the machine of connection_machine.hpp works on: its state, its events and the moment at which they come. Values
/// without I/O, clock or random source.
namespace runtime_agent::connection_manager {

/// What the operator has set; the same for the life of the process.
struct Policy {
  std::chrono::milliseconds sync_period{20'000};
  std::chrono::milliseconds minimal_sync_time{10'000};
  std::chrono::milliseconds backoff_ceiling{300'000};
  /// The two Secrets are read again so often, with jitter, besides being watched. Where one of them may not be watched,
  /// as with the rights of today's agent, they are read once in each sync period instead.
  std::chrono::milliseconds record_period{600'000};
  /// Of writing to the cluster, which has no service to spare and nobody to wait for.
  std::chrono::milliseconds cluster_backoff{1'000};
  std::chrono::milliseconds cluster_ceiling{30'000};
  double renewal_threshold = 0.3; ///< share of the validity
  /// The name that ConfigWatcher gives to an absence of the CompassConnection at this process's start: any pairing of
  /// this process serves it, also where ConfigWatcher notices the absence later.
  std::string process_id;
  std::string certificates_name; ///< "Secret kyma-system/cluster-client-certificates", for texts
};

/// What Compass said of a certificate whose validity is over by this clock, which may be wrong.
enum class AfterExpiry {
  unasked,
  failed,   ///< it was asked, and did not take the certificate, or no answer came
  accepted, ///< the certificate is good, so this clock is wrong
};

/// Everything that the agent knows about its connection.
struct ConnectionState {
  explicit ConnectionState(const Policy& policy);

  // What the cluster holds, as far as known.
  bool record_read = false;
  bool loaded = false;                ///< read at least once: from here on memory is ahead of the record
  std::optional<Time> record_read_at; ///< the whole of it
  Record record;
  /// Versions that a watch has told, and that are to be compared with the record; empty: absent.
  std::optional<std::string> certificates_seen;
  std::optional<std::string> ca_seen;
  bool certificates_unwatched = false;
  bool ca_unwatched = false;

  // The certificate in use.
  std::optional<Credentials> current;
  bool refused = false;
  /// What each service said that answered and refused this identity, on a fresh connection too; until it takes it again
  /// (contract 2.2). The certificate stays in use, and another one is wanted.
  std::optional<Failure> connector_refuses;
  std::optional<Failure> director_refuses;
  bool proven = false; ///< a call with it has succeeded
  AfterExpiry after_expiry = AfterExpiry::unasked;
  bool asking_after_expiry = false; ///< the check under way began after it
  double renewal_jitter = 0;
  std::optional<Time> obtained; ///< by this process
  std::optional<Time> last_renewal;

  // A pairing or a renewal on its way.
  std::optional<Pending> pending;
  bool pending_stored = false;
  bool pending_useless = false;
  bool csr_answered = false;
  int trials_refused = 0;         ///< by what stands before Compass, one after the other
  std::optional<Time> token_came; ///< the second token, in this process
  std::string spent_token;        ///< SHA-256 of the token that is known to be spent

  // What others said.
  std::shared_ptr<const ConnectionConfiguration> configuration;
  std::optional<Failure> configuration_problem;
  std::string reconnect_wanted;
  std::string refresh_wanted;

  // When.
  Lane cluster_lane;
  Lane ca_lane;
  Lane record_lane; ///< of verifying it
  Lane pairing_lane;
  Lane renewal_lane;
  Lane maintain_lane;
  Time connector_due = Time::min(); ///< by Retry-After
  Time last_check = Time::min();
  Time check_wanted = Time::max(); ///< somebody says that the certificate was refused
  Action under_way = Action::wait; ///< begun, and not answered yet

  // What is told: times and served wishes, and what went wrong last.
  ConnectionReport report;
  std::optional<Failure> connecting;
  std::optional<Failure> checking;
  std::optional<Failure> renewing;
  std::optional<Failure> storing;
  std::optional<Failure> storing_ca;
};

// The answers to actions. Each ends the action that is under way.
struct RecordRead {
  Result<Record> record;
};
struct KeyMade {
  Result<Secret> key;
};
struct PendingWritten {
  Result<std::string> version;
};
struct TokenExchanged {
  std::shared_ptr<const ConnectionConfiguration> sent; ///< whose token
  Result<compass::ConnectorConfiguration> answer;
};
struct CsrAnswered {
  Result<x509::IdentityPtr> identity;
};
struct IssuedTried {
  Result<compass::ConnectorConfiguration> answer;
};
struct CertificatesWritten {
  Credentials written;
  Result<std::string> version;
};
struct CaWritten {
  std::string ca_pem;
  Result<std::string> version;
};
struct PendingRemoved {
  Result<void> removed;
};
struct Renewed {
  Result<x509::IdentityPtr> identity;
};
struct Checked {
  Result<compass::ConnectorConfiguration> answer;
};
struct RecordVerified {
  Result<Record> record; ///< without the pending Secret
};
/// What a watch tells of one or both of the Secrets, at any time: its version; empty: it is absent.
struct SecretsSeen {
  std::optional<std::string> certificates_version{};
  std::optional<std::string> ca_version{};
  bool certificates_unwatched = false; ///< it may not be watched
  bool ca_unwatched = false;
};
/// Something may be due.
struct TimePassed {};

using Event =
    std::variant<ConfigurationObserved, ReconnectRequested, CredentialsRefreshRequested, CertificateRefused, RecordRead,
                 KeyMade, PendingWritten, TokenExchanged, CsrAnswered, IssuedTried, CertificatesWritten, CaWritten,
                 PendingRemoved, Renewed, Checked, RecordVerified, SecretsSeen, TimePassed>;

} // namespace runtime_agent::connection_manager
