#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/application_reconciler/application_reconciler.hpp"
#include "actors/supervision/log.hpp"
#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/application_reconciler/in_memory_cluster.hpp"
#include "tests/unit/support/test_system.hpp"

namespace runtime_agent::application_reconciler {

using kubernetes::Json;

/// The actor on simulated time over a cluster in memory.
class ReconcilerTest : public testing::Test {
protected:
  static void SetUpTestSuite() { log::set_level(log::Level::off); }
  ReconcilerTest() {
    settings.mapping.central_gateway_url = "http://gateway:8082/";
    settings.mapping.integration_namespace = "kyma-system";
    peers.director_fetcher = fetcher.handle();
  }

  /// Starts an actor (a new one), and lets it see the cluster as its first lists show it.
  void start() {
    spawn();
    list_applications();
    list_secrets();
  }
  void spawn() {
    if (actor)
      caf::anon_send_exit(caf::actor_cast<caf::actor>(actor), caf::exit_reason::kill);
    actor = system.spawn<ApplicationReconciler>(peers, settings, cluster);
    system.run();
  }
  void list_applications() {
    ApplicationsEvent event;
    event.kind = ApplicationsEvent::Kind::replaced;
    event.all = std::make_shared<ObservedApplications>();
    for (const Json& object : cluster->all(apps))
      event.all->emplace(object_name(object), observed_application(object));
    emit(event);
  }
  void list_secrets() {
    SecretsEvent event;
    event.kind = SecretsEvent::Kind::replaced;
    event.all = std::make_shared<ObservedSecrets>();
    for (const Json& object : cluster->all(secrets))
      if (observed_secret(object).opaque) // the watch asks for no others
        event.all->insert_or_assign(object_name(object), observed_secret(object));
    emit(event);
  }
  void emit(ApplicationsEvent event) {
    system.io().emit(applications_watch, std::move(event));
    system.run();
  }
  void emit(SecretsEvent event) {
    system.io().emit(secrets_watch, std::move(event));
    system.run();
  }
  template <class Event>
  static Event failing(FailureKind kind, typename Event::Kind event_kind = Event::Kind::failed) {
    Event event;
    event.kind = event_kind;
    event.failure = Failure{kind, "Kubernetes API", std::string(to_string(kind)), {}, {}, 0, false, {}};
    return event;
  }

  /// Hands over what the watches bring, until nothing comes any more.
  void watch() {
    system.run();
    for (int round = 0; round < 100; ++round) {
      const auto changes = cluster->take_changes();
      if (changes.empty())
        return;
      for (const auto& change : changes)
        if (change.plural == "applications")
          emit(event_of<ApplicationsEvent>(change, observed_application));
        else if (observed_secret(change.object).opaque)
          emit(event_of<SecretsEvent>(change, observed_secret));
    }
    FAIL() << "the actor and its own writes never come to rest";
  }
  template <class Event, class Observe>
  static Event event_of(const tests::ClusterChange& change, Observe observe) {
    auto entry = observe(change.object);
    Event event;
    event.kind = change.type == kubernetes::EventType::deleted ? Event::Kind::deleted : Event::Kind::changed;
    event.name = object_name(change.object);
    event.uid = entry.uid;
    if (event.kind == Event::Kind::changed)
      event.entry = std::move(entry);
    return event;
  }

  /// A complete fetch, without what the watches bring afterwards.
  void fetch_only(compass::RuntimeDataPtr data, std::uint64_t connection = 1) {
    auto state = std::make_shared<DesiredState>();
    state->data = std::move(data);
    state->sequence = ++sequence;
    state->connection_number = connection;
    state->fetched = system.now();
    system.tell(actor, DesiredStateFetched{state});
  }
  void fetch(compass::RuntimeDataPtr data, std::uint64_t connection = 1) {
    fetch_only(std::move(data), connection);
    watch();
  }

  /// The cluster as it is, past all watches.
  ObservedState observed() const {
    ObservedState state;
    for (const Json& object : cluster->all(apps))
      state.put(object_name(object), observed_application(object));
    for (const Json& object : cluster->all(secrets))
      state.put(object_name(object), observed_secret(object));
    return state;
  }
  std::vector<std::string> application_names() const { return names(cluster->all(apps)); }
  std::vector<std::string> secret_names() const { return names(cluster->all(secrets)); }
  static std::vector<std::string> names(const std::vector<Json>& objects) {
    std::vector<std::string> out;
    for (const Json& object : objects)
      out.push_back(object_name(object));
    return out;
  }
  std::string uid(const std::string& name) const { return (*cluster->find(apps, name))["metadata"]["uid"]; }
  DesiredStateApplied applied() const { return fetcher.last<DesiredStateApplied>().value(); }
  std::vector<std::string> problem_names() const {
    std::vector<std::string> out;
    for (const auto& problem : applied().problems)
      out.push_back(problem.application);
    return out;
  }
  static Json rogue(const std::string& name) {
    return {{"metadata", {{"name", name}}},
            {"spec", {{"compassMetadata", {{"authentication", {{"clientIds", Json::array()}}}}}}}};
  }
  static Json by_hand(const std::string& name) {
    return {{"metadata", {{"name", name}}}, {"spec", {{"services", Json::array()}}}};
  }

  const kubernetes::Resource apps = kubernetes::applications();
  const kubernetes::Resource secrets = kubernetes::secrets("kyma-system");
  std::shared_ptr<tests::InMemoryCluster> cluster = std::make_shared<tests::InMemoryCluster>();
  tests::TestSystem system;
  tests::FakePeer<DirectorFetcherActor> fetcher{system};
  Peers peers;
  Settings settings;
  ApplicationReconcilerActor actor;
  std::uint64_t sequence = 0;
};

} // namespace runtime_agent::application_reconciler
