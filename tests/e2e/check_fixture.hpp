#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/support/end_to_end.hpp"

namespace runtime_agent::e2e {

/// A row of `runtime-agent check` that has to be there.
struct ExpectedRow {
  std::string id;
  std::string verdict = "failed";
  std::vector<std::string> found; ///< part and cause
  std::vector<std::string> remedy;
};

/// `runtime-agent check` by the real binary, against a sandbox.
class CheckInSandbox : public EndToEnd {
protected:
  struct Report {
    std::optional<int> code;
    Json document;
    std::string output;
  };

  void SetUp() override { fresh(); }
  void fresh(sandbox::CompassOptions options = World::fast_options());
  sandbox::KubernetesServer& server() { return *world().sandbox_server(); }

  Report check(std::vector<std::string> arguments = {"check", "--output", "json"});
  /// The row is there, with these words, and the exit code says so.
  void expect(const ExpectedRow& expected);
  /// Its paragraph exists.
  static void documented(const Json& row);
  /// Connects and synchronises, and ends the agent.
  void connect();
  /// As a user who may do only this.
  void log_in(const std::vector<sandbox::kube::Rule>& rules);
  void refuse_writes(int status, const std::string& message, const std::string& resource = "secrets");
  /// Two of three Applications come to one name in the cluster.
  void give_applications_of_one_name();

  Variables variables_; ///< of the command, and of an agent that is to see the same
  TemporaryFolder folder_;
  int logins_ = 0;
};

} // namespace runtime_agent::e2e
