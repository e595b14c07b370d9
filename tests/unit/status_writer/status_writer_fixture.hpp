#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "actors/status_writer/status_writer.hpp"
#include "tests/unit/support/fake_api.hpp"
#include "tests/unit/support/test_system.hpp"

namespace runtime_agent::status_writer {

using namespace std::chrono_literals;
using kubernetes::Json;
using tests::FakeApi;
using tests::FakePeer;
using tests::TestSystem;

inline const auto connections = kubernetes::compass_connections();

class StatusWriterTest : public testing::Test {
protected:
  StatusWriterTest() {
    peers.config_watcher = config_watcher.handle();
    peers.connection_manager = connection_manager.handle();
    peers.director_fetcher = director_fetcher.handle();
    start();
  }
  void start(const Settings& settings = {}) {
    writer = system.spawn<StatusWriter>(peers, settings, api);
    system.run();
  }
  ConnectionReport connected() {
    ConnectionReport report;
    report.connected = true;
    report.last_sync = report.last_success = system.wall_now();
    report.connector_url = "https://connector";
    report.director_url = "https://director";
    report.validity = x509::Validity{TestSystem::epoch(), TestSystem::epoch() + 24h};
    return report;
  }
  SynchronizationReport synchronized() {
    SynchronizationReport report;
    report.last_attempt = report.last_successful_fetch = report.last_successful_application = system.wall_now();
    report.synchronized = report.cycle_finished = true;
    DesiredStateApplied applied;
    applied.counts.desired = 3;
    report.applied = std::make_shared<const DesiredStateApplied>(applied);
    return report;
  }
  void absent(const std::string& id = "absence-1") {
    CompassConnectionObserved observed;
    observed.absence_id = id;
    system.tell(writer, observed);
  }
  /// As ConfigWatcher tells what the watch shows.
  void observe() {
    CompassConnectionObserved observed;
    observed.object = std::make_shared<const Json>(*api->object(connections, "compass-connection"));
    system.tell(writer, observed);
  }
  std::string state() {
    const auto object = api->object(connections, "compass-connection");
    return object ? (*object)["status"]["connectionState"].get<std::string>() : "";
  }
  /// Connected and synchronised, seen back by watch, and a while later.
  void settle() {
    absent();
    system.tell(writer, connected());
    system.tell(writer, synchronized());
    system.advance(2s);
    observe();
    api->clear_calls();
  }
  void pass_ten_cycles() {
    for (int cycle = 0; cycle < 10; ++cycle) {
      system.tell(writer, connected()); // ConnectionManager's own check, a little earlier
      system.advance(1s);
      SynchronizationReport under_way = synchronized();
      under_way.cycle_finished = false;
      system.tell(writer, under_way);
      system.tell(writer, synchronized());
      system.advance(19s);
    }
  }

  TestSystem system;
  FakePeer<ConfigWatcherActor> config_watcher{system};
  FakePeer<ConnectionManagerActor> connection_manager{system};
  FakePeer<DirectorFetcherActor> director_fetcher{system};
  Peers peers;
  std::shared_ptr<FakeApi> api = std::make_shared<FakeApi>();
  StatusWriterActor writer;
};

} // namespace runtime_agent::status_writer
