#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/connection_manager/connection_facts.hpp"

/// The machine's surroundings as a model: the cluster's Secrets and wishes, Compass' ledger of tokens and certificates,
/// the clocks, and the one request that is under way. Together with the machine's own state it is what the checker
/// explores (explorer.hpp).
namespace runtime_agent::connection_model {

using connection_manager::Access;
using connection_manager::Action;
using connection_manager::ConnectionState;
using connection_manager::Credentials;
using connection_manager::Event;
using connection_manager::Moment;
using connection_manager::Pending;
using connection_manager::Policy;
using connection_manager::Record;
using connection_manager::Standing;
using connection_manager::Step;
using connection_manager::Time;

/// What can happen. Those up to `tell_reconnect` are the world's ordinary course; the others are disturbances, which
/// the checker counts.
enum class Happening : std::uint8_t {
  process, ///< the request reaches its service
  answer,  ///< the answer reaches the agent
  wait,    ///< whatever the agent has put off is due
  tell_configuration,
  tell_reconnect,
  tell_secrets,  ///< the watches of the two Secrets
  tell_director, ///< what the Director says of the certificate in use
  process_late,  ///< a request that was given up, or whose sender is dead, reaches its service after all
  drop_late,
  // Disturbances.
  crash,
  crash_with_request_on_its_way,
  lose_request,
  lose_answer,
  delay_request, ///< the agent gives it up, and it arrives later
  duplicate_request,
  refuse_for_now, ///< 429 or 503: not processed
  conflict,       ///< somebody writes a label onto the Secret that the request is about
  new_token,
  remove_configuration,
  delete_connection, ///< the CompassConnection: a person wants to connect anew
  delete_certificates,
  corrupt_certificates,
  delete_ca,
  delete_pending,
  revoke,            ///< the certificate in use
  refuse_identity,   ///< the Connector answers, and refuses the identity in use: for a while, or for good
  director_refuses,  ///< likewise the Director
  take_identity,     ///< the refusals end by themselves
  answer_by_gateway, ///< to a request that is not processed
  minutes_pass,
  season_passes, ///< three quarters of a certificate's validity
  set_clock_ahead,
  set_clock_back,
  set_clock_right,
  count,
};
std::string_view to_string(Happening happening);
constexpr bool is_disturbance(Happening happening) {
  return happening >= Happening::crash;
}

struct Certificate {
  x509::IdentityPtr identity;
  x509::IdentityPtr without_ca;
  WallTime not_after; ///< true time
  bool revoked = false;
  bool connector_refuses = false; ///< in words
  bool director_refuses = false;
  bool accepted = false; ///< Compass has taken it in a call
};

/// The request under way, and its answer.
struct Flight {
  Action action = Action::wait;
  bool answered = false;
  std::shared_ptr<const ConnectionConfiguration> configuration; ///< exchange
  std::string token;                                            ///< second, of send_csr
  x509::IdentityPtr identity;                                   ///< try, renew, maintain
  std::shared_ptr<const Credentials> credentials;               ///< write_certificates
  std::shared_ptr<const Pending> pending;                       ///< write_pending
  std::string ca_pem;                                           ///< write_ca
  std::string version;                                          ///< of the Secret that is written
  // The answer.
  std::optional<Failure> failure;
  std::string text; ///< the version written, or the second token
  x509::IdentityPtr issued;
  std::shared_ptr<const Record> record;
};

struct StoredPair {
  std::string version;
  std::optional<Credentials> credentials; ///< nullopt: corrupted
  std::string ca_expected;                ///< the annotation ca-sha256
};
struct StoredText {
  std::string version;
  std::string text;
};
struct StoredPending {
  std::string version;
  Pending pending;
};

/// Makes the machine a wrong one, to show that the checker finds it: called before each event.
using Sabotage = void (*)(ConnectionState& state, Event& event, const Moment& moment);

/// The machine and its world at one moment. A value.
class WorldModel {
public:
  /// Before the agent's first start; `first_token` empty: there is no configuration yet.
  explicit WorldModel(const std::string& first_token, Sabotage sabotage = nullptr);

  /// False: it cannot happen now. Otherwise it has, and `violation` says whether an invariant broke.
  bool happen(Happening happening);
  /// What comes next when nothing disturbs.
  Happening ordinary_course() const;
  const std::string& violation() const { return violation_; }

  /// Nothing is on its way or untold.
  bool idle() const;
  /// Whether this is where the ordinary course should lead to; empty: it is, otherwise what is missing.
  std::string unsettled() const;
  Standing standing() const;
  /// The last event that the machine was fed: "TokenExchanged", "TokenExchanged fails".
  const std::string& last_event() const { return last_event_; }

  /// Equal for two worlds that cannot be told apart by what happens to them: names of tokens, certificates, versions
  /// and wishes do not count, times only by what they decide.
  std::string key() const;

private:
  bool take_place(Happening happening);
  void feed(Event event);
  void begin(const connection_manager::Next& next);
  void start_process();
  Moment moment() const { return {now_, true_wall_ + clock_error_, 0}; }

  void process(Flight& flight);
  void process_exchange(Flight& flight);
  void process_sign(Flight& flight, bool with_certificate);
  void write(Flight& flight, std::string& present_version, bool present);
  Record read(bool with_pending) const;
  Event event_of(Flight flight) const;
  void check_exchange();
  void check_second_token(const Pending& pending);
  void check_losing(const Pending& written);
  void check_csr();
  void check_overwriting(const Credentials& written);
  std::string next_name(char prefix) { return prefix + std::to_string(++names_); }
  bool over_by_its_clock() const;
  bool good(const x509::IdentityPtr& identity) const;
  bool refused_in_words(const x509::IdentityPtr& identity) const;
  x509::IdentityPtr issue(std::string ca_pem);
  void violate(std::string what);

  // The agent.
  Sabotage sabotage_;
  bool asked_after_expiry_ = false; ///< Compass, about the certificate in use, since its end by the agent's clock
  Policy policy_;
  ConnectionState agent_;
  Flight flight_;
  std::shared_ptr<const Flight> late_; ///< a request that nobody waits for any more
  bool configuration_untold_ = true;
  bool reconnect_untold_ = true;
  bool secrets_untold_ = true;
  bool director_untold_ = false;

  // The cluster.
  std::optional<StoredPair> pair_;
  std::string removed_; ///< serial of the last certificate that somebody took away from there
  std::optional<StoredText> ca_;
  std::optional<StoredPending> pending_;
  std::shared_ptr<const ConnectionConfiguration> configuration_; ///< null: there is none
  std::string wish_;                                             ///< to connect anew; empty: none

  // Compass.
  std::map<std::string, bool> tokens_; ///< first tokens: whether each is good
  struct SecondToken {
    WallTime made;
    bool spent = false;
  };
  std::map<std::string, SecondToken> second_tokens_;
  std::map<std::string, Certificate> certificates_; ///< by serial

  // Time.
  Time now_{std::chrono::hours(1000)};
  WallTime true_wall_{std::chrono::hours(500'000)};
  std::chrono::hours clock_error_{0};

  int names_ = 0;
  std::string violation_;
  std::string last_event_;
};

} // namespace runtime_agent::connection_model
