#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "transport/http/client.hpp"

namespace runtime_agent::http::test {

/// Answers each request with what a function says, and remembers the requests.
class FakeClient final : public Client {
public:
  using Answer = std::function<Result<Response>(const Request&, const CallContext&)>;
  explicit FakeClient(Answer answer) : answer_(std::move(answer)) {}
  /// Always the same answer.
  FakeClient(int status, std::string body, Headers headers = {})
      : FakeClient([=](const Request&, const CallContext&) -> Result<Response> {
          return Response{status, headers, body};
        }) {}

  Result<Response> send(const Request& request, const CallContext& context) override {
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(request);
      contexts_.push_back(context);
    }
    return answer_(request, context);
  }
  Result<Response> stream(const Request&, const CallContext&, std::chrono::steady_clock::duration,
                          const DataReceiver&) override {
    return failed({.kind = FailureKind::internal, .what = "not faked"});
  }
  void drop_idle_connections() override { ++drops; }

  std::vector<Request> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<CallContext> contexts() const {
    std::lock_guard lock(mutex_);
    return contexts_;
  }
  int drops = 0;

private:
  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::vector<CallContext> contexts_;
};

} // namespace runtime_agent::http::test
