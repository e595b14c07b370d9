#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/failure.hpp"

namespace runtime_agent::http {

/// An absolute http or https URL, taken apart. Made by `parse` only, so that every part is fit for the wire.
struct Url {
  std::string scheme{}; ///< "http" or "https"
  std::string host{};   ///< lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string target = "/"; ///< path and query, as they are sent

  /// Failure (configuration): says what is wrong; never repeats user information, which may hold a password.
  /// Refused: other schemes, user information, blank hosts, hosts that are no name or address, ports outside 1 to
  /// 65535, fragments, and every character that would have to be percent-encoded.
  static Result<Url> parse(std::string_view text);

  bool https() const noexcept { return scheme == "https"; }
  bool host_is_address() const noexcept;
  /// "host:port", brackets around an IPv6 address; the port also where it is the scheme's own.
  std::string authority() const;
  /// What the Host header holds: `authority()`, without the port where it is the scheme's own.
  std::string host_header() const;
  /// "https://host" or "https://host:port": for messages, and as the key of clients.
  std::string origin() const;
  bool operator==(const Url&) const = default;
};

/// Whether `text` is an IPv4 or IPv6 address (no brackets, no zone).
bool is_ip_address(std::string_view text) noexcept;

} // namespace runtime_agent::http
