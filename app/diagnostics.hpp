#pragma once

#include "app/agent.hpp"
#include "app/settings.hpp"
#include "app/web_server.hpp"

namespace runtime_agent::app {

/// Health on the pod's address, pages for people on loopback.
class Diagnostics {
public:
  Diagnostics(const Settings& settings, Agent& agent);
  Result<void> start();
  void stop();

private:
  void add_health();
  void add_pages();
  /// Only where RUNTIME_AGENT_TEST_CONTROLS=on: tests and the demo make an actor throw.
  void add_test_controls();

  const Settings& settings_;
  Agent& agent_;
  WebServer health_;
  WebServer pages_;
};

} // namespace runtime_agent::app
