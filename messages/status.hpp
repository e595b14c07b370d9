#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "messages/applications.hpp"
#include "transport/failure.hpp"
#include "transport/kubernetes/api.hpp"
#include "transport/x509/identity.hpp"

/// What StatusWriter hears. Each report is the sender's whole present fact; times are wall clock. Source: contract
/// §5.4.
namespace runtime_agent {

using WallTime = std::chrono::system_clock::time_point;

/// Annotation of the CompassConnection: the id of a reconnect that has not been served yet. StatusWriter makes it with
/// the object and takes it away once it is served; ConfigWatcher reads it, so that a reconnect survives a restart of
/// the agent.
inline constexpr const char* reconnect_annotation = "runtime-agent.kyma-project.io/reconnect";

/// From ConnectionManager.
struct ConnectionReport {
  bool connected = false;              ///< there is a usable certificate
  std::optional<Failure> connecting;   ///< connecting (for the first time or anew) fails
  std::optional<Failure> maintaining;  ///< checking or renewing fails
  std::optional<WallTime> established; ///< when the certificate was last obtained with a token
  std::optional<WallTime> renewed;
  std::optional<WallTime> last_sync;    ///< last attempt to connect, check or renew
  std::optional<WallTime> last_success; ///< last of them that succeeded
  std::optional<WallTime> acquired;     ///< when the present certificate came
  std::optional<x509::Validity> validity;
  std::string connector_url; ///< certificate-secured; empty before the first connection
  std::string director_url;
  std::string reconnect_served; ///< `id` of the last ReconnectRequested that has been served
  std::string refresh_served;   ///< `id` of the last CredentialsRefreshRequested that has been served
};

/// From DirectorFetcher.
struct SynchronizationReport {
  std::optional<WallTime> last_attempt;
  std::optional<WallTime> last_successful_fetch;
  std::optional<WallTime> last_successful_application;
  std::optional<Failure> fetching;                    ///< configuration unreadable or fetching failed
  std::shared_ptr<const DesiredStateApplied> applied; ///< null until something was applied
  std::optional<Failure> labelling;                   ///< the Runtime's labels could not be set
  bool synchronized = false;                          ///< all of the last cycle is done
  bool cycle_finished = false;                        ///< this report ends a cycle (one write a cycle)
  std::string resync_served;                          ///< `id` of the last ResyncRequested that has been served
};

/// From ConfigWatcher: the CompassConnection as it is in the cluster, or its absence.
struct CompassConnectionObserved {
  std::shared_ptr<const kubernetes::Json> object; ///< null: absent
  std::string absence_id; ///< where a person has deleted it: the `id` of the ReconnectRequested that goes with it
  /// Absent because nothing of its kind can be there. A person wishes nothing by that.
  bool definition_missing = false;
  std::string resync_id; ///< where asked for: as in ResyncRequested
  std::string refresh_id;
};

} // namespace runtime_agent
