#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "messages/status.hpp"

/// The CompassConnection's content as pure functions of the reported facts. Source: contract §5.4.
namespace runtime_agent::status_writer {

inline constexpr std::string_view object_name = "compass-connection";
/// Says aloud what is insecure by setting, e.g. TLS checks that are off.
inline constexpr std::string_view warning_annotation = "runtime-agent.kyma-project.io/warning";

/// Of `status.synchronizationStatus`, beside the contract: what the definition's columns show.
inline constexpr const char* applications_field = "applications";
inline constexpr const char* failed_applications_field = "failedApplications";

/// The last facts that were heard; null: nothing yet in this process.
struct Facts {
  std::optional<ConnectionReport> connection;
  std::optional<SynchronizationReport> synchronization;
  std::string warning;   ///< for `warning_annotation`; empty: none
  std::string resync_id; ///< the wishes as last observed
  std::string refresh_id;
  std::string object_problem; ///< why there can be no CompassConnection at all; empty: there can
  std::string contested;      ///< somebody else keeps changing the CompassConnection, in words; empty: nobody does
  WallTime now{};             ///< for the conditions' `lastTransitionTime`
  /// The cluster's CRD drops conditions: they are sent along with other changes (it may be replaced), and not missed.
  bool conditions_pruned = false;
  bool counts_pruned = false; ///< the same of the counts of Applications
};

/// `status.connectionState`: the first that holds of §5.4's order. `present` is what the object says now: it is used
/// for the synchronization until this process has tried one, so that a restart of the agent does not flicker.
std::string_view connection_state(const Facts& facts, std::string_view present);

/// The synchronization's part of it: `Connected` where no cycle has done anything yet.
std::string_view synchronization_state(const SynchronizationReport& report);

/// One line for `synchronizationStatus.error`; empty where nothing is wrong. At most 2,000 characters: the Applications
/// that failed by name and reason, and how many more there are.
std::string synchronization_error(const SynchronizationReport& report);

/// What `apply_facts` found to do.
enum class Change {
  none,
  times,       ///< only times of attempts have moved: one write a cycle is enough
  significant, ///< a state, an error, a certificate, a wish: to be written at once
};

/// Updates the object with the facts and changes nothing else in it: what is not ours stays, and a fact that is not
/// known leaves what the object has (a failure never erases an earlier success's time). Fills in an object
/// without status, or made by hand.
Change apply_facts(kubernetes::Json& object, const Facts& facts);

/// The object to create where there is none. `absence_id`: see ReconnectRequested; kept in the annotation unless
/// served.
kubernetes::Json new_object(const Facts& facts, const std::string& absence_id);

} // namespace runtime_agent::status_writer
