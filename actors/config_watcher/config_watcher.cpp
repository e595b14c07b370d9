#include "actors/config_watcher/config_watcher.hpp"

#include "actors/config_watcher/connection_wishes.hpp"
#include "actors/supervision/log.hpp"

namespace runtime_agent::config_watcher {
namespace {

constexpr auto read_limit = std::chrono::seconds(10);

/// Forbidden, as opposed to a failure that may pass.
bool not_allowed(const ObjectSeen& seen) {
  return seen.watch_forbidden || (seen.failure && (seen.failure->kind == FailureKind::forbidden));
}

} // namespace

ConfigWatcher::ConfigWatcher(caf::actor_config& config, supervision::Environment& environment, Peers peers,
                             Settings settings, std::shared_ptr<kubernetes::Api> api)
    : Base(config, environment), peers_(std::move(peers)), settings_(std::move(settings)), api_(std::move(api)) {}

ConfigWatcher::behavior_type ConfigWatcher::make_behavior() {
  watch_configuration();
  watch_connection();
  return {
      [this](const FactsRequested&) {
        if (configuration_)
          tell(peers_.connection_manager, *configuration_);
        if (connection_)
          tell_connection();
      },
  };
}

void ConfigWatcher::on_exit() {
  peers_ = {};
}

void ConfigWatcher::watch_configuration() {
  configuration_watch_ = watch<ObjectSeen>(
      "watch the configuration object",
      [api = api_, source = settings_.source, seed = random()()](const CancelToken& cancel, const auto& emit) {
        kubernetes::ReflectorOptions options;
        options.seed = seed;
        watch_object(*api, source.resource(), source.name, options, cancel, emit);
      },
      [this](const ObjectSeen& seen) { configuration_seen(seen); });
}

void ConfigWatcher::watch_connection() {
  watch<ObjectSeen>(
      "watch the CompassConnection",
      [api = api_, seed = random()()](const CancelToken& cancel, const auto& emit) {
        kubernetes::ReflectorOptions options;
        options.seed = seed;
        // Where it cannot be watched, a person's deletion or wish should still not wait for long.
        options.poll_period = std::chrono::seconds(5);
        watch_object(*api, kubernetes::compass_connections(), "compass-connection", options, cancel, emit);
      },
      [this](const ObjectSeen& seen) { connection_seen(seen); });
}

void ConfigWatcher::configuration_seen(const ObjectSeen& seen) {
  if (not_allowed(seen)) {
    log::info("cannot watch the configuration object; polling it instead", {{"object", settings_.source.text()}});
    cancel_call(configuration_watch_);
    polling_ = true;
    return poll_configuration();
  }
  if (seen.failure)
    return; // the reflector tries again; what is known stays the fact
  if (!seen.object)
    return configuration_is(failed(missing(settings_.source)));
  configuration_is(read_configuration(*seen.object, settings_.source, settings_.insecure));
}

void ConfigWatcher::poll_configuration() {
  call<kubernetes::Json>(
      {"read the configuration object", read_limit},
      [api = api_, source = settings_.source](const CallContext& context) {
        return api->get(source.resource(), source.name, context);
      },
      [this](Result<kubernetes::Json> object) {
        if (object)
          configuration_is(read_configuration(*object, settings_.source, settings_.insecure));
        else if (object.error().kind == FailureKind::not_found)
          configuration_is(failed(missing(settings_.source)));
        else if (object.error().kind == FailureKind::forbidden)
          configuration_is(failed(object.error()));
        poll_timer_ =
            after(token_needed() ? settings_.poll_while_needed : settings_.poll_otherwise,
                  "read the configuration object", supervision::Traced::begins, [this] { poll_configuration(); });
      });
}

void ConfigWatcher::configuration_is(Result<ConnectionConfiguration> configuration) {
  ConfigurationObserved observed;
  if (configuration)
    observed.configuration = std::make_shared<const ConnectionConfiguration>(std::move(*configuration));
  else
    observed.problem = std::move(configuration.error());
  const auto same = [](const ConfigurationObserved& a, const ConfigurationObserved& b) {
    if (a.configuration && b.configuration)
      return *a.configuration == *b.configuration;
    return !a.configuration && !b.configuration && a.problem->text() == b.problem->text();
  };
  if (configuration_ && same(*configuration_, observed))
    return;
  configuration_ = std::move(observed);
  if (configuration_->problem)
    log::warning("the configuration object cannot be used", {{"error", configuration_->problem->text()}});
  else
    log::info("configuration read", {{"object", settings_.source.text()},
                                     {"runtime_id", configuration_->configuration->runtime_id},
                                     {"connector_url", configuration_->configuration->connector_url}});
  tell(peers_.connection_manager, *configuration_);
}

void ConfigWatcher::connection_seen(const ObjectSeen& seen) {
  if (seen.failure) {
    if (seen.watch_forbidden)
      log::warning("cannot watch the CompassConnection; polling it instead", {{"error", seen.failure->text()}});
    else if (seen.failure->kind == FailureKind::not_found)
      definition_is_missing(*seen.failure);
    return;
  }
  const bool was_needed = token_needed();
  connection_ = observe(seen, connection_ ? &*connection_ : nullptr, settings_.process_id);
  reconnect_id_ = pending_reconnect(*connection_);
  tell_connection();
  if (polling_ && token_needed() && !was_needed) {
    cancel_timer(poll_timer_); // the slow period may have just begun
    poll_configuration();
  }
}

void ConfigWatcher::definition_is_missing(const Failure& failure) {
  if (connection_ && connection_->definition_missing)
    return;
  log::warning("the definition compassconnections.compass.kyma-project.io is missing; waiting for it",
               {{"error", failure.text()}});
  connection_.emplace();
  connection_->definition_missing = true;
  reconnect_id_.clear();
  tell_connection();
}

void ConfigWatcher::tell_connection() {
  tell(peers_.status_writer, *connection_);
  if (!reconnect_id_.empty())
    tell(peers_.connection_manager, ReconnectRequested{reconnect_id_});
  if (!connection_->refresh_id.empty())
    tell(peers_.connection_manager, CredentialsRefreshRequested{connection_->refresh_id});
  if (!connection_->resync_id.empty())
    tell(peers_.director_fetcher, ResyncRequested{connection_->resync_id});
}

bool ConfigWatcher::token_needed() const {
  if (!connection_ || !connection_->object)
    return true;
  const auto status = connection_->object->find("status");
  return status == connection_->object->end() || !status->is_object() ||
         status->value("connectionState", "ConnectionFailed") == "ConnectionFailed";
}

} // namespace runtime_agent::config_watcher
