#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/failure.hpp"
#include "transport/http/url.hpp"
#include "transport/secret.hpp"

namespace runtime_agent::http {

/// An HTTP proxy, spoken to without TLS: CONNECT for https origins, absolute request targets for http ones.
struct Proxy {
  std::string host; ///< as in Url
  std::uint16_t port = 0;
  /// The value of Proxy-Authorization ("Basic …"); empty: none.
  Secret authorization;

  /// "http://host:port", without credentials: for messages.
  std::string text() const;
  /// "http://user:password@host:port", "host:port". Credentials may be percent-encoded. Failure (configuration): other
  /// schemes than http, or not a URL; never repeats the credentials.
  static Result<Proxy> parse(std::string_view text);
};

/// Which proxy an origin is reached through. Source: contract §1.3, HTTPS_PROXY, HTTP_PROXY and NO_PROXY as everywhere.
class ProxySettings {
public:
  /// Returns the variable's value; empty where it is not set.
  using Environment = std::function<std::string(const char* name)>;

  /// No proxy for anything.
  ProxySettings() = default;
  /// Upper case goes before lower case. NO_PROXY: comma-separated; `*` for all; addresses, and networks as CIDR; a name
  /// stands for itself and everything below it, one with a leading dot (or `*.`) only for what is below it; each may
  /// end in `:port`. Loopback addresses and `localhost` are never reached through a proxy.
  /// Failure (configuration): names the variable.
  static Result<ProxySettings> from_environment(const Environment& environment);
  /// From the process' own environment.
  static Result<ProxySettings> from_environment();

  std::optional<Proxy> proxy_for(const Url& origin) const;

private:
  bool excluded(const Url& origin) const;

  std::optional<Proxy> https_;
  std::optional<Proxy> http_;
  std::vector<std::string> exclusions_; // lower case, no white space
};

} // namespace runtime_agent::http
