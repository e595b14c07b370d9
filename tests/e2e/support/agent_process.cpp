#include "tests/e2e/support/agent_process.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <httplib.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace runtime_agent::e2e {
namespace {

using namespace std::chrono_literals;

const char* const given_folder = std::getenv("RUNTIME_AGENT_BIN");
const std::string agent_binary = given_folder != nullptr ? std::string(given_folder) + "/runtime-agent"
                                                         : RUNTIME_AGENT_BINARY_DIR "/bin/runtime-agent";

pid_t start(const std::vector<std::string>& arguments, const Variables& environment, const std::string& output) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : environment)
    lines.push_back(name + "=" + value);
  std::vector<char*> argv;
  for (const std::string& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (const std::string& line : lines)
    envp.push_back(const_cast<char*>(line.c_str()));
  envp.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (output.empty()) {
    posix_spawn_file_actions_addclose(&actions, STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, STDERR_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  }
  pid_t pid = -1;
  const int error = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    throw std::runtime_error("cannot start " + arguments[0] + ": " + std::generic_category().message(error));
  return pid;
}

} // namespace

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "runtime-agent-test-XXXXXX").string();
  if (!mkdtemp(pattern.data()))
    throw std::runtime_error("cannot make a temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool agent_has_sanitizers() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return given_folder == nullptr;
#else
  return false;
#endif
}

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  close(socket);
  return ntohs(address.sin_port);
}

bool eventually(std::chrono::milliseconds limit, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(20ms); // between two looks at another process; nothing is assumed about its pace
  }
  return true;
}

AgentProcess::AgentProcess(Variables environment, std::vector<std::string> arguments)
    : environment_(std::move(environment)) {
  environment_.emplace("APP_HEALTH_PORT", std::to_string(free_port()));
  environment_.emplace("APP_DIAGNOSTICS_PORT", std::to_string(free_port()));
  environment_.emplace("APP_TRACE_FILE", (folder_.path() / "trace").string());
  for (const char* inherited : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"})
    if (const char* value = std::getenv(inherited))
      environment_.emplace(inherited, value);
  arguments.insert(arguments.begin(), agent_binary);
  // For tests of the log: another place for stdout and stderr, such as a pipe; empty closes both. Not the agent's.
  const auto elsewhere = environment_.extract("TEST_OUTPUT");
  pid_ = start(arguments, environment_, elsewhere ? elsewhere.mapped() : (folder_.path() / "output").string());
}

AgentProcess::~AgentProcess() {
  if (!running())
    return;
  signal(SIGKILL);
  wait(10s);
}

void AgentProcess::signal(int number) {
  if (running())
    ::kill(pid_, number);
}

std::optional<int> AgentProcess::wait(std::chrono::milliseconds limit) {
  eventually(limit, [this] { return !running(); });
  return ended_;
}

bool AgentProcess::running() {
  if (ended_)
    return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_)
    return true;
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return false;
}

std::string AgentProcess::output() const {
  std::ifstream file(folder_.path() / "output");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> AgentProcess::lines() const {
  std::vector<std::string> lines;
  std::istringstream text(output());
  for (std::string line; std::getline(text, line);)
    lines.push_back(line);
  return lines;
}

std::string AgentProcess::diagnostics(const std::string& path) const {
  httplib::Client client("127.0.0.1", std::stoi(environment_.at("APP_DIAGNOSTICS_PORT")));
  const auto result = client.Get(path);
  return result ? result->body : std::string();
}

std::string AgentProcess::diagnostics_post(const std::string& path) const {
  httplib::Client client("127.0.0.1", std::stoi(environment_.at("APP_DIAGNOSTICS_PORT")));
  const auto result = client.Post(path);
  return result ? result->body : std::string();
}

int AgentProcess::restarts(const std::string& actor) const {
  const auto page = nlohmann::json::parse(diagnostics("/actorz?format=json"), nullptr, false);
  if (page.is_discarded())
    return -1;
  for (const auto& row : page["actors"])
    if (row["name"] == actor)
      return row["restarts"].get<int>();
  return -1;
}

std::string AgentProcess::health_body(const std::string& path) const {
  httplib::Client client("127.0.0.1", std::stoi(environment_.at("APP_HEALTH_PORT")));
  const auto result = client.Get(path);
  return result ? result->body : std::string();
}

int AgentProcess::health(const std::string& path) const {
  httplib::Client client("127.0.0.1", std::stoi(environment_.at("APP_HEALTH_PORT")));
  const auto result = client.Get(path);
  return result ? result->status : 0;
}

CommandEnd run_command(std::vector<std::string> arguments, Variables environment, std::chrono::milliseconds limit) {
  AgentProcess process(std::move(environment), std::move(arguments));
  const auto code = process.wait(limit);
  return {code, process.output()};
}

} // namespace runtime_agent::e2e
