#pragma once

#include <set>
#include <string>
#include <vector>

#include "actors/application_reconciler/plan.hpp"
#include "transport/call.hpp"
#include "transport/kubernetes/api.hpp"

/// Secrets of other types than Opaque are not watched, since some of them are a megabyte each: whether one has the name
/// of a Secret that a plan wants to create is asked when there is such a plan. Source: contract §5.3.
namespace runtime_agent::application_reconciler {

/// Where none of the work does, nothing has to be asked.
bool creates_secrets(const std::vector<ApplicationWork>& work);

/// Names of all Secrets of other types. Only their metadata cross the wire.
Result<std::set<std::string>> names_of_other_types(kubernetes::Api& api, const std::string& in_namespace,
                                                   const CallContext& context);

/// Takes the Applications whose Secrets have such a name out of the work; what is said of them.
std::vector<ApplicationProblem> leave_taken(std::vector<ApplicationWork>& work, const std::set<std::string>& taken);

/// Whose the names are could not be found out: the same of all that create Secrets.
std::vector<ApplicationProblem> put_off_creations(std::vector<ApplicationWork>& work, const Failure& failure);

/// What is said where so many Applications have to wait.
Failure waiting_for_answer(Failure failure, std::size_t applications);

} // namespace runtime_agent::application_reconciler
