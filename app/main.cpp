#include <cstdlib>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "app/run.hpp"
#include "app/settings.hpp"
#include "app/version.hpp"

namespace {

constexpr const char* description =
    R"(The Runtime Agent connects a Kyma cluster to Compass, keeps that connection alive, and keeps the cluster's
Applications equal to what Compass' Director says. It is configured by environment variables and by one ConfigMap
(or Secret) with the keys CONNECTOR_URL, RUNTIME_ID, TENANT and TOKEN.)";

std::string footer() {
  return "Environment variables:\n" + runtime_agent::app::describe_settings() +
         R"(
Exit codes:
  0  ended by SIGTERM or SIGINT
  2  the command line or an environment variable is not valid
  3  an actor failed too often (the reason is in the log)

See the connection:  kubectl get compassconnection compass-connection -o yaml
Reconnect:           kubectl delete compassconnection compass-connection
)";
}

std::optional<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

int run(const std::string& kubeconfig) {
  const auto settings = runtime_agent::app::read_settings(variable);
  if (settings)
    return runtime_agent::app::run(*settings, kubeconfig);
  for (const std::string& problem : settings.error())
    std::cerr << "runtime-agent: " << problem << '\n';
  std::cerr << "runtime-agent: correct the environment of the Deployment; 'runtime-agent --help' lists all variables\n";
  return runtime_agent::app::exit_invalid_settings;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app(description, "runtime-agent");
  app.footer(footer());
  std::string kubeconfig;
  app.add_option("--kubeconfig", kubeconfig, "use this kubeconfig instead of KUBECONFIG or the pod's service account");
  auto* run_command = app.add_subcommand("run", "connect and synchronise until SIGTERM (also without any subcommand)");
  run_command->add_option("--kubeconfig", kubeconfig, "as above");
  auto* version_command = app.add_subcommand("version", "print the version");
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : runtime_agent::app::exit_invalid_settings;
  }
  if (version_command->parsed()) {
    std::cout << "runtime-agent " << runtime_agent::app::version << '\n';
    return 0;
  }
  return run(kubeconfig);
}
