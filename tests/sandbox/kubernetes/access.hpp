#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace runtime_agent::sandbox::kube {

/// Grants verbs on resources, as one rule of a Role or ClusterRole with its binding.
struct Rule {
  std::vector<std::string> verbs{};      ///< "*": all
  std::vector<std::string> groups{};     ///< "" is the core group; "*": all
  std::vector<std::string> resources{};  ///< plurals; "*": all
  std::vector<std::string> namespaces{}; ///< as bound by Roles; empty: by ClusterRole, everywhere
  std::vector<std::string> names{};      ///< empty: all
};

struct User {
  std::string name;
  std::vector<Rule> rules;
};

/// What somebody wants to do.
struct Attributes {
  std::string verb;
  std::string group;
  std::string resource;
  std::string namespace_;
  std::string name;
};

/// The rights that today's manifests give to the agent (architecture §6): Secrets by name in the given namespaces, no
/// watch of Applications, all but patch of CompassConnections, what the cluster information reads, nothing else.
std::vector<Rule> todays_rights(std::vector<std::string> namespaces);
/// Everything.
std::vector<Rule> all_rights();

/// Who the bearer tokens belong to and what they may do. Thread-safe.
class Access {
public:
  void add(const std::string& token, User user);
  void remove(const std::string& token);
  /// Without a token: system:anonymous, who may nothing. An unknown token: nobody.
  std::optional<std::string> user_of(const std::optional<std::string>& token) const;
  bool allowed(const std::optional<std::string>& token, const Attributes& attributes) const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, User> users_; ///< by token
};

} // namespace runtime_agent::sandbox::kube
