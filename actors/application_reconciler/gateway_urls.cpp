#include "actors/application_reconciler/gateway_urls.hpp"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "actors/application_reconciler/names.hpp"
#include "actors/application_reconciler/problem_text.hpp"

namespace runtime_agent::application_reconciler {
namespace {

constexpr std::size_t name_shown = 60;

std::string in_words(const compass::Bundle& bundle, const compass::ApiDefinition& api) {
  return fmt::format("\"{}\" (id {}) of the bundle \"{}\"", bounded(api.name, name_shown), bounded(api.id, name_shown),
                     bounded(bundle.name, name_shown));
}

} // namespace

std::string gateway_warning(const compass::Application& source) {
  std::map<std::string, std::set<std::string>> paths; // sorted: the order of the lists does not show
  for (const compass::Bundle& bundle : source.bundles) {
    const std::string service = normalized_name(bundle.name);
    for (const compass::ApiDefinition& api : bundle.api_definitions)
      paths[service + '/' + normalized_name(api.name)].insert(in_words(bundle, api));
  }
  std::string text;
  for (const auto& [path, definitions] : paths) {
    if (definitions.size() < 2)
      continue;
    text += (text.empty() ? "the central gateway answers 400 to /" : "; to /") + path + ", which is the path of";
    std::string separator = " ";
    for (const auto& definition : definitions)
      text += std::exchange(separator, " and ") + definition;
  }
  return bounded(text, reason_limit);
}

} // namespace runtime_agent::application_reconciler
