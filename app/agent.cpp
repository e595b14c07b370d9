#include "app/agent.hpp"

#include <random>

#include <caf/all.hpp>
#include <fmt/format.h>

#include "actors/status_writer/connection_status.hpp"
#include "actors/supervision/io_pool.hpp"
#include "actors/supervision/log.hpp"
#include "actors/supervision/trace_file.hpp"
#include "actors/supervision/watchdog.hpp"
#include "app/event_recorder.hpp"
#include "app/exit_codes.hpp"
#include "app/test_controls.hpp"
#include "app/version.hpp"
#include "app/wiring.hpp"
#include "transport/compass/make_clients.hpp"
#include "transport/kubernetes/api_client.hpp"
#include "transport/kubernetes/cluster_config.hpp"
#include "transport/rfc3339.hpp"

namespace runtime_agent::app {
namespace {

// Besides the writes to the cluster: configuration, record, status, Connector, Director, key, mapping, planning.
constexpr std::size_t other_calls = 8;
constexpr std::size_t waiting_calls = 1024;

std::string random_id() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

/// The system's; so many seconds off where a test says so.
std::function<WallTime()> wall_clock() {
  const char* seconds = std::getenv("RUNTIME_AGENT_TEST_CLOCK_OFFSET");
  const std::chrono::seconds offset(test_controls() && seconds ? std::atoll(seconds) : 0);
  return [offset] { return std::chrono::system_clock::now() + offset; };
}

void log_failed_call(const graphql::FailedCall& call) {
  log::warning("a GraphQL call failed", {{"query", call.document},
                                         {"variables", call.variables},
                                         {"response", call.response},
                                         {"error", call.failure.text()}});
}

void open_trace(const std::string& path, Clients& clients) {
  clients.measurements = std::make_shared<Measurements>();
  supervision::TraceRing::Settings ring;
  ring.observer = &clients.measurements->messages;
  auto opened = supervision::open_trace(path, ring);
  if (opened.problem)
    log::warning("the trace is kept in memory only; it is lost when the process ends",
                 {{"variable", "APP_TRACE_FILE"}, {"reason", opened.problem->text()}});
  else
    log::info("trace file", {{"file", opened.file}});
  if (opened.previous)
    log::warning("the previous process did not end by a signal", {{"exit_code", opened.previous->exit_code},
                                                                  {"reason", opened.previous->reason},
                                                                  {"ended", rfc3339(opened.previous->time)}});
  clients.ring = std::move(opened.ring);
  clients.trace_file = std::move(opened.file);
  clients.measurements->requests.hand_on_to(*clients.ring);
}

struct ActorConfiguration : caf::actor_system_config {
  ActorConfiguration() {
    // Actors decide and pass on; what takes time runs on the I/O threads.
    set("scheduler.max-threads", std::size_t{2});
    // Threads wait for work. By default they look for it, in naps of 50 µs and then of 10 ms: 4 % of a core, and
    // delays.
    set("scheduler.policy", caf::atom("sharing"));
  }
};

} // namespace

Result<Clients> make_clients(const Settings& settings, const std::string& kubeconfig) {
  Clients clients;
  open_trace(settings.trace_file, clients);
  auto proxies = http::ProxySettings::from_environment();
  if (!proxies)
    return failed(proxies.error());
  auto cluster = kubernetes::load_cluster_config(kubeconfig);
  if (!cluster)
    return failed(cluster.error());
  const std::string user_agent = std::string("runtime-agent/") + version;

  kubernetes::ApiOptions api;
  api.user_agent = user_agent;
  api.observer = &clients.measurements->requests;
  api.max_connections = settings.kubernetes_concurrency + 4;
  api.proxies = *proxies;
  log::info("cluster", {{"config", cluster->source}, {"server", cluster->server}});
  clients.gate = std::make_shared<kubernetes::LeaderGate>();
  clients.bystander = kubernetes::make_api(*cluster, api);
  api.permit = [gate = clients.gate] { return gate->permit(); };
  clients.kubernetes = kubernetes::make_api(std::move(*cluster), api);

  compass::ClientSettings compass;
  compass.verify_tls = !settings.skip_compass_tls_verify;
  compass.proxies = std::move(*proxies);
  compass.observer = &clients.measurements->requests;
  compass.user_agent = user_agent;
  compass.fetch = {settings.fetch_max_applications, settings.fetch_max_bytes};
  compass.permit = [gate = clients.gate] { return gate->permit(); };
  if (settings.query_logging)
    compass.call_logger = log_failed_call;
  clients.connector = compass::make_connector_client(compass);
  clients.director = compass::make_director_client(std::move(compass));

  const std::string fixtures = test_keys();
  clients.keys = fixtures.empty() ? x509::make_key_source() : x509::make_fixture_key_source(fixtures);
  return clients;
}

// The order of the members is the order of their beginning, and backwards of their end.
struct Agent::State {
  State(const Settings& settings, Clients given, const GiveUp& give_up)
      : clients(std::move(given)),
        io(settings.kubernetes_concurrency + other_calls, waiting_calls), environment{io, *clients.ring, wall_clock(),
                                                                                      random_seed, &crash_switch},
        events(clients.kubernetes), system(configuration),
        supervisor(system, environment, [give_up](const std::string& reason) { give_up(exit_escalation, reason); }),
        peers(add_children(supervisor, environment, settings, clients, observed, events, random_id())),
        watchdog(supervisor, environment, watchdog_settings(),
                 [give_up](const std::string& reason) { give_up(exit_watchdog, reason); }) {
    environment.measure_cpu = test_controls();
    arm_from_environment(crash_switch);
    environment.actor_ended = [this](const supervision::ActorEnded& end) {
      events.record({true, "ActorFailed", end.actor + " has failed: " + end.reason, ""});
    };
  }
  // The children's specifications hold the peers, the peers the Slots that hold the specifications.
  ~State() { *peers = {}; }

  Clients clients;
  supervision::IoPool io;
  supervision::CrashSwitch crash_switch;
  supervision::Environment environment;
  Observed observed;
  PublishedLeadership leadership;
  EventRecorder events; // outlives the Slots, which tell it
  ActorConfiguration configuration;
  caf::actor_system system;
  supervision::Supervisor supervisor;
  std::shared_ptr<Peers> peers;
  supervision::Watchdog watchdog;
};

Agent::Agent(const Settings& settings, Clients clients, const GiveUp& give_up)
    : state_(std::make_unique<State>(settings, std::move(clients), give_up)) {}

Agent::~Agent() = default;

void Agent::start() {
  state_->events.start();
  state_->supervisor.start();
  state_->watchdog.start();
}

void Agent::step_down(std::chrono::milliseconds limit) {
  state_->supervisor.stop(limit, stop_order());
  state_->observed.status.publish({});
}

bool Agent::stop(std::chrono::milliseconds limit) {
  state_->watchdog.stop();
  const bool clean = state_->supervisor.stop(limit, stop_order());
  state_->events.stop();
  return state_->io.stop(std::chrono::milliseconds(500)) && clean;
}

std::vector<supervision::ChildFacts> Agent::children() const {
  return state_->supervisor.facts();
}
const supervision::TraceRing& Agent::ring() const {
  return *state_->clients.ring;
}
const std::string& Agent::trace_file() const {
  return state_->clients.trace_file;
}
const Observed& Agent::observed() const {
  return state_->observed;
}
const Measurements& Agent::measurements() const {
  return *state_->clients.measurements;
}
PublishedLeadership& Agent::leadership() {
  return state_->leadership;
}
const PublishedLeadership& Agent::leadership() const {
  return state_->leadership;
}
supervision::CrashSwitch& Agent::crash_switch() {
  return state_->crash_switch;
}
bool Agent::able() const {
  return state_->watchdog.all_answer();
}

} // namespace runtime_agent::app
