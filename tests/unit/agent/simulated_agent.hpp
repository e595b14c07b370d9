#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "actors/supervision/supervisor.hpp"
#include "app/agent.hpp"
#include "app/event_recorder.hpp"
#include "app/wiring.hpp"
#include "tests/unit/connection_manager/fake_connector.hpp"
#include "tests/unit/support/fake_api.hpp"
#include "tests/unit/support/test_system.hpp"

namespace runtime_agent::tests {

/// A Director whose data a test changes.
class FakeDirector : public compass::DirectorClient {
public:
  std::vector<compass::Application> applications;
  std::size_t fetches = 0;

  Result<compass::RuntimeDataPtr> fetch(const compass::DirectorAccess&, const CallContext&) override;
  Result<void> set_runtime_label(const compass::DirectorAccess&, const std::string& key, const std::string& value,
                                 const CallContext&) override;
  void drop_idle_connections() override {}

private:
  std::vector<std::pair<std::string, std::string>> labels_;
};

/// All five actors behind their Slots, wired as in the program, on simulated time: cluster, Connector and Director are
/// in memory, the watches of the cluster are served from there.
class SimulatedAgent {
public:
  explicit SimulatedAgent(std::uint64_t seed);
  ~SimulatedAgent();

  /// A configuration object with a fresh token.
  void configure();
  void start() { supervisor.start(); }
  /// Lets time pass, in steps small enough for the watches to look alive.
  void pass(std::chrono::milliseconds time);
  /// A person patches the CompassConnection's spec.
  void wish(const std::string& field);
  /// The Director's data changes in one of several ways, as the number picks.
  void change_data(std::uint64_t number);

  std::map<std::string, std::uint64_t> restarts() const;
  /// Applications and their Secrets, without what differs from run to run, and the connection's state.
  std::map<std::string, std::string> end_state();
  /// How often each of these objects has been written.
  std::map<std::string, int> writes() const { return writes_; }
  std::string connection_state();

  TestSystem system;
  std::shared_ptr<FakeApi> api = std::make_shared<FakeApi>();
  std::shared_ptr<FakeConnector> connector = std::make_shared<FakeConnector>([this] { return system.wall_now(); });
  std::shared_ptr<FakeDirector> director = std::make_shared<FakeDirector>();
  std::string escalated;
  supervision::Supervisor supervisor{system.system(), system.environment(),
                                     [this](const std::string& reason) { escalated = reason; }};

private:
  using Json = kubernetes::Json;
  /// Tells each watch what there is, where that has changed, or where the watch is new.
  void serve_watches();
  void tell_configuration();
  void tell_connection();
  void tell_applications();
  void tell_secrets();
  std::vector<Json> all(const kubernetes::Resource& resource);

  app::Settings settings_;
  std::shared_ptr<app::Measurements> measurements_ = std::make_shared<app::Measurements>();
  app::Observed observed_;
  std::unique_ptr<app::EventRecorder> events_; ///< never started: Events are another test's
  std::shared_ptr<Peers> peers_;
  std::uint64_t changes_ = 1;                                           ///< of the cluster
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> told_; ///< by watch: restarts of its actor, changes
  std::string connection_uid_;
  std::map<std::string, int> writes_;
  int tokens_ = 0;
};

} // namespace runtime_agent::tests
