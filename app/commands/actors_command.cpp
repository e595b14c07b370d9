#include "app/commands/diagnostics_client.hpp"
#include "app/commands/environment.hpp"
#include "app/exit_codes.hpp"
#include "app/pages/page.hpp"

namespace runtime_agent::app {

Command actors_command() {
  return {"actors", "the actors of the running agent: state, restarts, mailbox, last failure",
          [](CLI::App& cli, Invocation& invocation) {
            add_output_option(cli, invocation);
            return [&invocation] {
              const auto settings = settings_of(invocation);
              if (!settings)
                return exit_invalid_settings;
              const auto page = diagnostics_page(settings->diagnostics_port, "/actorz");
              if (!page)
                return say_failure(invocation, page.error());
              print(invocation, *page, actors_text(*page));
              return 0;
            };
          }};
}

} // namespace runtime_agent::app
