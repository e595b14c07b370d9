#include "transport/compass/address.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include "transport/http/url.hpp"

namespace runtime_agent::compass {
namespace {

constexpr const char* loopback = "this pod itself (a loopback address)";
constexpr const char* link_local = "a link-local address, where a cloud keeps its credentials";

const char* kind_of_v4(std::uint32_t address) {
  if (address >> 24 == 127 || address == 0) // connecting to 0.0.0.0 is connecting to oneself
    return loopback;
  return address >> 16 == 0xa9fe ? link_local : nullptr;
}

const char* kind_of_v6(const in6_addr& address) {
  if (IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_UNSPECIFIED(&address))
    return loopback;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::uint32_t last = 0;
    std::memcpy(&last, &address.s6_addr[12], sizeof last);
    return kind_of_v4(ntohl(last));
  }
  return IN6_IS_ADDR_LINKLOCAL(&address) ? link_local : nullptr;
}

/// Every spelling that connecting would take for an address ("127.1" too), without asking a server.
const char* kind_of_address(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0)
    return nullptr;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);
  if (list->ai_family == AF_INET)
    return kind_of_v4(ntohl(reinterpret_cast<const sockaddr_in*>(list->ai_addr)->sin_addr.s_addr));
  if (list->ai_family == AF_INET6)
    return kind_of_v6(reinterpret_cast<const sockaddr_in6*>(list->ai_addr)->sin6_addr);
  return nullptr;
}

const char* kind_of_host(std::string_view host) {
  while (host.ends_with('.'))
    host.remove_suffix(1);
  if (host == "localhost" || host.ends_with(".localhost"))
    return loopback;
  return kind_of_address(std::string(host));
}

} // namespace

std::optional<std::string> address_warning(const std::string& given, const std::string& named) {
  const auto url = http::Url::parse(named);
  if (!url)
    return std::nullopt; // not used as it is, and said elsewhere
  const auto from = http::Url::parse(given);
  std::string text;
  if (!url->https() && (!from || from->https()))
    text = fmt::format("{} is not encrypted{}", url->origin(), from ? ", although CONNECTOR_URL is" : "");
  if (const char* kind = kind_of_host(url->host); kind != nullptr && (!from || from->host != url->host))
    text += text.empty() ? fmt::format("{} is {}", url->origin(), kind) : fmt::format(", and is {}", kind);
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

} // namespace runtime_agent::compass
