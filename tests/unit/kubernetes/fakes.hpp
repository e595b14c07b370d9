#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "transport/http/client.hpp"
#include "transport/kubernetes/api_client.hpp"
#include "transport/kubernetes/clock.hpp"
#include "transport/kubernetes/cluster_config.hpp"

namespace runtime_agent::kubernetes::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Time that passes only where somebody waits or says so.
class FakeClock : public Clock {
public:
  std::chrono::steady_clock::time_point now() const override;
  std::chrono::system_clock::time_point wall() const override;
  bool wait(const CancelToken& cancel, std::chrono::steady_clock::duration duration) override;
  void advance(std::chrono::steady_clock::duration duration);
  /// Every wait so far, in milliseconds.
  std::vector<long> waits() const;

private:
  mutable std::mutex mutex_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration passed_{};
  std::vector<long> waits_;
};

/// Answers requests from a script and remembers them. Answers beyond the script fail the test.
class ScriptedClient : public http::Client {
public:
  using Answer = std::function<Result<http::Response>(const http::Request&, const http::DataReceiver*)>;

  void answers(int status, std::string body, http::Headers headers = {});
  void fails(FailureKind kind, bool maybe_processed = false);
  void then(Answer answer);
  /// Streams the pieces with status 200.
  void streams(std::vector<std::string> pieces);

  Result<http::Response> send(const http::Request& request, const CallContext& context) override;
  Result<http::Response> stream(const http::Request& request, const CallContext& context,
                                std::chrono::steady_clock::duration idle_limit,
                                const http::DataReceiver& receive) override;
  void drop_idle_connections() override {}

  std::vector<http::Request> requests;
  std::chrono::steady_clock::duration last_idle_limit{};

private:
  Result<http::Response> next(const http::Request& request, const http::DataReceiver* receive);
  std::deque<Answer> script_;
};

/// An Api over a ScriptedClient and a FakeClock.
struct ScriptedCluster {
  ScriptedCluster();
  explicit ScriptedCluster(ClusterConfig config, ApiOptions options = {});

  FakeClock clock;
  std::shared_ptr<ScriptedClient> client = std::make_shared<ScriptedClient>();
  std::vector<Endpoint> endpoints; ///< asked for so far: two for each login (requests, watches)
  std::unique_ptr<Api> api;

  /// `time` from the fake clock's now.
  CallContext within(std::chrono::milliseconds time) const;
};

/// "https://10.0.0.1:6443" with the token "original".
ClusterConfig plain_config();

/// A Status as the API server writes it.
std::string status_body(int code, const std::string& reason, const std::string& message,
                        const std::string& details = "{}");

/// A folder that is gone with its contents at the end.
class TemporaryFolder {
public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }
  /// Writes (over) a file and returns its path.
  std::filesystem::path file(const std::string& name, const std::string& content, bool executable = false) const;

private:
  std::filesystem::path path_;
};

/// An environment of these variables.
ClusterEnvironment environment(std::map<std::string, std::string> variables,
                               std::filesystem::path service_account = "/nonexistent");

} // namespace runtime_agent::kubernetes::test
