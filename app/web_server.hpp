#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "transport/failure.hpp"

namespace runtime_agent::app {

struct WebRequest {
  std::string method; ///< "GET"
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers; ///< names in lower case; of one that is given twice, the first

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

struct WebResponse {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::map<std::string, std::string> headers{};
};

using WebHandler = std::function<WebResponse(const WebRequest&)>;

/// A small HTTP server for probes, metrics and pages, with threads of its own: nothing that the agent does can keep a
/// probe waiting. Reads no request bodies (CVE-2025-46728 bypasses the library's own limit). Handlers run on its
/// threads.
class WebServer {
public:
  WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;
  ~WebServer();

  /// Before `start`. `path` is exact.
  void get(const std::string& path, WebHandler handler);
  void post(const std::string& path, WebHandler handler);

  /// Listens on the first of `addresses` where it can; "::" takes IPv4 connections too. `port` 0 takes a free one.
  /// Failure (configuration): the port is taken, and by which setting it is given (`setting`).
  Result<std::uint16_t> start(const std::vector<std::string>& addresses, std::uint16_t port,
                              const std::string& setting);
  void stop();

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace runtime_agent::app
