#include <algorithm>

#include "app/pages/page.hpp"
#include "app/presentation/text_table.hpp"

namespace runtime_agent::app {
namespace {

Json actor_document(const ActorFacts& facts) {
  Json document = {{"name", facts.name},
                   {"state", facts.answers ? facts.state : "no answer"},
                   {"mailboxDepth", facts.mailbox_depth},
                   {"messages", facts.messages},
                   {"restarts", facts.restarts},
                   {"overflow", facts.overflow},
                   {"started", timestamp_or_null(facts.started)},
                   {"nextStart", timestamp_or_null(facts.next_start)},
                   {"lastFailure", nullptr}};
  if (facts.last_exception)
    document["lastFailure"] = {{"text", *facts.last_exception}, {"time", timestamp_or_null(facts.last_exception_time)}};
  return document;
}

Markup last_failure(const Json& actor, const Json& now) {
  const Json& failure = actor["lastFailure"];
  if (failure.is_null())
    return html(R"(<p class="quiet">It has not failed.</p>)");
  return html(R"(<p class="cause"><b>Last failure</b> {}: {}</p>)", ago(failure["time"], now), failure["text"]);
}

Markup branch(const Json& actor, const Json& now) {
  const auto state = actor["state"].get<std::string>();
  const auto numbers = [&](const char* label, const char* key, bool bad_above_zero) {
    const bool bad = bad_above_zero && actor[key].get<std::uint64_t>() > 0;
    return html(R"(<div><dt>{}</dt><dd{}>{}</dd></div>)", label, bad ? html(R"( class="warn-text")") : Markup(),
                actor[key]);
  };
  Markup next;
  if (actor["nextStart"].is_string())
    next = html(R"(<div><dt>Next start</dt><dd>{}</dd></div>)", ago(actor["nextStart"], now));
  return html(R"(<li><article><h2>{} {}</h2>
<dl class="numbers">{}{}{}{}<div><dt>Started</dt><dd>{}</dd></div>{}</dl>{}</article></li>
)",
              actor["name"], pill(state, kind_of(state)), numbers("Mailbox", "mailboxDepth", false),
              numbers("Messages", "messages", false), numbers("Restarts", "restarts", true),
              numbers("Dropped", "overflow", true), ago(actor["started"], now), next, last_failure(actor, now));
}

} // namespace

PageModel actors_model(const PageSources& sources, const Query&) {
  Json actors = Json::array();
  for (const ActorFacts& facts : sources.actors())
    actors.push_back(actor_document(facts));
  return {200, {{"strategy", "one-for-one"}, {"actors", std::move(actors)}}};
}

Markup actors_body(const Json& document) {
  Markup branches;
  for (const Json& actor : document["actors"])
    branches += branch(actor, document["time"]);
  return html(
      R"(<p class="lead">Each actor runs behind a Slot that starts it anew when it fails, alone, and keeps its messages meanwhile.</p>
<div class="tree"><p class="root"><b>Supervisor</b> <span class="quiet">{}</span></p><ul>
{}</ul></div>)",
      document["strategy"], branches);
}

std::string actors_text(const Json& document) {
  TextTable table({"ACTOR", "STATE", "RESTARTS", "MESSAGES", "MAILBOX", "DROPPED", "STARTED", "LAST FAILURE"});
  for (const Json& actor : document["actors"]) {
    const Json& failure = actor["lastFailure"];
    table.row({actor["name"], actor["state"], actor["restarts"].dump(), actor["messages"].dump(),
               actor["mailboxDepth"].dump(), actor["overflow"].dump(),
               ago_text(actor["started"], document.value("time", Json())),
               failure.is_null() ? "-"
                                 : ago_text(failure["time"], document.value("time", Json())) + ": " +
                                       failure["text"].get<std::string>()});
  }
  return table.text();
}

} // namespace runtime_agent::app
