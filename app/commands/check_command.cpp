#include <ostream>

#include <CLI/CLI.hpp>

#include "app/commands/checks.hpp"
#include "app/commands/command.hpp"
#include "app/commands/environment.hpp"
#include "app/commands/progress.hpp"
#include "app/presentation/text_table.hpp"
#include "app/run.hpp"

namespace runtime_agent::app {
namespace {

constexpr int exit_something_is_wrong = 1;

int check(Invocation& invocation, const std::string& as) {
  const auto settings = settings_of(invocation);
  if (!settings)
    return exit_invalid_settings;
  auto access = cluster_access(invocation, as);
  if (!access) {
    invocation.err << "runtime-agent: " << printable(access.error().text()) << '\n';
    return exit_invalid_settings;
  }
  Progress progress(invocation.err);
  CheckReport report([&progress](std::string_view what) { progress.say(what); });
  Checks checks{*settings, std::move(access->config), std::move(access->api), std::move(access->proxies), report};
  if (check_cluster(checks)) {
    check_configuration(checks);
    check_compass(checks);
    check_connection(checks);
  }
  progress.done();
  print(invocation, report.document(), report.text());
  return report.good() ? 0 : exit_something_is_wrong;
}

} // namespace

Command check_command() {
  return {"check", "check everything that the agent depends on, from the API server to the Director",
          [](CLI::App& cli, Invocation& invocation) {
            const auto as = std::make_shared<std::string>();
            add_kubeconfig_option(cli, invocation);
            add_output_option(cli, invocation);
            cli.add_option("--as", *as,
                           "check the rights of this user, as kubectl does "
                           "(system:serviceaccount:compass-system:runtime-agent)")
                ->type_name("USER");
            return [as, &invocation] { return check(invocation, *as); };
          }};
}

} // namespace runtime_agent::app
