#include "tests/unit/agent/simulated_agent.hpp"

#include <cstdlib>

#include "actors/application_reconciler/cluster_watch.hpp"
#include "actors/config_watcher/object_watch.hpp"
#include "actors/supervision/log.hpp"
#include "tests/unit/connection_manager/world.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::tests {
namespace {

using namespace std::chrono_literals;
using application_reconciler::ApplicationsEvent;
using application_reconciler::SecretsEvent;

constexpr auto tick = 50ms;
const char* const secrets_namespace = "kyma-system";

compass::Application application(std::uint64_t number, std::uint64_t revision) {
  compass::Application made;
  made.id = "app-" + std::to_string(number);
  made.name = "App " + std::to_string(number);
  made.description = "revision " + std::to_string(revision);
  compass::Bundle bundle;
  bundle.id = "bundle-" + std::to_string(number);
  bundle.name = "Bundle";
  compass::Auth auth;
  auth.credential = compass::BasicCredential{Secret("user"), Secret("password " + std::to_string(revision))};
  bundle.default_instance_auth = std::move(auth);
  compass::ApiDefinition api;
  api.id = "api-" + std::to_string(number);
  api.name = "Orders";
  api.target_url = "https://orders.example.com";
  bundle.api_definitions.push_back(std::move(api));
  made.bundles.push_back(std::move(bundle));
  return made;
}

app::Settings settings_of_simulation() {
  app::Settings settings;
  settings.certificates_secret = {secrets_namespace, "cluster-client-certificates"};
  settings.integration_namespace = secrets_namespace;
  settings.sync_period = 2s;
  settings.minimal_sync_time = 1s;
  return settings;
}

std::string object_path(const FakeApi::Call& call) {
  return call.path.substr(call.path.find_last_of('/') + 1);
}

bool of_the_connection(const std::string& name) {
  return name.starts_with("cluster-client-certificates") || name == "ca-certificates" || name == "compass-connection";
}

} // namespace

Result<compass::RuntimeDataPtr> FakeDirector::fetch(const compass::DirectorAccess&, const CallContext&) {
  ++fetches;
  auto data = std::make_shared<compass::RuntimeData>();
  data->labels.values = labels_;
  data->applications = applications;
  return data;
}

Result<void> FakeDirector::set_runtime_label(const compass::DirectorAccess&, const std::string& key,
                                             const std::string& value, const CallContext&) {
  std::erase_if(labels_, [&](const auto& label) { return label.first == key; });
  labels_.emplace_back(key, value);
  return {};
}

SimulatedAgent::SimulatedAgent(std::uint64_t seed) : system(seed), settings_(settings_of_simulation()) {
  // Restarts come at once, and as many as are asked for: intensity has tests of its own.
  setenv("RUNTIME_AGENT_TEST_CONTROLS", "on", 1);
  setenv("RUNTIME_AGENT_TEST_RESTARTS", "1000000", 1);
  log::set_level(log::Level::off);
  api->carried_out = [this](const FakeApi::Call& call) {
    if (call.verb == "get" || call.verb == "list")
      return;
    ++changes_;
    if (call.verb != "create" && !of_the_connection(object_path(call)))
      ++writes_[call.verb + " " + call.path];
    if (call.verb == "create") // its path is the collection's
      ++writes_[call.verb + " " + call.path];
  };
  app::Clients clients;
  clients.measurements = measurements_;
  clients.kubernetes = api;
  clients.connector = connector;
  clients.director = director;
  clients.keys = x509::make_fixture_key_source(key_folder());
  for (std::uint64_t number = 1; number <= 5; ++number)
    director->applications.push_back(application(number, 0));
  events_ = std::make_unique<app::EventRecorder>(api);
  peers_ = app::add_children(supervisor, system.environment(), settings_, clients, observed_, *events_, "process-1");
}

SimulatedAgent::~SimulatedAgent() {
  supervisor.begin_stop(1s, app::stop_order());
  system.advance(2s);
  *peers_ = {};
  log::set_level(log::Level::info);
}

void SimulatedAgent::configure() {
  const std::string token = "token-" + std::to_string(++tokens_);
  connector->tokens.insert(token);
  api->put(kubernetes::config_maps("compass-system"),
           {{"metadata", {{"name", "compass-agent-configuration"}, {"namespace", "compass-system"}}},
            {"data",
             {{"CONNECTOR_URL", "https://connector/token"},
              {"RUNTIME_ID", "runtime-1"},
              {"TENANT", "tenant-1"},
              {"TOKEN", token}}}});
  ++changes_;
}

void SimulatedAgent::pass(std::chrono::milliseconds time) {
  for (auto passed = 0ms; passed < time; passed += tick) {
    system.advance(tick);
    serve_watches();
    system.run();
  }
  api->clear_calls();
  connector->requests.clear();
}

void SimulatedAgent::wish(const std::string& field) {
  auto object = api->object(kubernetes::compass_connections(), "compass-connection");
  if (!object)
    return;
  (*object)["spec"][field] = true;
  api->put(kubernetes::compass_connections(), *object);
  ++changes_;
}

void SimulatedAgent::change_data(std::uint64_t number) {
  auto& applications = director->applications;
  const std::uint64_t which = number % 10 + 1;
  const auto found = std::find_if(applications.begin(), applications.end(), [&](const compass::Application& each) {
    return each.id == "app-" + std::to_string(which);
  });
  if (found == applications.end())
    applications.push_back(application(which, number));
  else if (number % 3 == 0 && applications.size() > 3)
    applications.erase(found);
  else
    *found = application(which, number);
}

std::map<std::string, std::uint64_t> SimulatedAgent::restarts() const {
  std::map<std::string, std::uint64_t> restarts;
  for (const auto& child : supervisor.facts())
    restarts[child.name] = child.restarts;
  return restarts;
}

std::vector<kubernetes::Json> SimulatedAgent::all(const kubernetes::Resource& resource) {
  std::vector<Json> objects;
  (void)api->list(
      resource, {}, [&](Json&& object) { objects.push_back(std::move(object)); }, CallContext{});
  return objects;
}

std::string SimulatedAgent::connection_state() {
  const auto object = api->object(kubernetes::compass_connections(), "compass-connection");
  return object && object->contains("status") ? (*object)["status"].value("connectionState", "") : "none";
}

std::map<std::string, std::string> SimulatedAgent::end_state() {
  std::map<std::string, std::string> state;
  std::map<std::string, std::string> owners;
  for (Json& object : all(kubernetes::applications())) {
    owners[object["metadata"]["uid"]] = object["metadata"]["name"];
    object["metadata"].erase("uid");
    object["metadata"].erase("resourceVersion");
    state["Application " + object["metadata"]["name"].get<std::string>()] = object.dump();
  }
  for (Json& object : all(kubernetes::secrets(secrets_namespace))) {
    const std::string name = object["metadata"]["name"];
    if (name == "cluster-client-certificates")
      continue;
    object["metadata"].erase("uid");
    object["metadata"].erase("resourceVersion");
    if (object["metadata"].contains("ownerReferences"))
      for (Json& owner : object["metadata"]["ownerReferences"])
        owner["uid"] = owners.contains(owner["uid"]) ? owners[owner["uid"]] : "stale";
    state["Secret " + name] = object.dump();
  }
  const auto connection = api->object(kubernetes::compass_connections(), "compass-connection").value_or(Json::object());
  state["state"] = connection_state();
  for (const char* pointer : {"/spec/resyncNow", "/spec/refreshCredentialsNow", "/status/connectionStatus/error",
                              "/status/synchronizationStatus/error"})
    if (const Json::json_pointer place(pointer); connection.contains(place))
      state[pointer] = connection.at(place).dump();
  return state;
}

void SimulatedAgent::serve_watches() {
  system.io().forget_cancelled_watches();
  const auto restarted = restarts();
  const auto serve = [&](const std::string& watch, const std::string& actor, void (SimulatedAgent::*tell)()) {
    const std::pair present(restarted.at(actor), changes_);
    if (!system.io().watching(watch) || told_[watch] == present)
      return;
    told_[watch] = present;
    (this->*tell)();
  };
  serve("watch the configuration object", "ConfigWatcher", &SimulatedAgent::tell_configuration);
  serve("watch the CompassConnection", "ConfigWatcher", &SimulatedAgent::tell_connection);
  serve("watch Applications", "ApplicationReconciler", &SimulatedAgent::tell_applications);
  serve("watch Secrets", "ApplicationReconciler", &SimulatedAgent::tell_secrets);
}

void SimulatedAgent::tell_configuration() {
  config_watcher::ObjectSeen seen;
  if (auto object = api->object(kubernetes::config_maps("compass-system"), "compass-agent-configuration"))
    seen.object = std::make_shared<const Json>(std::move(*object));
  system.io().emit("watch the configuration object", seen);
}

void SimulatedAgent::tell_connection() {
  config_watcher::ObjectSeen seen;
  if (auto object = api->object(kubernetes::compass_connections(), "compass-connection")) {
    connection_uid_ = (*object)["metadata"]["uid"];
    seen.object = std::make_shared<const Json>(std::move(*object));
  } else {
    seen.deleted_uid = std::exchange(connection_uid_, {});
  }
  system.io().emit("watch the CompassConnection", seen);
}

void SimulatedAgent::tell_applications() {
  auto entries = std::make_shared<std::map<std::string, application_reconciler::ObservedApplication>>();
  for (const Json& object : all(kubernetes::applications()))
    entries->emplace(object["metadata"]["name"], application_reconciler::observed_application(object));
  system.io().emit("watch Applications",
                   ApplicationsEvent{ApplicationsEvent::Kind::replaced, std::move(entries), {}, {}, {}, {}});
}

void SimulatedAgent::tell_secrets() {
  auto entries = std::make_shared<application_reconciler::ObservedSecrets>();
  for (const Json& object : all(kubernetes::secrets(secrets_namespace)))
    entries->insert_or_assign(object["metadata"]["name"], application_reconciler::observed_secret(object));
  system.io().emit("watch Secrets", SecretsEvent{SecretsEvent::Kind::replaced, std::move(entries), {}, {}, {}, {}});
}

} // namespace runtime_agent::tests
