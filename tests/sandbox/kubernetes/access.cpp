#include "tests/sandbox/kubernetes/access.hpp"

#include <algorithm>

namespace runtime_agent::sandbox::kube {
namespace {

bool lists(const std::vector<std::string>& values, const std::string& value) {
  return std::any_of(values.begin(), values.end(), [&](const auto& one) { return one == "*" || one == value; });
}

bool grants(const Rule& rule, const Attributes& wanted) {
  if (!lists(rule.verbs, wanted.verb) || !lists(rule.groups, wanted.group) || !lists(rule.resources, wanted.resource))
    return false;
  if (!rule.namespaces.empty() && !lists(rule.namespaces, wanted.namespace_))
    return false;
  return rule.names.empty() || lists(rule.names, wanted.name);
}

} // namespace

std::vector<Rule> todays_rights(std::vector<std::string> namespaces) {
  return {
      {{"get", "create", "update", "delete"}, {""}, {"secrets"}, std::move(namespaces), {}},
      {{"get", "list", "create", "update", "delete"},
       {"applicationconnector.kyma-project.io"},
       {"applications"},
       {},
       {}},
      {{"get", "list", "watch", "create", "update", "delete", "deletecollection"},
       {"compass.kyma-project.io"},
       {"compassconnections"},
       {},
       {}},
      {{"get", "list"}, {""}, {"nodes", "persistentvolumes"}, {}, {}},
      {{"get", "list"}, {"metrics.k8s.io"}, {"nodes"}, {}, {}},
      {{"create"}, {"authorization.k8s.io"}, {"selfsubjectaccessreviews"}, {}, {}}, // every authenticated user
  };
}

std::vector<Rule> all_rights() {
  return {{{"*"}, {"*"}, {"*"}, {}, {}}};
}

void Access::add(const std::string& token, User user) {
  std::lock_guard lock(mutex_);
  users_.insert_or_assign(token, std::move(user));
}

void Access::remove(const std::string& token) {
  std::lock_guard lock(mutex_);
  users_.erase(token);
}

std::optional<std::string> Access::user_of(const std::optional<std::string>& token) const {
  if (!token)
    return "system:anonymous";
  std::lock_guard lock(mutex_);
  const auto found = users_.find(*token);
  return found == users_.end() ? std::nullopt : std::optional(found->second.name);
}

bool Access::allowed(const std::optional<std::string>& token, const Attributes& attributes) const {
  std::lock_guard lock(mutex_);
  const auto found = token ? users_.find(*token) : users_.end();
  if (found == users_.end())
    return false;
  const auto& rules = found->second.rules;
  return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) { return grants(rule, attributes); });
}

} // namespace runtime_agent::sandbox::kube
