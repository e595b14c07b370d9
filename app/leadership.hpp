#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "app/agent.hpp"
#include "app/published_leadership.hpp"
#include "app/settings.hpp"
#include "transport/kubernetes/lease.hpp"

namespace runtime_agent::app {

/// The Lease's name, in the namespace of the certificates Secret: one for all that keep that Secret.
inline constexpr const char* lease_name = "runtime-agent";

/// Starts and stops the agent's children as this process becomes the leader and ceases to be it (architecture §8).
/// Started, stopped and released by one thread.
class Leadership final : public kubernetes::ElectionHandler {
public:
  /// `api` sends whether this process leads or not. Everything given by reference outlives it.
  Leadership(const Settings& settings, kubernetes::Api& api, kubernetes::LeaderGate& gate, Agent& agent);
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;
  ~Leadership() override;

  /// Takes part in the election from now on, or, where there is none (APP_LEADER_ELECTION=off), leads at once.
  void start();
  /// Ends taking part. A Lease that is held stays held for the moment, so that what acts can end in peace.
  void stop();
  /// Gives up the Lease, where it is held: nothing acts any more.
  void release();
  /// Whether no other process acts, as far as the API server says: there is no election, or the Lease still names this
  /// process, though it may be over. Asks once, after `stop`.
  bool is_last_holder(const CallContext& context) const;

private:
  void leads() override;
  void leads_alone(const Failure& failure) override;
  void lost(const std::string& reason) override;
  void stands_by(const std::string& holder) override;
  void cannot_ask(const Failure& failure) override;
  bool able() override;
  void publish(Standing standing, const std::string& holder = {}, const std::string& problem = {}, bool alone = false);

  const LeaderElection wanted_;
  const kubernetes::ElectionSettings settings_;
  kubernetes::Api& api_;
  kubernetes::LeaderGate& gate_;
  Agent& agent_;
  std::optional<kubernetes::Election> election_;
  CancelToken cancel_;
  std::thread thread_;
  bool was_able_ = true; ///< of the election's thread
};

} // namespace runtime_agent::app
