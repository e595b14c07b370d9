#include "app/commands/diagnostics_client.hpp"

#include <ostream>

#include <fmt/format.h>
#include <httplib.h>

#include "app/presentation/text_table.hpp"

namespace runtime_agent::app {
namespace {

constexpr std::size_t largest_page = 64u << 20;

Failure not_reached(std::uint16_t port) {
  Failure failure;
  failure.kind = FailureKind::network;
  failure.where = fmt::format("127.0.0.1:{}", port);
  failure.what = "no agent answers there";
  failure.next =
      fmt::format("in a cluster: kubectl -n NAMESPACE exec deploy/runtime-agent -- runtime-agent …, or kubectl "
                  "-n NAMESPACE port-forward deploy/runtime-agent {0} and this command again (another local "
                  "port: APP_DIAGNOSTICS_PORT)",
                  port);
  return failure;
}

} // namespace

Result<nlohmann::ordered_json> diagnostics_page(std::uint16_t port, const std::string& path) {
  httplib::Client client("127.0.0.1", port);
  client.set_connection_timeout(2);
  client.set_read_timeout(10);
  client.set_tcp_nodelay(true);
  std::string body;
  int status = 0;
  const httplib::Headers headers{{"Accept", "application/json"}, {"Host", fmt::format("127.0.0.1:{}", port)}};
  const auto result = client.Get(
      path.c_str(), headers,
      [&](const httplib::Response& response) {
        status = response.status;
        return true;
      },
      [&](const char* data, std::size_t size) {
        body.append(data, size);
        return body.size() <= largest_page;
      });
  if (!result)
    return failed(not_reached(port));
  auto document = nlohmann::ordered_json::parse(body, nullptr, false);
  if (document.is_discarded() || !document.is_object()) {
    Failure failure = not_reached(port);
    failure.what = "what answers there is not a Runtime Agent";
    return failed(failure);
  }
  if (status != 200) {
    Failure failure;
    failure.kind = FailureKind::not_found;
    failure.where = "the agent";
    failure.what = document.value("error", "no reason given");
    return failed(failure);
  }
  return document;
}

int say_failure(const Invocation& invocation, const Failure& failure) {
  invocation.err << "runtime-agent: " << printable(failure.text()) << '\n';
  return exit_failed;
}

} // namespace runtime_agent::app
