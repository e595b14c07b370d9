#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/application_reconciler/application_facts.hpp"
#include "actors/supervision/crash_switch.hpp"
#include "actors/supervision/supervisor.hpp"
#include "actors/supervision/trace_ring.hpp"
#include "app/metrics/measurements.hpp"
#include "app/published_leadership.hpp"
#include "app/published_status.hpp"
#include "app/settings.hpp"
#include "transport/compass/clients.hpp"
#include "transport/kubernetes/api_client.hpp"
#include "transport/kubernetes/lease.hpp"
#include "transport/x509/key.hpp"

namespace runtime_agent::app {

/// What the agent calls, each shared by the actors that need it.
struct Clients {
  std::shared_ptr<Measurements> measurements;          ///< hears of every span and request; outlives the ring
  std::shared_ptr<supervision::TraceRing> ring;        ///< hears of every request
  std::string trace_file;                              ///< where the ring lies; empty: in the process's memory alone
  std::shared_ptr<kubernetes::LeaderGate> gate;        ///< whether this process may act
  std::shared_ptr<kubernetes::PatchingApi> kubernetes; ///< sends only while the gate is open, as those of Compass
  std::shared_ptr<kubernetes::Api> bystander; ///< sends at any time, over connections of its own: the election's
  std::shared_ptr<compass::ConnectorClient> connector;
  std::shared_ptr<compass::DirectorClient> director;
  std::shared_ptr<x509::KeySource> keys;
};

/// What the actors let people, probes and metrics see.
struct Observed {
  PublishedStatus status;
  application_reconciler::PublishedApplications applications;
};

/// The real ones. Failure (configuration): no cluster to talk to, or a proxy variable that is no URL.
Result<Clients> make_clients(const Settings& settings, const std::string& kubeconfig);

/// The actor system with the five children behind their Slots. Started and stopped by one thread at a time.
class Agent {
public:
  /// The process has to end with that exit code, for that reason: an actor failed too often, or is stuck. Called on a
  /// thread of the agent's.
  using GiveUp = std::function<void(int exit_code, const std::string& reason)>;

  Agent(const Settings& settings, Clients clients, const GiveUp& give_up);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent();

  /// Also again, after `step_down`.
  void start();
  /// Stops the children, at most `limit`, and forgets what they said: another process acts.
  void step_down(std::chrono::milliseconds limit);
  /// Stops the children in the order of architecture §3, at most `limit`. Returns whether all ended by themselves.
  bool stop(std::chrono::milliseconds limit);

  std::vector<supervision::ChildFacts> children() const;
  const supervision::TraceRing& ring() const;
  /// The mapped trace file; empty where the ring lies in memory alone. The process before: previous_trace_file of it.
  const std::string& trace_file() const;
  const Observed& observed() const;
  const Measurements& measurements() const;
  PublishedLeadership& leadership();
  const PublishedLeadership& leadership() const;
  supervision::CrashSwitch& crash_switch();
  /// Whether what acts here can act: no actor is stuck, and the watchdog looks. From any thread.
  bool able() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace runtime_agent::app
