#pragma once

#include "app/agent.hpp"
#include "app/pages/sources.hpp"
#include "app/settings.hpp"
#include "app/web_server.hpp"

namespace runtime_agent::app {

/// Health and metrics on the pod's address, pages for people on loopback.
class Diagnostics {
public:
  Diagnostics(const Settings& settings, Agent& agent);
  Result<void> start();
  void stop();

private:
  void add_health();
  void add_metrics();
  void add_pages();
  /// Only where RUNTIME_AGENT_TEST_CONTROLS=on: tests and the demo make an actor throw.
  void add_test_controls();

  const Settings& settings_;
  Agent& agent_;
  PageSources sources_;
  WebServer health_;
  WebServer pages_;
};

/// Whether an actor does not answer any more, and in words which.
std::optional<std::string> unhealthy(const std::vector<supervision::ChildFacts>& children);

} // namespace runtime_agent::app
