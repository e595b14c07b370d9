#pragma once

#include "actors/connection_manager/connection_state.hpp"

namespace runtime_agent::connection_manager {

/// One step of the machine: what each event makes of the state. Lives for one call of `advance`.
class Transition {
public:
  Transition(ConnectionState& state, const Moment& moment, const Policy& policy)
      : s_(state), moment_(moment), policy_(policy) {}

  // Messages and time (connection_machine.cpp).
  void operator()(ConfigurationObserved&& observed);
  void operator()(ReconnectRequested&& request);
  void operator()(CredentialsRefreshRequested&& request);
  void operator()(CertificateRefused&& refused);
  void operator()(TimePassed&&) {}
  // The record (connection_machine_record.cpp).
  void operator()(RecordRead&& read);
  void operator()(RecordVerified&& verified);
  void operator()(SecretsSeen&& seen);
  void operator()(PendingWritten&& written);
  void operator()(CertificatesWritten&& written);
  void operator()(CaWritten&& written);
  void operator()(PendingRemoved&& removed);
  // From a token to a certificate (connection_machine_pairing.cpp).
  void operator()(KeyMade&& made);
  void operator()(TokenExchanged&& exchanged);
  void operator()(CsrAnswered&& answered);
  // Using the certificate (connection_machine_maintenance.cpp).
  void operator()(IssuedTried&& tried);
  void operator()(Renewed&& renewed);
  void operator()(Checked&& checked);

  /// After the event.
  Next decide();

private:
  Situation situation() const;
  bool past_validity() const;
  Next begin(Next next);
  /// Wakes at the end of the validity as well.
  Next until_due(Next next) const;

  void merge_record(Record record);
  void adopt_record();
  void resume_reconnect(const Pending& pending);
  /// Something tells that the record may not be as it was read or written last.
  void doubt_record();
  void compare_with_seen();
  bool further(const Pending& on_record) const;
  void take(Credentials credentials);
  void complete_access();
  void store_failed(Lane& lane, std::optional<Failure>& problem, Failure failure);
  void change_pending(Pending pending);

  void announce_csr();
  void pairing_failed(Failure failure, const std::string& token_sha256);
  /// The record says that a reply was lost, and the configuration holds the token that it was lost for.
  void notice_lost_reply();
  /// An attempt to connect that fails for want of a configuration counts as one (§5.4).
  void notice_missing_configuration();

  /// `proven`: a call with it has succeeded.
  void adopt_issued(bool proven);
  void check_succeeded(const compass::ConnectorConfiguration& answer);
  void check_failed(Failure failure);
  /// `service` refuses this identity; or takes it (again).
  void disowned(std::optional<Failure>& service, Failure failure);
  void taken_again(std::optional<Failure>& service);
  void retry_after(const Failure& failure);
  /// A tenth more or less.
  std::chrono::milliseconds jittered(std::chrono::milliseconds period) const;
  Time next_look_at_record() const;
  /// No retry of a renewal is put off so far that the validity ends before it.
  std::chrono::milliseconds before_the_end() const;
  Lane& issued_lane() { return s_.pending->for_renewal ? s_.renewal_lane : s_.pairing_lane; }

  ConnectionState& s_;
  const Moment& moment_;
  const Policy& policy_;
};

/// The bits that the key of this pairing must have at least.
unsigned bits_needed(const Pending& pending);

} // namespace runtime_agent::connection_manager
