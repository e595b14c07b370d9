#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/application_reconciler/plan.hpp"
#include "actors/application_reconciler/recent_writes.hpp"
#include "transport/call.hpp"
#include "transport/kubernetes/api.hpp"
#include "transport/kubernetes/kept_fields.hpp"

/// Carries out what the plan says, one Application at a time. Blocking: for I/O threads. Source: contract §§5.2, 5.3.
namespace runtime_agent::application_reconciler {

/// What came of one ApplicationWork, and what is known of the cluster since.
struct ApplicationOutcome {
  std::string name;
  ApplicationAction action = ApplicationAction::keep; ///< what was done to the Application itself
  bool written = false;                               ///< the Application was created, changed or deleted
  std::uint32_t secrets_written = 0;
  std::uint32_t secrets_deleted = 0;
  std::vector<std::string> problems; ///< each within reason_limit
  bool retry = false;                ///< a problem that may be over when tried again
  /// The API server did not answer, or could not for now, whatever it was asked: the next would fare no better.
  std::optional<Failure> unreachable;

  /// Of the Application, what the API server did not keep as it was written; nothing has failed (§5.4).
  kubernetes::FieldsNotKept not_kept;
  std::vector<std::string> secrets_changed; ///< names of those that were created, changed or deleted
  /// Objects as they were seen last; nullopt: gone.
  std::vector<std::pair<std::string, std::optional<ObservedApplication>>> applications;
  std::vector<std::pair<std::string, std::optional<ObservedSecret>>> secrets;
};

/// Whether the failure tells of the API server as a whole rather than of what it was asked for.
bool is_unreachable(const Failure& failure);

/// Brings one Application in line, in the order that contract §5.2 asks for. Every object is read again before it is
/// changed, so that a plan made from stale knowledge does no harm; conflicts are tried again, at most five times;
/// deletions carry the uid and the version. Stops between two requests when the context is cancelled.
/// What is seen of objects goes to `written` as well.
ApplicationOutcome execute(kubernetes::Api& api, const ApplicationWork& work, const MappingSettings& settings,
                           Written& written, const CallContext& context);

} // namespace runtime_agent::application_reconciler
