#include "app/wiring.hpp"

#include "actors/application_reconciler/application_reconciler.hpp"
#include "actors/config_watcher/config_watcher.hpp"
#include "actors/connection_manager/connection_manager.hpp"
#include "actors/director_fetcher/director_fetcher.hpp"
#include "actors/status_writer/status_writer.hpp"
#include "app/mapping.hpp"
#include "app/test_controls.hpp"

namespace runtime_agent::app {
namespace {

config_watcher::Settings config_watcher_settings(const Settings& settings, const std::string& process_id) {
  const bool secret = settings.configuration_secret.has_value();
  const ObjectName& object = secret ? *settings.configuration_secret : settings.connection_config_map;
  config_watcher::Settings result;
  result.source = {secret ? config_watcher::ObjectKind::secret : config_watcher::ObjectKind::config_map,
                   object.namespace_, object.name};
  result.insecure = settings.skip_compass_tls_verify;
  result.process_id = process_id;
  return result;
}

connection_manager::Settings connection_manager_settings(const Settings& settings, const std::string& process_id) {
  connection_manager::Settings result;
  result.certificates = {settings.certificates_secret.namespace_, settings.certificates_secret.name};
  result.ca = {settings.ca_secret.namespace_, settings.ca_secret.name};
  result.sync_period = settings.sync_period;
  result.minimal_sync_time = settings.minimal_sync_time;
  result.renewal_threshold = settings.renewal_threshold;
  result.process_id = process_id;
  return result;
}

director_fetcher::Settings director_fetcher_settings(const Settings& settings, Observed& observed) {
  director_fetcher::Settings result;
  result.pace.period = settings.sync_period;
  result.pace.minimal_interval = settings.minimal_sync_time;
  result.labels = {{"runtime_eventServiceUrl", settings.runtime_events_url},
                   {"runtime_consoleUrl", settings.runtime_console_url}};
  result.publish_backoff = [&observed](std::chrono::milliseconds backoff) { observed.status.publish_backoff(backoff); };
  return result;
}

application_reconciler::Settings application_reconciler_settings(const Settings& settings, Observed& observed,
                                                                 EventRecorder& events) {
  application_reconciler::Settings result;
  result.mapping = mapping_of(settings);
  result.minimal_sync_time = settings.minimal_sync_time;
  result.concurrency = settings.kubernetes_concurrency;
  result.publish = [&observed](application_reconciler::PassFacts facts) {
    observed.applications.publish(std::move(facts));
  };
  result.warn = [&events](const std::string& text) { events.record({true, "FieldsNotKept", text, ""}); };
  return result;
}

status_writer::Settings status_writer_settings(const Settings& settings, Observed& observed, Measurements& measurements,
                                               EventRecorder& events) {
  status_writer::Settings result;
  result.times_limit = settings.sync_period * 3 / 2; // by then a cycle has ended, whose write tells them as well
  if (settings.skip_compass_tls_verify)
    result.warning = "TLS checks are off: Compass' server certificates are not verified (APP_SKIP_COMPASS_TLS_VERIFY)";
  result.publish = [&observed, &measurements](const status_writer::Facts& facts) {
    observed.status.publish(facts);
    measurements.cycles.hear(facts, std::chrono::system_clock::now());
  };
  result.happened = [&events](const status_writer::Happening& happening) { events.record(happening); };
  return result;
}

/// A specification that starts `Actor` with these arguments, and the peers that are complete by then.
template <class Actor, class... Arguments>
supervision::ChildSpecification child(std::string name, supervision::Environment& environment,
                                      const std::shared_ptr<Peers>& peers, Arguments... arguments) {
  return {std::move(name),
          [&environment, peers, arguments...](caf::actor_system& system) {
            return caf::actor_cast<caf::strong_actor_ptr>(system.spawn<Actor>(environment, *peers, arguments...));
          },
          restart_settings()};
}

} // namespace

std::shared_ptr<Peers> add_children(supervision::Supervisor& supervisor, supervision::Environment& environment,
                                    const Settings& settings, const Clients& clients, Observed& observed,
                                    EventRecorder& events, const std::string& process_id) {
  auto peers = std::make_shared<Peers>();
  peers->status_writer = supervisor.add<StatusWriterActor>(child<status_writer::StatusWriter>(
      "StatusWriter", environment, peers, status_writer_settings(settings, observed, *clients.measurements, events),
      clients.kubernetes));
  peers->application_reconciler =
      supervisor.add<ApplicationReconcilerActor>(child<application_reconciler::ApplicationReconciler>(
          "ApplicationReconciler", environment, peers, application_reconciler_settings(settings, observed, events),
          clients.kubernetes));
  peers->director_fetcher = supervisor.add<DirectorFetcherActor>(child<director_fetcher::DirectorFetcher>(
      "DirectorFetcher", environment, peers, director_fetcher_settings(settings, observed), clients.director));
  peers->connection_manager = supervisor.add<ConnectionManagerActor>(child<connection_manager::ConnectionManager>(
      "ConnectionManager", environment, peers, connection_manager_settings(settings, process_id), clients.kubernetes,
      clients.connector, clients.keys));
  peers->config_watcher = supervisor.add<ConfigWatcherActor>(child<config_watcher::ConfigWatcher>(
      "ConfigWatcher", environment, peers, config_watcher_settings(settings, process_id), clients.kubernetes));
  return peers;
}

std::vector<std::string> stop_order() {
  return {"ConfigWatcher", "DirectorFetcher", "ConnectionManager", "ApplicationReconciler", "StatusWriter"};
}

} // namespace runtime_agent::app
