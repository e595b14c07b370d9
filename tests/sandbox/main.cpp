#include <csignal>
#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "tests/sandbox/compass/datasets.hpp"
#include "tests/sandbox/control_server.hpp"

namespace {

using namespace runtime_agent::sandbox;

constexpr const char* description =
    R"(A sandbox for the Runtime Agent: Compass and a cluster to try it on, on this machine alone.

It starts a stand-in for Compass (a certification authority, the Connector, the Director) and, unless
told otherwise, an in-memory Kubernetes API; makes the namespaces, writes the connection configuration
with a one-time token, and prints the environment that an agent needs. The agent cannot tell it from
the real thing: tokens are spent, certificates are checked, queries are validated. Through the control
port you change what the Director holds, take services down and look at what was asked.
Everything listens on loopback only. SIGTERM, Ctrl-C or POST /shutdown ends it.)";

constexpr const char* examples = R"(
Examples:
  runtime-agent-sandbox --demo --dir /tmp/sandbox       six Applications such as an operator has
  set -a; . /tmp/sandbox/agent.env; runtime-agent       an agent, in another terminal
  runtime-agent-sandbox --applications 500              many Applications
  runtime-agent-sandbox --kubeconfig ~/.kube/config     with a cluster of yours: it gets namespaces and
                                                        the configuration object
  curl localhost:PORT/                                  what the control port can do
  curl -d '{"service":"director","action":"http-503","times":3}' localhost:PORT/faults
  curl -X PUT -d '{"seconds":60}' localhost:PORT/validity
)";

struct Arguments {
  SandboxOptions sandbox;
  std::string dataset;
  std::string directory;
  std::string kubeconfig;
  std::string secret;
  std::size_t applications = 0;
  bool demo = false;
  bool without_cluster = false;
  bool without_configuration = false;
  int control_port = 0;
  long validity = 0;
  bool keep_order = false;
};

void describe(CLI::App& app, Arguments& arguments) {
  app.add_option("--dataset", arguments.dataset, "FILE with what the Director holds (JSON)")->check(CLI::ExistingFile);
  app.add_option("--applications", arguments.applications, "so many generated Applications instead");
  app.add_flag("--demo", arguments.demo, "six Applications for a demonstration instead");
  app.add_option("--dir", arguments.directory,
                 "where kubeconfig, ca.pem and agent.env are written (default: a temporary folder)");
  app.add_option("--control-port", arguments.control_port, "port of the control port (default: a free one)");
  app.add_option("--port-kubernetes", arguments.sandbox.kubernetes_port,
                 "port of the Kubernetes API (default: a free one)");
  app.add_option("--port-token-connector", arguments.sandbox.compass.token_connector_port,
                 "port of the token-secured Connector");
  app.add_option("--port-connector", arguments.sandbox.compass.connector_port,
                 "port of the certificate-secured Connector");
  app.add_option("--port-director", arguments.sandbox.compass.director_port, "port of the Director");
  app.add_option("--certificate-validity", arguments.validity,
                 "SECONDS that client certificates are good for (default: 90 days)")
      ->check(CLI::PositiveNumber);
  app.add_option("--runtime-id", arguments.sandbox.compass.runtime_id, "id of the Runtime")->capture_default_str();
  app.add_option("--tenant", arguments.sandbox.compass.tenant, "tenant of the Runtime")->capture_default_str();
  auto* seed = app.add_option("--order-seed", arguments.sandbox.compass.order_seed,
                              "NUMBER that the orders of bundles, definitions and auths are drawn from: another one in "
                              "each answer, as the Director gives them (default: 1)");
  app.add_flag("--keep-order", arguments.keep_order, "give them in the order of the dataset instead")->excludes(seed);
  app.add_option("--subject", arguments.sandbox.compass.connector.subject,
                 "subject offered for client certificates; {runtime} is its id")
      ->capture_default_str();
  app.add_option("--configuration-secret", arguments.secret,
                 "NAMESPACE/NAME of a Secret for the configuration, instead of the ConfigMap");
  app.add_flag("--no-configuration", arguments.without_configuration,
               "do not write the configuration object at the start");
  auto* own = app.add_option("--kubeconfig", arguments.kubeconfig, "FILE: use this cluster instead of one in memory")
                  ->check(CLI::ExistingFile);
  app.add_flag("--no-kubernetes", arguments.without_cluster, "no cluster at all: Compass alone")->excludes(own);
  app.footer(examples);
}

/// Throws std::runtime_error where an argument has no sense.
void complete(Arguments& arguments) {
  auto& options = arguments.sandbox;
  options.directory = arguments.directory;
  options.write_configuration = !arguments.without_configuration;
  if (arguments.without_cluster)
    options.cluster = SandboxOptions::Cluster::none;
  if (!arguments.kubeconfig.empty()) {
    options.cluster = SandboxOptions::Cluster::external;
    options.kubeconfig = arguments.kubeconfig;
  }
  if (arguments.keep_order)
    options.compass.order_seed.reset();
  if (arguments.validity > 0)
    options.compass.connector.certificate_validity = std::chrono::seconds(arguments.validity);
  if (!arguments.secret.empty()) {
    const auto slash = arguments.secret.find('/');
    if (slash == std::string::npos)
      throw std::runtime_error("--configuration-secret is NAMESPACE/NAME, not \"" + arguments.secret + "\"");
    options.configuration = {ConfigurationObject::Kind::secret, arguments.secret.substr(0, slash),
                             arguments.secret.substr(slash + 1)};
  }
}

nlohmann::json chosen_dataset(const Arguments& arguments) {
  if (arguments.demo)
    return compass::demonstration();
  if (arguments.applications > 0)
    return compass::generated_applications(arguments.applications);
  if (arguments.dataset.empty())
    return nlohmann::json::object();
  std::ifstream file(arguments.dataset);
  return nlohmann::json::parse(file);
}

int run(Arguments& arguments, const sigset_t& signals) {
  complete(arguments);
  Sandbox sandbox(arguments.sandbox);
  if (const auto set = sandbox.compass().set_dataset(chosen_dataset(arguments)); !set)
    throw std::runtime_error(arguments.dataset + ": " + set.error());
  const ControlServer control(sandbox, arguments.control_port, [] { ::kill(::getpid(), SIGTERM); });
  std::cout << "# Environment of an agent (also in " << (sandbox.directory() / "agent.env").string() << ")\n"
            << export_lines(sandbox.environment()) << "# Control port: curl http://127.0.0.1:" << control.port()
            << "/\n"
            << "# Connector: " << sandbox.compass().token_connector_url() << "\n"
            << "# Director:  " << sandbox.compass().director_url() << "\n"
            << "# Ready" << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  // Before any thread starts, so that all of them leave these signals to sigwait.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Arguments arguments;
  CLI::App app(description, "runtime-agent-sandbox");
  describe(app, arguments);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(arguments, signals);
  } catch (const std::exception& error) {
    std::cerr << "runtime-agent-sandbox: " << error.what() << "\n";
    return 1;
  }
}
