#include <array>

#include "app/pages/page.hpp"

namespace runtime_agent::app {
namespace {

struct LevelMeaning {
  const char* name;
  const char* meaning;
};
constexpr std::array levels = {
    LevelMeaning{"debug", "every step, for debugging"}, LevelMeaning{"info", "what was done"},
    LevelMeaning{"warning", "what went wrong and is retried"}, LevelMeaning{"error", "what needs attention"}};

} // namespace

PageModel log_model(const PageSources& sources, const Query&) {
  Json names = Json::array();
  for (const LevelMeaning& level : levels)
    names.push_back(level.name);
  return {200, {{"level", sources.log_level()}, {"levels", std::move(names)}}};
}

Markup log_body(const Json& document) {
  Markup choices;
  for (const LevelMeaning& level : levels) {
    const bool present = document["level"] == level.name;
    choices += html(
        R"(<li><button type="submit" formaction="/logz?level={}"{}>{}</button><span>{}</span>{}</li>
)",
        level.name, present ? html(R"( aria-pressed="true")") : html(R"( aria-pressed="false")"), level.name,
        level.meaning, present ? pill("in force", "ok") : Markup());
  }
  return html(
      R"(<p class="lead">Lines from this level on are written. It holds until the process ends; <code>APP_LOG_LEVEL</code> sets it for good.</p>
<form method="post" action="/logz" class="choices"><ul>
{}</ul></form>)",
      choices);
}

std::string log_text(const Json& document) {
  return document["level"].get<std::string>() + "\n";
}

} // namespace runtime_agent::app
