#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/connection_manager/connection_machine.hpp"
#include "actors/connection_manager/credential_record.hpp"
#include "actors/supervision/traced_actor.hpp"
#include "transport/compass/clients.hpp"
#include "transport/x509/key.hpp"

namespace runtime_agent::connection_manager {

struct Settings : Policy {
  SecretName certificates;
  SecretName ca;
};

/// Owns the certificate's life: pairs, stores, checks, renews, and tells what there is. Carries out what the machine
/// (connection_machine.hpp) decides, one action at a time, and brings it the answers.
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
  // The machine and this actor (connection_manager.cpp).
  /// Feeds the machine, tells what has changed, and goes on.
  void feed(Event event);
  void go_on(const Next& next);
  Moment moment();
  /// What a process that is to end still does: it writes down what a token was spent for.
  bool worth_finishing(const Next& next) const;
  void sleep_until(Time due);
  struct WatchedSecret {
    SecretName name;
    const char* span;
    std::optional<std::string> SecretsSeen::*version;
    bool SecretsSeen::*unwatched;
  };
  void watch_secret(const WatchedSecret& watched);
  enum class Say { changes, all };
  void tell_facts(Say say);

  // Carrying out (connection_manager_actions.cpp).
  void carry_out(Action action);
  void read_record();
  void make_key();
  void write_pending();
  void exchange_token();
  void send_csr();
  void try_issued();
  void write_certificates();
  void write_ca();
  void remove_pending();
  void renew();
  void maintain();
  void verify_record();
  /// Starts the one call that is under way at a time; `event` makes the machine's event of its answer.
  template <class T>
  void start(supervision::CallSpec spec, std::function<Result<T>(const CallContext&)> work,
             std::function<Event(Result<T>)> event);
  /// The same to the Connector, with `x-request-id`. A request that was begun and has not come back may have been
  /// carried out.
  template <class T>
  void start_compass(supervision::CallSpec spec, const std::string& runtime_id,
                     std::function<Result<T>(const CallContext&)> work, std::function<Event(Result<T>)> event);

  Peers peers_;
  const Settings settings_;
  const std::function<WallTime()> wall_clock_;
  const std::shared_ptr<kubernetes::Api> api_;
  const CredentialRecord cluster_;
  const std::shared_ptr<compass::ConnectorClient> connector_;
  const std::shared_ptr<x509::KeySource> keys_;

  ConnectionState state_;
  supervision::CallId call_ = 0;
  supervision::TimerId timer_ = 0;
  bool stopping_ = false;
  std::shared_ptr<const Connection> connection_; ///< as told last; null: lost
  std::optional<std::string> lost_;              ///< as told last
};

} // namespace runtime_agent::connection_manager
