#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/config_watcher/configuration_object.hpp"
#include "actors/config_watcher/object_watch.hpp"
#include "actors/supervision/traced_actor.hpp"

namespace runtime_agent::config_watcher {

struct Settings {
  Source source;
  bool insecure = false; ///< TLS checks are off: http:// is taken as well
  /// Names the absence of a CompassConnection that was not there when this process started.
  std::string process_id;
  /// Where the configuration object cannot be watched: how often it is read while a token is needed, and otherwise.
  std::chrono::milliseconds poll_while_needed{2'000};
  std::chrono::milliseconds poll_otherwise{60'000};
};

/// Reads the configuration object and the CompassConnection, and tells what they say: facts to ConnectionManager and
/// StatusWriter, a person's wishes as requests. Writes nothing.
class ConfigWatcher : public supervision::TracedActor<ConfigWatcherActor> {
public:
  using Base = supervision::TracedActor<ConfigWatcherActor>;

  ConfigWatcher(caf::actor_config& config, supervision::Environment& environment, Peers peers, Settings settings,
                std::shared_ptr<kubernetes::Api> api);
  behavior_type make_behavior() override;
  const char* name() const override { return "ConfigWatcher"; }
  void on_exit() override;

private:
  void watch_configuration();
  void watch_connection();
  void configuration_seen(const ObjectSeen& seen);
  void poll_configuration();
  void configuration_is(Result<ConnectionConfiguration> configuration);
  void connection_seen(const ObjectSeen& seen);
  void definition_is_missing(const Failure& failure);
  void tell_connection();
  /// A token is needed: there is no CompassConnection, or it says that connecting has not succeeded.
  bool token_needed() const;

  Peers peers_;
  Settings settings_;
  std::shared_ptr<kubernetes::Api> api_;

  std::optional<ConfigurationObserved> configuration_;
  supervision::CallId configuration_watch_ = 0;
  supervision::TimerId poll_timer_ = 0;
  bool polling_ = false;

  std::optional<CompassConnectionObserved> connection_;
  std::string reconnect_id_; ///< of an object whose annotation says that it has not been served
};

} // namespace runtime_agent::config_watcher
