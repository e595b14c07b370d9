#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "actors/connection_manager/connection_manager.hpp"
#include "actors/connection_manager/secret_objects.hpp"
#include "actors/connection_manager/secret_watch.hpp"
#include "tests/unit/connection_manager/fake_connector.hpp"
#include "tests/unit/support/fake_api.hpp"
#include "tests/unit/support/test_system.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::tests {

using connection_manager::Settings;
using kubernetes::Json;

/// A folder of small keys, made once for the whole program.
inline const std::string& key_folder() {
  static const struct Folder {
    std::string path = testing::TempDir() + "connection-manager-keys-" + std::to_string(::getpid());
    Folder() {
      std::filesystem::create_directories(path);
      for (const char name : {'a', 'b', 'c', 'd', 'e'})
        std::ofstream(path + "/" + name + ".pem") << test::to_pem(*test::make_rsa_key()).reveal();
    }
    ~Folder() { std::filesystem::remove_all(path); }
  } folder;
  return folder.path;
}

/// Everything around the actor: a cluster, a Connector and the peers; the actor may die and be started again.
class World {
public:
  explicit World(std::uint64_t seed = 0) : system(seed) {
    settings.certificates = {"kyma-system", "cluster-client-certificates"};
    settings.ca = {"istio-system", "ca-certificates"};
    settings.process_id = "process-1";
    // As ConfigWatcher does: the facts, to whoever asks.
    config_watcher.on<FactsRequested>([this](const FactsRequested&) {
      if (observed.configuration || observed.problem)
        system.send(actor, observed);
      if (!reconnect_id.empty())
        system.send(actor, ReconnectRequested{reconnect_id});
    });
    director_fetcher.on<ConnectionReady>([this](const ConnectionReady&) { lost_ = false; });
    director_fetcher.on<ConnectionLost>([this](const ConnectionLost&) { lost_ = true; });
  }

  void start() {
    Peers peers;
    peers.config_watcher = config_watcher.handle();
    peers.director_fetcher = director_fetcher.handle();
    peers.status_writer = status_writer.handle();
    actor = system.spawn<connection_manager::ConnectionManager>(peers, settings, api, connector,
                                                                x509::make_fixture_key_source(key_folder()));
    system.run();
  }
  /// As a process that is killed and started again.
  void restart() {
    caf::anon_send_exit(caf::actor_cast<caf::actor>(actor), caf::exit_reason::kill);
    system.run();
    start();
  }
  bool dead() { return system.death(actor).has_value(); }

  /// The configuration object has this token; `good`: it is a new one of Compass.
  void configure(const std::string& token, bool good = true) {
    if (good)
      connector->tokens.insert(token);
    auto configuration = std::make_shared<ConnectionConfiguration>();
    configuration->connector_url = "https://connector/token";
    configuration->runtime_id = "runtime-1";
    configuration->tenant = "tenant-1";
    configuration->token = Secret(token);
    configuration->token_sha256 = sha256_hex(token);
    configuration->source = "Secret kyma-system/compass-agent-configuration";
    observed = {configuration, std::nullopt};
    if (actor)
      system.tell(actor, observed);
  }
  void no_configuration() {
    observed = {nullptr, Failure{.kind = FailureKind::configuration,
                                 .where = "Secret kyma-system/compass-agent-configuration",
                                 .what = "does not exist"}};
    if (actor)
      system.tell(actor, observed);
  }
  void reconnect(const std::string& id) {
    reconnect_id = id;
    system.tell(actor, ReconnectRequested{id});
  }
  /// Paired, and nothing left to do for the moment.
  void pair(const std::string& token = "token-1") {
    configure(token);
    start();
    system.advance(std::chrono::seconds(1));
  }

  ConnectionReport report() { return status_writer.last<ConnectionReport>().value_or(ConnectionReport{}); }
  /// The connection as the DirectorFetcher knows it; null: lost, or not told.
  std::shared_ptr<const Connection> connection() {
    const auto ready = director_fetcher.last<ConnectionReady>();
    return ready && !lost_ ? ready->connection : nullptr;
  }
  std::string serial() {
    const auto known = connection();
    return known ? known->identity->serial : "none";
  }
  std::optional<Json> secret(const connection_manager::SecretName& name) {
    return api->object(kubernetes::secrets(name.namespace_), name.name);
  }
  std::optional<Json> certificates() { return secret(settings.certificates); }
  std::optional<Json> ca() { return secret(settings.ca); }
  std::optional<Json> pending() { return secret({"kyma-system", "cluster-client-certificates-pending"}); }
  void put_secret(const connection_manager::SecretName& name, const Json& object) {
    api->put(kubernetes::secrets(name.namespace_), object);
  }
  static std::string data(const Json& secret, const std::string& key) {
    return base64_decode(secret["data"].value(key, "")).value_or("");
  }
  /// What the watches of the two Secrets tell.
  void sees_secrets() {
    const auto version = [](const std::optional<Json>& object) {
      return object ? (*object)["metadata"]["resourceVersion"].get<std::string>() : std::string();
    };
    system.io().emit("watch the certificates Secret", connection_manager::SecretVersion{version(certificates())});
    system.io().emit("watch the CA Secret", connection_manager::SecretVersion{version(ca())});
    system.run();
  }
  std::string stored_serial() {
    const auto secret = certificates();
    if (!secret)
      return "absent";
    const auto credentials = connection_manager::read_certificates(*secret, "");
    return credentials ? credentials->identity->serial : "unusable";
  }
  std::string connecting() {
    const auto problem = report().connecting;
    return problem ? problem->text() : "";
  }
  std::string maintaining() {
    const auto problem = report().maintaining;
    return problem ? problem->text() : "";
  }

  TestSystem system;
  Settings settings;
  FakePeer<ConfigWatcherActor> config_watcher{system};
  FakePeer<DirectorFetcherActor> director_fetcher{system};
  FakePeer<StatusWriterActor> status_writer{system};
  std::shared_ptr<FakeApi> api = std::make_shared<FakeApi>();
  std::shared_ptr<FakeConnector> connector = std::make_shared<FakeConnector>([this] { return system.wall_now(); });
  ConfigurationObserved observed;
  std::string reconnect_id;
  ConnectionManagerActor actor;

private:
  bool lost_ = false; ///< told after the last ConnectionReady
};

} // namespace runtime_agent::tests
