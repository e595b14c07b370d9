#include <chrono>
#include <ostream>
#include <thread>

#include <CLI/CLI.hpp>

#include "actors/status_writer/connection_status.hpp"
#include "app/commands/command.hpp"
#include "app/commands/environment.hpp"
#include "app/commands/progress.hpp"
#include "app/presentation/text_table.hpp"
#include "app/run.hpp"
#include "messages/status.hpp"

/// What a person asks of the agent, each the change of the CompassConnection that kubectl would make. Source: contract
/// §1.2.
namespace runtime_agent::app {
namespace {

using namespace std::chrono_literals;
using kubernetes::Json;

constexpr int exit_not_done = 1;
const std::string connection_name{status_writer::object_name};

struct Wish {
  const char* command;
  const char* summary;
  const char* asked; ///< what is said when it has been asked for
  const char* done;
  /// Asks for it; returns what `served` needs to know.
  std::function<Result<std::string>(kubernetes::Api&, const CallContext&)> ask;
  std::function<bool(const Json& connection, const std::string& asked)> served;
};

CallContext within(std::chrono::milliseconds limit) {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + limit;
  return context;
}

const Json& at(const Json& object, const char* pointer) {
  static const Json nothing;
  const Json::json_pointer place(pointer);
  return object.contains(place) ? object.at(place) : nothing;
}

std::string text(const Json& object, const char* pointer) {
  const Json& value = at(object, pointer);
  return value.is_string() ? value.get<std::string>() : std::string();
}

Wish spec_wish(const char* command, const char* summary, const char* asked, const char* done, const char* field) {
  const std::string pointer = std::string("/spec/") + field;
  return {command,
          summary,
          asked,
          done,
          [field](kubernetes::Api& api, const CallContext& context) -> Result<std::string> {
            const auto written = kubernetes::read_modify_write(
                api, kubernetes::compass_connections(), connection_name,
                [field](Json& object) {
                  if (!object["spec"].is_object())
                    object["spec"] = Json::object();
                  return std::exchange(object["spec"][field], true) != true;
                },
                context);
            if (!written)
              return failed(written.error());
            return std::string();
          },
          [pointer](const Json& connection, const std::string&) { return at(connection, pointer.c_str()) != true; }};
}

Wish reconnect_wish() {
  return {"reconnect",
          "reconnect with the token in the configuration object",
          "the CompassConnection is deleted; the agent reconnects",
          "reconnected",
          [](kubernetes::Api& api, const CallContext& context) -> Result<std::string> {
            const auto present = api.get(kubernetes::compass_connections(), connection_name, context);
            if (!present)
              return failed(present.error());
            const std::string uid = text(*present, "/metadata/uid");
            const auto removed = api.remove(kubernetes::compass_connections(), connection_name, {uid, ""}, context);
            if (!removed)
              return failed(removed.error());
            return uid;
          },
          [](const Json& connection, const std::string& uid) {
            const Json& annotations = at(connection, "/metadata/annotations");
            const bool waits = annotations.is_object() && annotations.contains(reconnect_annotation);
            const std::string state = text(connection, "/status/connectionState");
            return text(connection, "/metadata/uid") != uid && !waits && !state.empty() && state != "ConnectionFailed";
          }};
}

std::string state_line(const Json& connection) {
  std::string line = "state: " + text(connection, "/status/connectionState");
  for (const char* part : {"/status/connectionStatus/error", "/status/synchronizationStatus/error"})
    if (const std::string error = text(connection, part); !error.empty())
      line += "\n" + error;
  return line;
}

int explain(Invocation& invocation, const Failure& failure) {
  invocation.err << "runtime-agent: " << printable(failure.text()) << '\n';
  if (failure.kind == FailureKind::not_found)
    invocation.err << "runtime-agent: has the agent never run here? 'runtime-agent check' shows what is missing\n";
  return exit_not_done;
}

int wait_for(const Wish& wish, const std::string& asked, kubernetes::Api& api, std::chrono::milliseconds limit,
             Invocation& invocation) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  Progress progress(invocation.err);
  Json last;
  while (std::chrono::steady_clock::now() < deadline) {
    progress.say(std::string("waiting: ") + (last.is_null() ? "" : printable(state_line(last))));
    const auto present = api.get(kubernetes::compass_connections(), connection_name, within(10s));
    if (present && wish.served(last = *present, asked)) {
      progress.done();
      invocation.out << wish.done << '\n';
      return 0;
    }
    if (!present && present.error().kind != FailureKind::not_found && present.error().kind != FailureKind::network)
      return explain(invocation, present.error());
    std::this_thread::sleep_for(250ms); // an agent needs longer
  }
  progress.done();
  invocation.err << "runtime-agent: requested, but not done within the timeout\n";
  if (!last.is_null())
    invocation.err << printable(state_line(last)) << '\n';
  return exit_not_done;
}

struct WishOptions {
  bool wait = false;
  std::string timeout = "1m";
};

int carry_out(const Wish& wish, const WishOptions& options, Invocation& invocation) {
  const auto limit = parse_duration(options.timeout);
  if (!limit) {
    invocation.err << "runtime-agent: --timeout: expected a duration such as 30s or 2m\n";
    return exit_invalid_settings;
  }
  const auto api = cluster_of(invocation);
  if (!api) {
    invocation.err << "runtime-agent: " << printable(api.error().text()) << '\n';
    return exit_invalid_settings;
  }
  const auto asked = wish.ask(**api, within(30s));
  if (!asked)
    return explain(invocation, asked.error());
  if (!options.wait) {
    invocation.out << wish.asked << '\n';
    return 0;
  }
  return wait_for(wish, *asked, **api, *limit, invocation);
}

Command command_of(const Wish& wish) {
  return {wish.command, wish.summary, [wish](CLI::App& cli, Invocation& invocation) {
            const auto options = std::make_shared<WishOptions>();
            add_kubeconfig_option(cli, invocation);
            cli.add_flag("--wait", options->wait, "wait until it is done; the exit code tells whether it was");
            cli.add_option("--timeout", options->timeout, "how long to wait (default 1m)")->type_name("DURATION");
            return [wish, options, &invocation] { return carry_out(wish, *options, invocation); };
          }};
}

} // namespace

Command resync_command() {
  return command_of(spec_wish("resync", "synchronize now", "the agent synchronizes now", "synchronized", "resyncNow"));
}

Command refresh_credentials_command() {
  return command_of(spec_wish("refresh-credentials", "renew the certificate now",
                              "the agent renews its certificate now", "the certificate is renewed",
                              "refreshCredentialsNow"));
}

Command reconnect_command() {
  return command_of(reconnect_wish());
}

} // namespace runtime_agent::app
