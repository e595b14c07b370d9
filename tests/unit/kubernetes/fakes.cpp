#include "tests/unit/kubernetes/fakes.hpp"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace runtime_agent::kubernetes::test {

std::chrono::steady_clock::time_point FakeClock::now() const {
  const std::lock_guard lock(mutex_);
  return start_ + passed_;
}

std::chrono::system_clock::time_point FakeClock::wall() const {
  const std::lock_guard lock(mutex_);
  // 2026-07-01T12:00:00Z
  return std::chrono::system_clock::time_point(seconds(1782907200)) +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(passed_);
}

bool FakeClock::wait(const CancelToken& cancel, std::chrono::steady_clock::duration duration) {
  if (cancel.cancelled())
    return true;
  const std::lock_guard lock(mutex_);
  passed_ += duration;
  waits_.push_back(std::chrono::duration_cast<milliseconds>(duration).count());
  return false;
}

void FakeClock::advance(std::chrono::steady_clock::duration duration) {
  const std::lock_guard lock(mutex_);
  passed_ += duration;
}

std::vector<long> FakeClock::waits() const {
  const std::lock_guard lock(mutex_);
  return waits_;
}

void ScriptedClient::answers(int status, std::string body, http::Headers headers) {
  then([answer = http::Response{status, std::move(headers), std::move(body)}](
           const http::Request&, const http::DataReceiver*) { return answer; });
}

void ScriptedClient::fails(FailureKind kind, bool maybe_processed) {
  Failure failure;
  failure.kind = kind;
  failure.where = "scripted";
  failure.what = "scripted failure";
  failure.maybe_processed = maybe_processed;
  then([failure](const http::Request&, const http::DataReceiver*) { return failed(failure); });
}

void ScriptedClient::then(Answer answer) {
  script_.push_back(std::move(answer));
}

void ScriptedClient::streams(std::vector<std::string> pieces) {
  then([pieces = std::move(pieces)](const http::Request&, const http::DataReceiver* receive) -> Result<http::Response> {
    if (receive == nullptr)
      return failed({.kind = FailureKind::internal, .what = "a stream was scripted"});
    for (const auto& piece : pieces)
      if (!(*receive)(piece))
        break;
    return http::Response{200, {}, {}};
  });
}

Result<http::Response> ScriptedClient::next(const http::Request& request, const http::DataReceiver* receive) {
  requests.push_back(request);
  if (script_.empty()) {
    ADD_FAILURE() << "not in the script: " << request.method << " " << request.path;
    return failed({.kind = FailureKind::internal, .what = "not in the script"});
  }
  const Answer answer = std::move(script_.front());
  script_.pop_front();
  return answer(request, receive);
}

Result<http::Response> ScriptedClient::send(const http::Request& request, const CallContext&) {
  return next(request, nullptr);
}

Result<http::Response> ScriptedClient::stream(const http::Request& request, const CallContext&,
                                              std::chrono::steady_clock::duration idle_limit,
                                              const http::DataReceiver& receive) {
  last_idle_limit = idle_limit;
  return next(request, &receive);
}

ScriptedCluster::ScriptedCluster() : ScriptedCluster(plain_config()) {}

ScriptedCluster::ScriptedCluster(ClusterConfig config, ApiOptions options) {
  const auto connect = [this](const Endpoint& endpoint) -> Result<std::shared_ptr<http::Client>> {
    endpoints.push_back(endpoint);
    return client;
  };
  api = make_api(std::move(config), options, connect, clock);
}

CallContext ScriptedCluster::within(std::chrono::milliseconds time) const {
  CallContext context;
  context.deadline = clock.now() + time;
  return context;
}

ClusterConfig plain_config() {
  ClusterConfig config;
  config.source = "test configuration";
  config.server = "https://10.0.0.1:6443";
  config.token.data = Secret("original");
  config.namespace_ = "default";
  return config;
}

std::string status_body(int code, const std::string& reason, const std::string& message, const std::string& details) {
  Json status{{"kind", "Status"},   {"apiVersion", "v1"}, {"status", "Failure"},
              {"message", message}, {"reason", reason},   {"code", code}};
  status["details"] = Json::parse(details);
  return status.dump();
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "kubernetes-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    ADD_FAILURE() << "no temporary folder";
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::file(const std::string& name, const std::string& content,
                                            bool executable) const {
  const auto path = path_ / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  if (executable)
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

ClusterEnvironment environment(std::map<std::string, std::string> variables, std::filesystem::path service_account) {
  return {[variables = std::move(variables)](const char* name) {
            const auto found = variables.find(name);
            return found == variables.end() ? std::string() : found->second;
          },
          std::move(service_account)};
}

} // namespace runtime_agent::kubernetes::test
