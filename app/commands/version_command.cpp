#include <ostream>

#include "app/commands/command.hpp"
#include "app/version.hpp"

namespace runtime_agent::app {

Command version_command() {
  return {"version", "print the version", [](CLI::App&, Invocation& invocation) {
            return [&invocation] {
              invocation.out << "runtime-agent " << version << '\n';
              return 0;
            };
          }};
}

} // namespace runtime_agent::app
