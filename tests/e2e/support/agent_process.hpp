#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace runtime_agent::e2e {

using Variables = std::map<std::string, std::string>;

/// A folder that goes with the test.
class TemporaryFolder {
public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

/// A TCP port on loopback that is free at the moment.
int free_port();

/// Polls `condition` until it holds or `limit` is over; returns whether it held.
bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& condition);

/// Whether the agent is built with what watches its memory, as the tests are. Not one from the folder that
/// RUNTIME_AGENT_BIN names, which takes the place of the one beside the tests.
bool agent_has_sanitizers();

/// The real agent, as a process with exactly the given environment; killed and waited for at the latest by the
/// destructor.
class AgentProcess {
public:
  /// Health and diagnostics ports are free ones where `environment` names none.
  explicit AgentProcess(Variables environment, std::vector<std::string> arguments = {});
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;
  ~AgentProcess();

  pid_t pid() const { return pid_; }
  /// Where its trace lies.
  const std::string& trace_file() const { return environment_.at("APP_TRACE_FILE"); }
  void signal(int number);
  /// The exit code, or minus the signal that ended it; nullopt where it still runs after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit);
  bool running();
  pid_t id() const { return pid_; }
  /// All that it has written to stdout and stderr so far.
  std::string output() const;
  /// The same, line by line.
  std::vector<std::string> lines() const;

  /// Body of a GET or POST to the diagnostics port; empty where there is no answer.
  std::string diagnostics(const std::string& path) const;
  std::string diagnostics_post(const std::string& path) const;
  /// How often that actor was started anew, by /actorz; -1 where there is no answer.
  int restarts(const std::string& actor) const;
  /// Body of a GET to the health port; empty where there is no answer.
  std::string health_body(const std::string& path) const;
  /// The same agent's environment with this command line, as a person in its pod would call it.
  const Variables& environment() const { return environment_; }
  /// Status of a GET to the health port; 0 where there is no answer.
  int health(const std::string& path) const;

private:
  TemporaryFolder folder_;
  Variables environment_;
  pid_t pid_ = -1;
  std::optional<int> ended_;
};

/// How a command has ended, and all that it has printed.
struct CommandEnd {
  std::optional<int> code; ///< as of AgentProcess::wait
  std::string output;
};
/// Runs the program with these arguments to its end, at most for `limit`.
CommandEnd run_command(std::vector<std::string> arguments, Variables environment = {},
                       std::chrono::milliseconds limit = std::chrono::seconds(90));

} // namespace runtime_agent::e2e
