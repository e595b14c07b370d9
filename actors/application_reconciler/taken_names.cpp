#include "actors/application_reconciler/taken_names.hpp"

#include <algorithm>

#include "actors/application_reconciler/problem_text.hpp"
#include "actors/application_reconciler/secret_ownership.hpp"

namespace runtime_agent::application_reconciler {

namespace {

bool creates_any(const ApplicationWork& work) {
  return std::any_of(work.secret_writes.begin(), work.secret_writes.end(),
                     [](const SecretWrite& write) { return !write.exists; });
}

} // namespace

bool creates_secrets(const std::vector<ApplicationWork>& work) {
  return std::any_of(work.begin(), work.end(), creates_any);
}

Result<std::set<std::string>> names_of_other_types(kubernetes::Api& api, const std::string& in_namespace,
                                                   const CallContext& context) {
  std::set<std::string> names;
  kubernetes::ListOptions options;
  options.field_selector = "type!=Opaque";
  options.metadata_only = true;
  const auto listed = api.list(
      kubernetes::secrets(in_namespace), options,
      [&names](kubernetes::Json&& object) { names.insert(object_name(object)); }, context);
  if (!listed)
    return failed(listed.error());
  return names;
}

std::vector<ApplicationProblem> leave_taken(std::vector<ApplicationWork>& work, const std::set<std::string>& taken) {
  std::vector<ApplicationProblem> problems;
  std::erase_if(work, [&](const ApplicationWork& item) {
    const std::size_t before = problems.size();
    for (const SecretWrite& write : item.secret_writes)
      if (const std::string& name = item.desired->secrets.at(write.index).name; !write.exists && taken.contains(name))
        problems.push_back({item.name, "Secret " + name + reason_to_leave_other_type()});
    return problems.size() > before;
  });
  return problems;
}

std::vector<ApplicationProblem> put_off_creations(std::vector<ApplicationWork>& work, const Failure& failure) {
  std::vector<ApplicationProblem> problems;
  const std::string reason = bounded(failure.text(), reason_limit);
  std::erase_if(work, [&](const ApplicationWork& item) {
    if (creates_any(item))
      problems.push_back({item.name, reason});
    return creates_any(item);
  });
  return problems;
}

Failure waiting_for_answer(Failure failure, std::size_t applications) {
  failure.next = std::to_string(applications) + (applications == 1 ? " Application waits" : " Applications wait") +
                 " until it answers again";
  return failure;
}

} // namespace runtime_agent::application_reconciler
