#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/connection_manager/credential_record.hpp"
#include "actors/connection_manager/lane.hpp"
#include "actors/connection_manager/pairing.hpp"
#include "actors/supervision/traced_actor.hpp"
#include "transport/compass/clients.hpp"
#include "transport/x509/key.hpp"

namespace runtime_agent::connection_manager {

struct Settings {
  SecretName certificates;
  SecretName ca;
  std::chrono::milliseconds sync_period{20'000};
  std::chrono::milliseconds minimal_sync_time{10'000};
  std::chrono::milliseconds backoff_ceiling{300'000};
  double renewal_threshold = 0.3; ///< share of the validity
  /// The name that ConfigWatcher gives to an absence of the CompassConnection at this process's start: any pairing of
  /// this process serves it, also where ConfigWatcher notices the absence later.
  std::string process_id;
};

/// Owns the certificate's life: pairs, stores, checks, renews, and tells what there is. Whatever happens, it decides
/// anew from the record and the facts (pairing.hpp), carries out one action, and decides again.
class ConnectionManager : public supervision::TracedActor<ConnectionManagerActor> {
public:
  using Base = supervision::TracedActor<ConnectionManagerActor>;

  ConnectionManager(caf::actor_config& config, supervision::Environment& environment, Peers peers, Settings settings,
                    std::shared_ptr<kubernetes::Api> api, std::shared_ptr<compass::ConnectorClient> connector,
                    std::shared_ptr<x509::KeySource> keys);
  behavior_type make_behavior() override;
  const char* name() const override { return "ConnectionManager"; }
  void on_exit() override;

protected:
  /// A token that has been sent is not given up for a quick end: its reply is written down first.
  void stop_requested() override;

private:
  /// What a check in a cycle found: the record, and Compass' answer.
  struct Checked {
    Result<Record> record;
    Result<compass::ConnectorConfiguration> configuration;
  };
  struct Renewed {
    Secret key_pem;
    x509::IssuedCertificate issued;
  };

  // Messages.
  void configuration_observed(const ConfigurationObserved& observed);
  void reconnect_requested(const std::string& id);
  void refresh_requested(const std::string& id);
  void certificate_refused(const CertificateRefused& refused);

  // Deciding (connection_manager.cpp).
  /// After anything has changed: tells it, and goes on.
  void settle();
  void proceed();
  void carry_out(Action action);
  Situation situation() const;
  bool renewal_is_due() const;
  void sleep_until(Time due);
  /// Starts the one call that is under way at a time.
  template <class T>
  void start(supervision::CallSpec spec, std::function<Result<T>(const CallContext&)> work,
             void (ConnectionManager::*on_answer)(Result<T>));
  /// The same to the Connector, with `x-request-id`. A request that was begun and has not come back may have been
  /// carried out.
  template <class T>
  void start_compass(supervision::CallSpec spec, const std::string& runtime_id,
                     std::function<Result<T>(const CallContext&)> work,
                     void (ConnectionManager::*on_answer)(Result<T>));

  // Pairing (connection_manager_pairing.cpp).
  void make_key();
  void key_made(Result<Secret> key);
  void exchange_token();
  void token_exchanged(Result<compass::ConnectorConfiguration> answer);
  void announce_csr();
  void send_csr();
  void csr_answered(Result<x509::IssuedCertificate> issued);
  void pairing_failed(Failure failure, const std::string& token_sha256);
  /// The record says that a reply was lost, and the configuration holds the token that it was lost for.
  void notice_lost_reply();
  /// An attempt to connect that fails for want of a configuration counts as one (§5.4).
  void notice_missing_configuration();

  // Using (connection_manager_maintenance.cpp).
  void try_issued();
  void issued_tried(Result<compass::ConnectorConfiguration> answer);
  /// `proven`: a call with it has succeeded.
  void adopt_issued(bool proven);
  void maintain();
  void maintained(Result<Checked> checked);
  void checked(const compass::ConnectorConfiguration& answer);
  void check_failed(Failure failure);
  void renew();
  void renewed(Result<Renewed> renewed);
  void retry_after(const Failure& failure);
  std::chrono::milliseconds period();
  Lane& issued_lane() { return pending_->for_renewal ? renewal_lane_ : pairing_lane_; }

  // Storing (connection_manager_record.cpp).
  void read_record();
  void record_came(Result<Record> record);
  void merge_record(Record record);
  /// Uses what was read from the cluster.
  void take(Credentials credentials);
  void complete_access();
  void write_pending();
  void pending_written(Result<std::string> version);
  void write_certificates();
  void certificates_written(Result<std::string> version);
  void write_ca();
  void ca_written(Result<std::string> version);
  void remove_pending();
  void pending_removed(Result<void> removed);
  void store_failed(Lane& lane, std::optional<Failure>& problem, Failure failure);
  void change_pending(Pending pending);

  // Telling (connection_manager_facts.cpp).
  enum class Say { changes, all };
  void tell_connection(Say say);
  std::string why_lost() const;
  void report();
  std::optional<Failure> connecting_problem() const;
  std::optional<Failure> maintaining_problem() const;

  Peers peers_;
  const Settings settings_;
  const std::function<WallTime()> wall_clock_;
  const CredentialRecord cluster_;
  const std::shared_ptr<compass::ConnectorClient> connector_;
  const std::shared_ptr<x509::KeySource> keys_;

  // What the cluster holds, as far as known.
  bool record_read_ = false;
  bool loaded_ = false; ///< read at least once: from here on memory is ahead of the record
  Record record_;

  // The certificate in use.
  std::optional<Credentials> current_;
  bool refused_ = false;
  bool proven_ = false;
  double renewal_jitter_ = 0;
  std::optional<Time> last_renewal_;

  // A pairing or a renewal on its way.
  std::optional<Pending> pending_;
  bool pending_stored_ = false;
  bool pending_useless_ = false;
  bool csr_answered_ = false;
  std::string spent_token_; ///< SHA-256 of the token that is known to be spent

  // What others said.
  std::shared_ptr<const ConnectionConfiguration> configuration_;
  std::optional<Failure> configuration_problem_;
  std::string reconnect_wanted_;
  std::string refresh_wanted_;

  // When.
  Lane cluster_lane_;
  Lane ca_lane_;
  Lane pairing_lane_;
  Lane renewal_lane_;
  Lane maintain_lane_;
  Time connector_due_ = Time::min(); ///< by Retry-After
  Time last_check_ = Time::min();
  Time check_wanted_ = Time::max(); ///< somebody says that the certificate was refused
  supervision::CallId call_ = 0;
  Action under_way_ = Action::wait;
  supervision::TimerId timer_ = 0;
  bool stopping_ = false;
  std::shared_ptr<const ConnectionConfiguration> sent_; ///< whose token is under way
  std::optional<Pending> writing_;                      ///< the pending Secret as it is being written
  std::optional<Credentials> writing_credentials_;

  // What is told.
  ConnectionReport report_;
  std::optional<Failure> connecting_;
  std::optional<Failure> checking_;
  std::optional<Failure> renewing_;
  std::optional<Failure> storing_;
  std::optional<Failure> storing_ca_;
  std::shared_ptr<const Connection> connection_; ///< as told last; null: lost
  std::optional<std::string> lost_;              ///< as told last
};

} // namespace runtime_agent::connection_manager
