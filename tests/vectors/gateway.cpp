#include "tests/vectors/gateway.hpp"

#include <regex>

namespace runtime_agent::vectors {
namespace {

using GatewayJson = nlohmann::ordered_json;

std::string normalised(const std::string& name) {
  std::string text = std::regex_replace(name, std::regex("[^A-Za-z0-9]+"), "-");
  for (char& c : text)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (!text.empty() && text.back() == '-')
    text.pop_back();
  text = text.substr(0, 57);
  return text.empty() || text.front() != '-' ? text : text.substr(1);
}

std::string text_of(const GatewayJson& object, const char* key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : std::string();
}

/// What follows `/<application>/` in the URL: the gateway's own host says nothing.
std::string path_behind(const std::string& url, const std::string& application) {
  const std::string part = '/' + application + '/';
  const auto at = url.rfind(part);
  return at == std::string::npos ? std::string() : url.substr(at + part.size());
}

} // namespace

std::map<std::string, std::set<std::string>> unresolvable(const std::vector<GatewayJson>& applications) {
  std::map<std::string, std::set<std::string>> found;
  for (const GatewayJson& application : applications) {
    const GatewayJson& spec = application.at("spec");
    if (!spec.contains("compassMetadata") || !spec.contains("services"))
      continue;
    const std::string name = application["metadata"]["name"];
    std::map<std::string, int> entries; // of type API, by the path that is theirs
    std::set<std::string> urls;
    for (const GatewayJson& service : spec["services"])
      for (const GatewayJson& entry : service.value("entries", GatewayJson::array())) {
        if (text_of(entry, "type") != "API")
          continue;
        ++entries[normalised(text_of(service, "displayName")) + '/' + normalised(text_of(entry, "name"))];
        urls.insert(text_of(entry, "centralGatewayUrl"));
      }
    for (const std::string& url : urls)
      if (const auto entry = entries.find(path_behind(url, name)); entry == entries.end() || entry->second != 1)
        found[name].insert(url);
  }
  return found;
}

} // namespace runtime_agent::vectors
