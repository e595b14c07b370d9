#include "app/page_access.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace runtime_agent::app {
namespace {

/// Host header → host, without the port.
std::string host_of(std::string_view header) {
  std::string host;
  if (header.starts_with('['))
    host = header.substr(0, header.find(']') + (header.find(']') == std::string_view::npos ? 0 : 1));
  else
    host = header.substr(0, header.find(':'));
  std::transform(host.begin(), host.end(), host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return host;
}

bool is_loopback(std::string_view header) {
  constexpr std::array names = {"localhost", "127.0.0.1", "[::1]"};
  const std::string host = host_of(header);
  return std::any_of(names.begin(), names.end(), [&host](const char* name) { return host == name; });
}

} // namespace

std::optional<std::string> refused(const WebRequest& request) {
  const std::string host = request.header("host");
  if (!is_loopback(host))
    return "These pages are only served on localhost: use kubectl port-forward and the address that it prints.";
  if (request.method == "GET" || request.method == "HEAD")
    return std::nullopt;
  const std::string origin = request.header("origin");
  const std::string site = request.header("sec-fetch-site");
  const bool from_elsewhere =
      (!origin.empty() && origin != "http://" + host) || (!site.empty() && site != "same-origin" && site != "none");
  if (from_elsewhere)
    return "This request comes from a page of another origin.";
  return std::nullopt;
}

} // namespace runtime_agent::app
