#include <memory>

#include <CLI/CLI.hpp>

#include "actors/supervision/trace_file.hpp"
#include "app/commands/diagnostics_client.hpp"
#include "app/commands/environment.hpp"
#include "app/exit_codes.hpp"
#include "app/pages/page.hpp"
#include "app/presentation/quantities.hpp"
#include "transport/kubernetes/percent.hpp"

namespace runtime_agent::app {
namespace {

struct Options {
  bool last = false;
  bool failed = false;
  std::string id;
  std::string file;
};

/// What /tracez is asked for. `last` without a name is the latest cycle of whatever beginning.
Query query_of(const Options& options) {
  Query query;
  if (options.failed)
    query["outcome"] = "failed";
  if (options.last)
    query["last"] = "";
  if (!options.id.empty())
    query["id"] = options.id;
  return query;
}

std::string path_of(const Query& query) {
  std::string path = "/tracez";
  for (const auto& [name, value] : query)
    path += (path == "/tracez" ? "?" : "&") + name + "=" + kubernetes::percent_encoded(value);
  return path;
}

/// The same page, made from a trace file: of an agent that runs, or of one that is dead.
Result<Json> page_of_file(const Options& options) {
  auto file = supervision::read_trace_file(options.file);
  if (!file)
    return failed(file.error());
  PageSources sources;
  sources.started = file->started;
  sources.now = [] { return std::chrono::system_clock::now(); };
  sources.cycles = [&file] { return file->cycles; };
  sources.cycle = [&file](const TraceContext& trace) {
    for (const supervision::Cycle& cycle : file->cycles)
      if (cycle.trace.trace_id == trace.trace_id)
        return cycle;
    return supervision::Cycle{};
  };
  PageModel model = traces_model(sources, query_of(options));
  if (model.status != 200) {
    Failure failure;
    failure.kind = FailureKind::not_found;
    failure.where = options.file;
    failure.what = model.document.value("error", "");
    return failed(failure);
  }
  if (file->end)
    model.document["end"] = {{"exitCode", file->end->exit_code},
                             {"reason", file->end->reason},
                             {"time", precise_timestamp(file->end->time)}};
  return model.document;
}

std::string text_of(const Json& document) {
  std::string text = traces_text(document);
  if (document.contains("end"))
    text += fmt::format("\nThe process ended with exit code {}: {}\n", document["end"]["exitCode"].dump(),
                        document["end"]["reason"].get<std::string>());
  return text;
}

int trace(const Options& options, const Invocation& invocation) {
  const auto settings = settings_of(invocation);
  if (!settings)
    return exit_invalid_settings;
  const auto page = options.file.empty() ? diagnostics_page(settings->diagnostics_port, path_of(query_of(options)))
                                         : page_of_file(options);
  if (!page)
    return say_failure(invocation, page.error());
  print(invocation, *page, text_of(*page));
  return 0;
}

} // namespace

Command trace_command() {
  return {
      "trace", "recent cycles of the running agent, or one of them as a tree",
      [](CLI::App& cli, Invocation& invocation) {
        const auto options = std::make_shared<Options>();
        auto* id = cli.add_option("--id", options->id, "this cycle: the trace's id, as in the log and in x-request-id");
        cli.add_flag("--last", options->last, "the latest cycle; with --failed the latest failed one")->excludes(id);
        cli.add_flag("--failed", options->failed, "only cycles in which something failed")->excludes(id);
        cli.add_option("--file", options->file, "read this trace file instead, even that of a process that has ended");
        add_output_option(cli, invocation);
        return [options, &invocation] { return trace(*options, invocation); };
      }};
}

} // namespace runtime_agent::app
