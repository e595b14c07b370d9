#include "app/pages/page.hpp"
#include "app/presentation/text_table.hpp"

namespace runtime_agent::app {

PageModel configuration_model(const PageSources& sources, const Query&) {
  Json settings = Json::array();
  for (const EffectiveSetting& setting : sources.settings)
    settings.push_back({{"variable", setting.variable},
                        {"value", setting.value},
                        {"default", setting.standard},
                        {"isDefault", setting.value == setting.standard},
                        {"meaning", setting.meaning}});
  return {200, {{"version", sources.version}, {"settings", std::move(settings)}}};
}

Markup configuration_body(const Json& document) {
  Markup rows;
  for (const Json& setting : document["settings"]) {
    const bool standard = setting["isDefault"].get<bool>();
    const bool none = setting["value"] == "";
    const Markup value =
        none ? html(R"(<span class="quiet">not set</span>)") : html("<code>{}</code>", setting["value"]);
    rows += html(
        R"(<tr><th scope="row"><code>{}</code><span class="under">{}</span></th><td data-label="Value">{} {}</td><td data-label="Default"><code>{}</code></td></tr>
)",
        setting["variable"], setting["meaning"], value, standard || none ? Markup() : pill("set", "idle"),
        setting["default"] == "" ? Json("–") : setting["default"]);
  }
  return html(
      R"(<p class="lead">Version {}. The settings in effect, from environment variables; they change with a new pod. Passwords in URLs are not shown, and the connection's token, keys and credentials are no settings: they never come here.</p>
<table class="stack"><thead><tr><th>Variable</th><th>Value</th><th>Default</th></tr></thead><tbody>
{}</tbody></table>)",
      document["version"], rows);
}

std::string configuration_text(const Json& document) {
  TextTable table({"VARIABLE", "VALUE", "DEFAULT"});
  for (const Json& setting : document["settings"])
    table.row({setting["variable"], setting["value"] == "" ? "-" : setting["value"].get<std::string>(),
               setting["default"] == "" ? "-" : setting["default"].get<std::string>()});
  return table.text();
}

} // namespace runtime_agent::app
