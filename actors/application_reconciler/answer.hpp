#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/application_reconciler/execution.hpp"
#include "messages/applications.hpp"

/// What a pass came to, in the words of DesiredStateApplied. Pure, but for the log. Source: contract §§5.2, 5.4.
namespace runtime_agent::application_reconciler {

/// What the Application should be, as FailedWrites tells it; all zero where it should not be.
Digest wanted_digest(const ApplicationWork& work);

/// Adds what was done.
void count(const ApplicationOutcome& outcome, ApplyCounts& counts);

/// The same in words for one Application: "created", "Secrets changed"; empty where nothing was done.
std::string change_of(const ApplicationOutcome& outcome);

/// Sorted by Application, what is said twice once.
std::vector<ApplicationProblem> by_application(std::vector<ApplicationProblem> problems);

/// What is said of deletions that are held back; nullopt where there are none.
std::optional<Failure> held_back(const std::vector<std::string>& names);

/// They differ in counts and sequence only.
bool same_result(const DesiredStateApplied& a, const DesiredStateApplied& b);

/// Those that `before` does not have, at most twenty.
void log_warnings(const std::vector<ApplicationProblem>& warnings, const std::vector<ApplicationProblem>& before);

/// One line where something was done, or is wrong and was not said before. `for_fetch`: after a fetch, or after
/// somebody's change.
void log_pass(const DesiredStateApplied& applied, bool said_before, bool for_fetch);

} // namespace runtime_agent::application_reconciler
