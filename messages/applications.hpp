#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "transport/compass/types.hpp"
#include "transport/failure.hpp"

/// Between DirectorFetcher and ApplicationReconciler. Source: contract §§3, 5.2, 5.3.
namespace runtime_agent {

/// The whole desired state, from one complete fetch over one connection.
struct DesiredState {
  compass::RuntimeDataPtr data;
  /// Counts this process's complete fetches from 1: a newer one replaces an older one.
  std::uint64_t sequence = 0;
  /// Which connection it came over; a confirming fetch has another one (§5.2, deletions held back).
  std::uint64_t connection_number = 0;
  std::chrono::steady_clock::time_point fetched; ///< by the actors' clock
  std::string request_id;
};

struct DesiredStateFetched {
  std::shared_ptr<const DesiredState> state;
};

/// An Application that could not be reconciled, and why; or one that was, and what does not work.
struct ApplicationProblem {
  std::string application; ///< name in the cluster, or the Director's where there is none
  std::string reason;
  bool operator==(const ApplicationProblem&) const = default;
};

/// How many Applications they are about; `problems` is sorted by Application.
inline std::uint32_t applications_of(std::span<const ApplicationProblem> problems) {
  std::uint32_t applications = 0;
  for (std::size_t i = 0; i < problems.size(); ++i)
    applications += i == 0 || problems[i].application != problems[i - 1].application ? 1U : 0U;
  return applications;
}

struct ApplyCounts {
  std::uint32_t desired = 0, created = 0, updated = 0, deleted = 0, unchanged = 0, failed = 0;
  std::uint32_t secrets_written = 0, secrets_deleted = 0;
};

/// The result of reconciling the cluster with `sequence`.
struct DesiredStateApplied {
  std::uint64_t sequence = 0;
  ApplyCounts counts;
  std::vector<ApplicationProblem> problems; ///< per Application; the rest has been applied
  std::vector<ApplicationProblem> warnings; ///< applied as it is, and does not work as a whole (contract §9)
  std::optional<Failure> failure;           ///< of the whole: e.g. the CRD is lacking, or deletions are held back
  /// Deletions are held back until a second complete fetch over a new connection says the same (§5.2).
  bool wants_confirmation = false;
};

} // namespace runtime_agent
