#include <algorithm>
#include <array>

#include "app/pages/page.hpp"
#include "app/presentation/text_table.hpp"
#include "transport/kubernetes/percent.hpp"

namespace runtime_agent::app {
namespace {

using application_reconciler::ApplicationFacts;
using application_reconciler::ApplicationState;

constexpr std::size_t shown_at_most = 500; // rows of HTML; the JSON document holds all

Json hexadecimal(const std::optional<application_reconciler::Digest>& digest) {
  if (!digest)
    return {};
  std::string text;
  for (const std::uint8_t byte : *digest)
    text += fmt::format("{:02x}", byte);
  return text;
}

Json application_document(const ApplicationFacts& facts) {
  Json document = {{"name", facts.name},
                   {"state", to_string(facts.state)},
                   {"desiredDigest", hexadecimal(facts.desired)},
                   {"appliedDigest", hexadecimal(facts.applied)},
                   {"lastChange", nullptr},
                   {"error", facts.error.empty() ? Json() : Json(facts.error)},
                   {"warning", facts.warning.empty() ? Json() : Json(facts.warning)},
                   {"lastError", nullptr}};
  if (facts.change)
    document["lastChange"] = {{"what", facts.change->what}, {"time", timestamp_or_null(facts.change->time)}};
  if (facts.last_error)
    document["lastError"] = {{"text", facts.last_error->reason}, {"time", timestamp_or_null(facts.last_error_time)}};
  return document;
}

/// Those with something wrong first; otherwise by name, as they come.
void wrong_ones_first(std::vector<ApplicationFacts>& applications) {
  const auto wrong = [](const ApplicationFacts& facts) {
    return !facts.warning.empty() ||
           (facts.state != ApplicationState::applied && facts.state != ApplicationState::gone);
  };
  std::stable_partition(applications.begin(), applications.end(), wrong);
}

/// The first eight digits tell versions apart; the rest is in the title.
Markup short_digest(const Json& digest) {
  if (digest.is_null())
    return html(R"(<span class="quiet">none</span>)");
  return html(R"(<code title="{}">{}</code>)", digest, digest.get<std::string>().substr(0, 8));
}

Markup error_cell(const Json& application, const Json& now) {
  if (application["error"].is_string())
    return html(R"(<span class="cause">{}</span>)", application["error"]);
  if (application["warning"].is_string())
    return html(R"(<span class="cause">warning: {}</span>)", application["warning"]);
  if (application["lastError"].is_null())
    return html(R"(<span class="quiet">none</span>)");
  return html(R"(<span class="quiet">{}: {}</span>)", ago(application["lastError"]["time"], now),
              application["lastError"]["text"]);
}

Markup row(const Json& application, const Json& now) {
  const auto state = application["state"].get<std::string>();
  const Json& change = application["lastChange"];
  return html(
      R"(<tr><th scope="row">{}</th><td data-label="State">{}</td><td data-label="Desired">{}</td><td data-label="Applied">{}</td><td data-label="Last change">{}</td><td data-label="Error">{}</td></tr>
)",
      application["name"], pill(state, kind_of(state)), short_digest(application["desiredDigest"]),
      short_digest(application["appliedDigest"]),
      change.is_null() ? html(R"(<span class="quiet">none</span>)")
                       : html("{} {}", change["what"], ago(change["time"], now)),
      error_cell(application, now));
}

Markup filters(const Json& document) {
  const std::string present = document["filter"].is_string() ? document["filter"].get<std::string>() : "";
  const auto link = [&](const std::string& state, const Json& count) {
    const Markup mark = present == state ? html(R"( aria-current="true")") : Markup();
    return state.empty() ? html(R"(<a href="/applicationz"{}>all <b>{}</b></a>)", mark, count)
                         : html(R"(<a href="/applicationz?state={}"{}>{} <b>{}</b></a>)", state, mark, state, count);
  };
  Markup links = link("", document["total"]);
  for (const auto& [state, count] : document["byState"].items())
    links += link(state, count);
  return html(R"(<p class="filters">{}</p>)", links);
}

} // namespace

PageModel applications_model(const PageSources& sources, const Query& query) {
  auto snapshot = sources.applications();
  wrong_ones_first(snapshot.applications);
  Json counts = Json::object();
  for (const auto& [state, count] : snapshot.by_state())
    counts[std::string(to_string(state))] = count;
  const auto filter = query.find("state");
  Json rows = Json::array();
  for (const ApplicationFacts& facts : snapshot.applications)
    if (filter == query.end() || filter->second == to_string(facts.state))
      rows.push_back(application_document(facts));
  return {200,
          {{"lastPass", timestamp_or_null(snapshot.time)},
           {"failure", snapshot.failure ? Json(snapshot.failure->text()) : Json()},
           {"total", snapshot.applications.size()},
           {"byState", std::move(counts)},
           {"filter", filter == query.end() ? Json() : Json(filter->second)},
           {"applications", std::move(rows)}}};
}

Markup applications_body(const Json& document) {
  Markup notice;
  if (document["lastPass"].is_null())
    notice = html(
        R"(<p class="notice">Nothing is known yet: the first complete fetch from the Director has not been applied.</p>)");
  if (document["failure"].is_string())
    notice += html(R"(<p class="notice bad">{}</p>)", document["failure"]);
  Markup rows;
  std::size_t shown = 0;
  for (const Json& application : document["applications"])
    if (shown++ < shown_at_most)
      rows += row(application, document["time"]);
  Markup more;
  if (shown > shown_at_most)
    more = html(R"(<p class="quiet">and {} more: the JSON document contains all.</p>)", shown - shown_at_most);
  return html(R"({}{}
<table class="stack"><thead><tr><th>Application</th><th>State</th><th>Desired</th><th>Applied</th><th>Last change</th><th>Error</th></tr></thead><tbody>
{}</tbody></table>{}
<p class="quiet">Last looked at {}. A digest is over what is Compass' in an Application: desired and applied are equal where the cluster is as the Director says.</p>)",
              notice, filters(document), rows, more, ago(document["lastPass"], document["time"]));
}

std::string applications_text(const Json& document) {
  TextTable table({"APPLICATION", "STATE", "DESIRED", "APPLIED", "LAST CHANGE", "ERROR"});
  const auto digest = [](const Json& value) {
    return value.is_null() ? std::string("-") : value.get<std::string>().substr(0, 8);
  };
  for (const Json& application : document["applications"]) {
    const Json& change = application["lastChange"];
    table.row(
        {application["name"], application["state"], digest(application["desiredDigest"]),
         digest(application["appliedDigest"]),
         change.is_null() ? "-" : change["what"].get<std::string>() + " " + ago_text(change["time"], document["time"]),
         application["error"].is_string()     ? application["error"].get<std::string>()
         : application["warning"].is_string() ? "warning: " + application["warning"].get<std::string>()
                                              : "-"});
  }
  return table.text();
}

} // namespace runtime_agent::app
