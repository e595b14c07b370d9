#include "transport/http/url.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

#include "transport/http/letters.hpp"

namespace runtime_agent::http {
namespace {

tl::unexpected<Failure> bad_url(std::string what) {
  return failed({.kind = FailureKind::configuration,
                 .where = "URL",
                 .what = std::move(what),
                 .next = "give an absolute URL such as https://host/path"});
}

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

/// Splits "host:port" or "[v6]:port" into its parts; the port part keeps its colon.
Result<std::pair<std::string, std::string_view>> split_authority(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos)
      return bad_url("the address in the host has no closing bracket");
    std::string host(authority.substr(1, close - 1));
    if (host.find(':') == std::string::npos || !is_ip_address(host))
      return bad_url("the text in brackets is not an IPv6 address");
    return std::pair{std::move(host), authority.substr(close + 1)};
  }
  const auto colon = authority.find(':');
  return std::pair{std::string(authority.substr(0, colon)),
                   colon == std::string_view::npos ? std::string_view() : authority.substr(colon)};
}

} // namespace

bool is_ip_address(std::string_view text) noexcept {
  if (text.empty() || text.size() > INET6_ADDRSTRLEN)
    return false;
  const std::string terminated(text);
  in6_addr address{};
  return inet_pton(AF_INET, terminated.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, terminated.c_str(), &address) == 1;
}

Result<Url> Url::parse(std::string_view text) {
  if (text.empty())
    return bad_url("it is empty");
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable)
    return bad_url("it holds a space, a control character or a character that is not ASCII");
  Url url;
  const auto separator = text.find("://");
  if (separator == std::string_view::npos)
    return bad_url("it does not begin with https://");
  url.scheme = text.substr(0, separator);
  std::transform(url.scheme.begin(), url.scheme.end(), url.scheme.begin(), [](char c) { return lower(c); });
  if (url.scheme != "https" && url.scheme != "http")
    return bad_url("its scheme is neither https nor http");
  text.remove_prefix(separator + 3);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  const auto authority = text.substr(0, end);
  const auto rest = text.substr(end);
  if (authority.find('@') != std::string_view::npos)
    return bad_url("it holds user information before the host");
  if (authority.find('\\') != std::string_view::npos || rest.find_first_of("\\\"<>^`{|}") != rest.npos)
    return bad_url("it holds a character that must be percent-encoded");
  if (rest.find('#') != std::string_view::npos)
    return bad_url("it holds a fragment (#), which is never sent");
  auto parts = split_authority(authority);
  if (!parts)
    return tl::unexpected(parts.error());
  url.host = std::move(parts->first);
  std::transform(url.host.begin(), url.host.end(), url.host.begin(), [](char c) { return lower(c); });
  if (url.host.empty())
    return bad_url("it has no host");
  if (url.host.find(':') == std::string::npos && !std::all_of(url.host.begin(), url.host.end(), name_character))
    return bad_url("its host is neither a name nor an address");
  if (url.host.front() == '.' || url.host.find("..") != std::string::npos || url.host.size() > 253)
    return bad_url("its host is neither a name nor an address");
  url.port = default_port(url.scheme);
  const auto port = parts->second;
  if (!port.empty() && (port.front() != ':' || !parse_port(port.substr(1), url.port)))
    return bad_url("its port is not a number from 1 to 65535");
  if (!rest.empty())
    url.target = rest.front() == '/' ? std::string(rest) : "/" + std::string(rest);
  return url;
}

bool Url::host_is_address() const noexcept {
  return is_ip_address(host);
}

std::string Url::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::host_header() const {
  auto text = authority();
  if (port == default_port(scheme))
    text.erase(text.rfind(':'));
  return text;
}

std::string Url::origin() const {
  return scheme + "://" + host_header();
}

} // namespace runtime_agent::http
