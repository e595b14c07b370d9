#include "tests/sandbox/kubernetes/discovery.hpp"

#include <map>

#include <fmt/format.h>

namespace runtime_agent::sandbox::kube {
namespace {

Json version() {
  return {{"major", "1"},           {"minor", "36"},           {"gitVersion", "v1.36.0"},
          {"gitCommit", "sandbox"}, {"gitTreeState", "clean"}, {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", "none"},    {"compiler", "c++"},       {"platform", "linux/amd64"}};
}

std::map<std::string, std::string> groups_of(const std::vector<ResourceType>& types) {
  std::map<std::string, std::string> groups;
  for (const auto& type : types)
    if (!type.group.empty())
      groups[type.group] = type.version;
  return groups;
}

Json group(const std::string& name, const std::string& version) {
  const Json entry = {{"groupVersion", name + "/" + version}, {"version", version}};
  return {{"name", name}, {"versions", Json::array({entry})}, {"preferredVersion", entry}};
}

std::optional<Json> resources(const std::string& name, const std::string& version,
                              const std::vector<ResourceType>& types) {
  Json list = Json::array();
  for (const auto& type : types)
    if (type.group == name && type.version == version) {
      Json entry = {{"name", type.plural},
                    {"singularName", type.singular},
                    {"namespaced", type.namespaced},
                    {"kind", type.kind},
                    {"verbs", type.verbs()}};
      if (!type.short_names.empty())
        entry["shortNames"] = type.short_names;
      list.push_back(std::move(entry));
    }
  if (list.empty())
    return std::nullopt;
  return Json{{"kind", "APIResourceList"},
              {"apiVersion", "v1"},
              {"groupVersion", name.empty() ? version : name + "/" + version},
              {"resources", std::move(list)}};
}

/// Enough for kubectl: which kinds there are, and that the server itself validates fields.
std::optional<Json> openapi_document(const std::string& name, const std::string& version,
                                     const std::vector<ResourceType>& types) {
  Json paths = Json::object();
  Json schemas = Json::object();
  for (const auto& type : types) {
    if (type.group != name || type.version != version)
      continue;
    const Json kind = {{"group", type.group}, {"version", type.version}, {"kind", type.kind}};
    const Json parameters =
        Json::array({{{"name", "fieldValidation"}, {"in", "query"}, {"schema", {{"type", "string"}}}}});
    const auto prefix = fmt::format("/{}/{}/{}", name.empty() ? "api" : "apis", type.api_version(),
                                    type.namespaced ? "namespaces/{namespace}/" : "");
    const Json operation = {
        {"parameters", parameters}, {"x-kubernetes-group-version-kind", kind}, {"responses", Json::object()}};
    paths[prefix + type.plural] = {{"post", operation}};
    paths[prefix + type.plural + "/{name}"] = {{"put", operation}, {"patch", operation}};
    Json schema = type.schema.is_null() ? Json{{"type", "object"}} : type.schema;
    schema["x-kubernetes-group-version-kind"] = Json::array({kind});
    schemas[fmt::format("sandbox.{}.{}", type.version, type.kind)] = std::move(schema);
  }
  if (paths.empty())
    return std::nullopt;
  return Json{{"openapi", "3.0.0"},
              {"info", {{"title", "sandbox"}, {"version", "v1.36.0"}}},
              {"paths", std::move(paths)},
              {"components", {{"schemas", std::move(schemas)}}}};
}

Json openapi_index(const std::vector<ResourceType>& types) {
  Json paths = {{"api/v1", {{"serverRelativeURL", "/openapi/v3/api/v1"}}}};
  for (const auto& [name, version] : groups_of(types)) {
    const auto path = fmt::format("apis/{}/{}", name, version);
    paths[path] = {{"serverRelativeURL", "/openapi/v3/" + path}};
  }
  return {{"paths", std::move(paths)}};
}

} // namespace

std::optional<Json> discover(const std::vector<std::string>& at, const std::vector<ResourceType>& types) {
  if (at.empty())
    return Json{{"paths", {"/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"}}};
  if (at.size() == 1 && at[0] == "version")
    return version();
  if (at.size() == 1 && at[0] == "api")
    return Json{{"kind", "APIVersions"}, {"versions", {"v1"}}, {"serverAddressByClientCIDRs", Json::array()}};
  if (at.size() == 2 && at[0] == "api")
    return resources("", at[1], types);
  if (at[0] == "apis" && at.size() == 3)
    return resources(at[1], at[2], types);
  if (at[0] == "apis" && at.size() <= 2) {
    Json list = Json::array();
    for (const auto& [name, version] : groups_of(types)) {
      list.push_back(group(name, version));
      if (at.size() == 2 && at[1] == name) {
        list.back()["kind"] = "APIGroup";
        list.back()["apiVersion"] = "v1";
        return list.back();
      }
    }
    if (at.size() == 1)
      return Json{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}};
  }
  if (at.size() == 2 && at[0] == "openapi" && at[1] == "v3")
    return openapi_index(types);
  if (at.size() == 4 && at[0] == "openapi" && at[2] == "api")
    return openapi_document("", at[3], types);
  if (at.size() == 5 && at[0] == "openapi" && at[2] == "apis")
    return openapi_document(at[3], at[4], types);
  return std::nullopt;
}

} // namespace runtime_agent::sandbox::kube
