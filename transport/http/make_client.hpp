#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "transport/http/client.hpp"
#include "transport/http/proxy.hpp"
#include "transport/http/tls.hpp"
#include "transport/http/url.hpp"
#include "transport/x509/identity.hpp"

namespace runtime_agent::http {

struct ClientOptions {
  Url origin; ///< its target is not used
  /// For RequestSpan: "connector", "director" or "kubernetes"; a literal.
  std::string_view target{};
  RequestObserver* observer = nullptr; ///< may be null; must outlive the client
  x509::IdentityPtr identity{};        ///< the client certificate; may be null
  Trust trust{};
  std::string server_name{};       ///< the name that the server's certificate must have; empty: the origin's host
  std::optional<Proxy> proxy{};    ///< as `ProxySettings::proxy_for(origin)` says
  std::size_t max_connections = 8; ///< calls beyond it wait for one, within their deadline
  std::string user_agent = "runtime-agent";
  /// Asked directly before each request leaves, also before one that is sent again: its Failure is the call's, and
  /// nothing is sent. May be empty. Thread-safe, and quick.
  std::function<Result<void>()> permit{};
  /// For resolving, connecting, the proxy and the TLS handshake together.
  std::chrono::milliseconds connect_timeout{10'000};
  /// Idle connections older than this are not used again: gateways drop theirs after about a minute.
  std::chrono::milliseconds idle_timeout{55'000};
  /// The head of a streamed answer comes at once, however long the stream is silent then: one that has not come after
  /// this time never will.
  std::chrono::milliseconds stream_head_timeout{30'000};
};

/// Makes no connection and reads no file before the first call: files that are not there yet, or are wrong, make that
/// call fail (kind configuration). Beyond what Client says: an answer that is not HTTP is `malformed`; header values
/// with control characters are refused (configuration) before anything is sent; redirects are not followed. A request
/// that a kept connection swallowed is sent once more on a fresh one where it cannot have been processed, its method is
/// idempotent, or it is `repeatable`; otherwise the Failure says `maybe_processed`.
std::shared_ptr<Client> make_client(ClientOptions options);

} // namespace runtime_agent::http
