#include "transport/http/proxy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "transport/encoding.hpp"
#include <arpa/inet.h>

namespace runtime_agent::http {
namespace {

tl::unexpected<Failure> bad_proxy(std::string what) {
  return failed({.kind = FailureKind::configuration,
                 .where = "proxy",
                 .what = std::move(what),
                 .next = "give it as http://host:port or http://user:password@host:port"});
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool triplet = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0;
    if (triplet && hex_digit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

/// An address as 16 bytes, IPv4 mapped into IPv6, so that both compare alike.
std::optional<std::array<std::uint8_t, 16>> address_bytes(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1)
    return bytes;
  bytes[10] = bytes[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1)
    return bytes;
  return std::nullopt;
}

bool in_network(const std::string& host, std::string_view cidr) {
  const auto slash = cidr.find('/');
  const std::string base(cidr.substr(0, slash));
  const auto prefix_text = cidr.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, error] = std::from_chars(prefix_text.data(), prefix_text.data() + prefix_text.size(), prefix);
  const auto network = address_bytes(base);
  const auto address = address_bytes(host);
  if (error != std::errc{} || end != prefix_text.data() + prefix_text.size() || !network || !address)
    return false;
  const bool v4 = base.find(':') == std::string::npos;
  if (prefix > (v4 ? 32u : 128u))
    return false;
  const unsigned bits = v4 ? prefix + 96 : prefix;
  for (unsigned bit = 0; bit < bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80u >> (bit % 8));
    if (((*network)[bit / 8] & mask) != ((*address)[bit / 8] & mask))
      return false;
  }
  return true;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || in_network(host, "127.0.0.0/8");
}

/// Takes ":port" off an exclusion; 0 where it names no port.
unsigned take_port(std::string& exclusion) {
  const auto colon = exclusion.rfind(':');
  if (colon == std::string::npos || exclusion.find(']', colon) != std::string::npos)
    return 0;
  const bool bare_v6 = exclusion.front() != '[' && exclusion.find(':') != colon;
  unsigned port = 0;
  const auto* last = exclusion.data() + exclusion.size();
  const auto [end, error] = std::from_chars(exclusion.data() + colon + 1, last, port);
  if (bare_v6 || error != std::errc{} || end != last)
    return 0;
  exclusion.erase(colon);
  return port;
}

bool excludes(std::string exclusion, const Url& origin) {
  if (exclusion.find('/') != std::string::npos)
    return in_network(origin.host, exclusion);
  const unsigned port = take_port(exclusion);
  if (port != 0 && port != origin.port)
    return false;
  if (exclusion.starts_with('[') && exclusion.ends_with(']'))
    exclusion = exclusion.substr(1, exclusion.size() - 2);
  if (const auto address = address_bytes(exclusion))
    return address == address_bytes(origin.host);
  if (exclusion.starts_with("*."))
    exclusion.erase(0, 1);
  if (exclusion.starts_with('.'))
    return origin.host.size() > exclusion.size() && origin.host.ends_with(exclusion);
  return !exclusion.empty() && (origin.host == exclusion || origin.host.ends_with("." + exclusion));
}

std::vector<std::string> split_exclusions(const std::string& text) {
  std::vector<std::string> exclusions;
  std::string present;
  for (const char c : text + ",") {
    if (c == ',') {
      if (!present.empty())
        exclusions.push_back(std::move(present));
      present.clear();
    } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
      present += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return exclusions;
}

} // namespace

std::string Proxy::text() const {
  return "http://" + Url{.scheme = "http", .host = host, .port = port}.authority();
}

Result<Proxy> Proxy::parse(std::string_view text) {
  std::string rest(text);
  if (rest.find("://") == std::string::npos)
    rest = "http://" + rest;
  if (!rest.starts_with("http://") && !rest.starts_with("HTTP://"))
    return bad_proxy("its scheme is not http");
  Proxy proxy;
  const auto authority_end = std::min(rest.find('/', 7), rest.size());
  const auto at = rest.rfind('@', authority_end);
  if (at != std::string::npos && at >= 7) {
    const auto user_information = std::string_view(rest).substr(7, at - 7);
    const auto colon = std::min(user_information.find(':'), user_information.size());
    auto pair = percent_decoded(user_information.substr(0, colon)) + ":";
    if (colon < user_information.size())
      pair += percent_decoded(user_information.substr(colon + 1));
    proxy.authorization = Secret("Basic " + base64_encode(pair));
    wipe(pair);
    rest.erase(7, at - 6);
  }
  auto url = Url::parse(rest);
  if (!url)
    return bad_proxy(url.error().what);
  proxy.host = url->host;
  proxy.port = url->port;
  return proxy;
}

Result<ProxySettings> ProxySettings::from_environment(const Environment& environment) {
  ProxySettings settings;
  const auto value = [&](const char* upper, const char* lower) {
    auto text = environment(upper);
    return text.empty() ? environment(lower) : text;
  };
  const auto read = [&](const char* upper, const char* lower, std::optional<Proxy>& into) -> Result<void> {
    const auto text = value(upper, lower);
    if (text.empty())
      return {};
    auto proxy = Proxy::parse(text);
    if (!proxy) {
      proxy.error().where = upper;
      return tl::unexpected(proxy.error());
    }
    into = std::move(*proxy);
    return {};
  };
  if (auto done = read("HTTPS_PROXY", "https_proxy", settings.https_); !done)
    return tl::unexpected(done.error());
  if (auto done = read("HTTP_PROXY", "http_proxy", settings.http_); !done)
    return tl::unexpected(done.error());
  settings.exclusions_ = split_exclusions(value("NO_PROXY", "no_proxy"));
  return settings;
}

Result<ProxySettings> ProxySettings::from_environment() {
  return from_environment([](const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): read at start only
    return std::string(value == nullptr ? "" : value);
  });
}

std::optional<Proxy> ProxySettings::proxy_for(const Url& origin) const {
  if (is_loopback(origin.host) || excluded(origin))
    return std::nullopt;
  return origin.https() ? https_ : http_;
}

bool ProxySettings::excluded(const Url& origin) const {
  return std::any_of(exclusions_.begin(), exclusions_.end(),
                     [&](const std::string& exclusion) { return exclusion == "*" || excludes(exclusion, origin); });
}

} // namespace runtime_agent::http
