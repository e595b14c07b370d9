#pragma once

#include <functional>
#include <memory>

#include "tests/sandbox/sandbox.hpp"

namespace runtime_agent::sandbox {

/// The control port: plain HTTP on loopback, JSON, for people and scripts. `GET /` explains it. Throws
/// std::runtime_error where the port cannot be had.
class ControlServer {
public:
  /// `port` 0: a free one. `shutdown` is called on a request to end, on the request's thread; it must not block.
  /// The sandbox outlives this server.
  ControlServer(Sandbox& sandbox, int port, std::function<void()> shutdown);
  ~ControlServer();

  int port() const { return port_; }

private:
  struct Endpoints;
  std::unique_ptr<Endpoints> endpoints_;
  int port_ = 0;
};

} // namespace runtime_agent::sandbox
