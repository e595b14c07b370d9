#include "app/pages/page.hpp"

#include <algorithm>
#include <array>

#include "app/presentation/quantities.hpp"
#include "app/presentation/text_table.hpp"
#include "transport/kubernetes/percent.hpp"

namespace runtime_agent::app {
namespace {

Markup navigation(const std::string& present) {
  Markup links;
  for (const Page& page : pages())
    if (page.in_navigation)
      links += page.path == present ? html(R"(<a href="{}" aria-current="page">{}</a>)", page.path, page.title)
                                    : html(R"(<a href="{}">{}</a>)", page.path, page.title);
  return links;
}

std::string framed(const std::string& title, const std::string& path, const Markup& body, const Markup& aside) {
  return html(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{} · Runtime Agent</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg" type="image/svg+xml">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><div class="inside"><a class="brand" href="/"><img src="/icon.svg" alt="" width="22" height="22">Runtime Agent</a>
<nav aria-label="Pages">{}</nav></div></header>
<main id="content" class="inside">
<div class="head"><h1>{}</h1>{}</div>
{}
</main>
</body>
</html>
)",
              title, navigation(path), title, aside, body)
      .text();
}

std::string json_text(const Json& document) {
  return printable_json(document.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

} // namespace

const std::vector<Page>& pages() {
  static const std::vector<Page> table = {
      {"/", "Overview", true, overview_model, overview_body, overview_text},
      {"/actorz", "Actors", true, actors_model, actors_body, actors_text},
      {"/tracez", "Cycles", true, traces_model, traces_body, traces_text},
      {"/applicationz", "Applications", true, applications_model, applications_body, applications_text},
      {"/configz", "Configuration", true, configuration_model, configuration_body, configuration_text},
      {"/logz", "Log", true, log_model, log_body, log_text},
  };
  return table;
}

PageFormat format_of(const Query& query, const std::string& accept) {
  const auto wanted = query.find("format");
  const auto asks = [&](const char* format, const char* type) {
    return wanted != query.end() ? wanted->second == format : accept.find(type) != std::string::npos;
  };
  if (asks("html", "text/html"))
    return PageFormat::html;
  return asks("json", "application/json") ? PageFormat::json : PageFormat::text;
}

RenderedPage render_page(const Page& page, const PageSources& sources, const Query& query, PageFormat format) {
  PageModel model = page.model(sources, query);
  if (model.status != 200)
    return render_problem(model.status, model.document.value("error", ""), format);
  model.document["time"] = precise_timestamp(sources.now());
  if (format == PageFormat::json)
    return {200, json_text(model.document), "application/json"};
  if (format == PageFormat::text)
    return {200, printable_lines(page.text(model.document)), "text/plain; charset=utf-8"};
  std::string self = page.path;
  std::string json = page.path;
  char separator = '?';
  for (const auto& [name, value] : query)
    if (name != "format") {
      self += separator + kubernetes::percent_encoded(name) + "=" + kubernetes::percent_encoded(value);
      separator = '&';
    }
  json = self + separator + "format=json";
  const Markup aside = html(R"(<p class="aside"><a href="{}">Refresh</a> <a href="{}">JSON</a> <time>{}</time></p>)",
                            self, json, model.document["time"]);
  return {200, framed(page.title, page.path, page.body(model.document), aside), "text/html; charset=utf-8"};
}

RenderedPage render_problem(int status, const std::string& message, PageFormat format) {
  if (format == PageFormat::json)
    return {status, json_text({{"error", message}}), "application/json"};
  if (format == PageFormat::text)
    return {status, printable(message) + "\n", "text/plain; charset=utf-8"};
  return {status, framed("Not here", "", html(R"(<p class="notice bad">{}</p>)", message), {}),
          "text/html; charset=utf-8"};
}

Markup pill(std::string_view text, std::string_view kind) {
  return html(R"(<span class="pill {}">{}</span>)", kind, text);
}

std::string_view kind_of(std::string_view state) {
  constexpr std::array ok = {"ok", "running", "applied", "Synchronized", "ready"};
  constexpr std::array bad = {"failed", "threw", "escalated", "no answer", "ConnectionFailed", "not ready"};
  constexpr std::array warn = {"backing off",
                               "held",
                               "refused",
                               "dropped",
                               "ConnectionMaintenanceFailed",
                               "SynchronizationFailed",
                               "ResourceApplicationFailed",
                               "MetadataUpdateFailed"};
  const auto among = [state](const auto& names) { return std::find(names.begin(), names.end(), state) != names.end(); };
  return among(ok) ? "ok" : among(bad) ? "bad" : among(warn) ? "warn" : "idle";
}

Markup ago(const Json& timestamp, const Json& now) {
  if (!timestamp.is_string())
    return html("–");
  return html(R"(<time title="{}">{}</time>)", timestamp, ago_text(timestamp, now));
}

std::string ago_text(const Json& timestamp, const Json& now) {
  const auto time = timestamp.is_string() ? parse_timestamp(timestamp.get<std::string>()) : std::nullopt;
  const auto reference = now.is_string() ? parse_timestamp(now.get<std::string>()) : std::nullopt;
  return time && reference ? relative_text(*time, *reference) : "-";
}

Json timestamp_or_null(const std::optional<WallTime>& time) {
  return time ? Json(precise_timestamp(*time)) : Json();
}

} // namespace runtime_agent::app
