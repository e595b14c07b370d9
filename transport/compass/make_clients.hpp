#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "transport/call.hpp"
#include "transport/compass/clients.hpp"
#include "transport/graphql/execute.hpp"
#include "transport/http/make_client.hpp"
#include "transport/http/proxy.hpp"

namespace runtime_agent::compass {

/// What one fetch may bring: beyond it there is a Failure, and the cluster stays as it is.
struct FetchBounds {
  std::size_t most_applications = 20'000; ///< APP_FETCH_MAX_APPLICATIONS
  /// Of what comes, and of what is held of it in memory, where two fetches stand beside each other
  /// (APP_FETCH_MAX_SIZE).
  std::size_t most_bytes = 80u << 20;
};

/// How Compass is reached. Source: contract §§1.3, 3, 4.
struct ClientSettings {
  /// Off: any server certificate is believed, and http:// URLs are allowed (APP_SKIP_COMPASS_TLS_VERIFY).
  bool verify_tls = true;
  http::ProxySettings proxies{};
  RequestObserver* observer = nullptr; ///< may be null; must outlive the client
  std::string user_agent = "runtime-agent";
  std::chrono::milliseconds request_timeout{30'000};            ///< of each request
  std::function<Result<void>()> permit{};                       ///< http::ClientOptions::permit
  std::size_t page_size = 100;                                  ///< 1 to 200, at every level
  std::size_t most_response_bytes = graphql::most_answer_bytes; ///< of each answer
  FetchBounds fetch{};                                          ///< of the Director's data
  graphql::CallLogger call_logger{};                            ///< APP_QUERY_LOGGING; may be empty
  /// Makes the HTTP clients; tests give their own.
  std::function<std::shared_ptr<http::Client>(http::ClientOptions)> make_http = http::make_client;
};

/// For each origin and identity there is one HTTP client, which ends some time after another has taken its place;
/// requests under way are not disturbed.
std::shared_ptr<ConnectorClient> make_connector_client(ClientSettings settings);
std::shared_ptr<DirectorClient> make_director_client(ClientSettings settings);

} // namespace runtime_agent::compass
