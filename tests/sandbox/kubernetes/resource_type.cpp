#include "tests/sandbox/kubernetes/resource_type.hpp"

#include <fmt/format.h>

namespace runtime_agent::sandbox::kube {
namespace {

const PrinterColumn age{"Age", "date", ".metadata.creationTimestamp", 0};

Json string_map() {
  return {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
}

/// The outside of every object; `metadata` has rules of its own.
Json schema_with(Json properties) {
  properties["apiVersion"] = {{"type", "string"}};
  properties["kind"] = {{"type", "string"}};
  properties["metadata"] = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

ResourceType core(std::string kind, std::string plural, std::vector<std::string> short_names, bool namespaced) {
  ResourceType type;
  type.version = "v1";
  type.kind = std::move(kind);
  type.plural = std::move(plural);
  for (char letter : type.kind)
    type.singular += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  type.short_names = std::move(short_names);
  type.namespaced = namespaced;
  type.columns = {age};
  return type;
}

ResourceType secrets() {
  auto type = core("Secret", "secrets", {}, true);
  type.schema = schema_with({{"data", string_map()},
                             {"stringData", string_map()},
                             {"type", {{"type", "string"}}},
                             {"immutable", {{"type", "boolean"}}}});
  // A path of "#data" counts its entries.
  type.columns = {{"Type", "string", ".type", 0}, {"Data", "integer", "#.data", 0}, age};
  return type;
}

ResourceType config_maps() {
  auto type = core("ConfigMap", "configmaps", {"cm"}, true);
  type.schema =
      schema_with({{"data", string_map()}, {"binaryData", string_map()}, {"immutable", {{"type", "boolean"}}}});
  type.columns = {{"Data", "integer", "#.data", 0}, age};
  return type;
}

ResourceType leases() {
  auto type = core("Lease", "leases", {}, true);
  type.group = "coordination.k8s.io";
  type.unconditional_update = false;
  type.create_on_update = true;
  const Json micro_time = {{"type", "string"}, {"format", "micro-time"}};
  Json spec = {{"holderIdentity", {{"type", "string"}}},
               {"leaseDurationSeconds", {{"type", "integer"}}},
               {"acquireTime", micro_time},
               {"renewTime", micro_time},
               {"leaseTransitions", {{"type", "integer"}}},
               {"strategy", {{"type", "string"}}},
               {"preferredHolder", {{"type", "string"}}}};
  type.schema = schema_with({{"spec", {{"type", "object"}, {"properties", std::move(spec)}}}});
  type.columns = {{"Holder", "string", ".spec.holderIdentity", 0}, age};
  return type;
}

ResourceType in_group(ResourceType type, std::string group, std::string version = "v1") {
  type.group = std::move(group);
  type.version = std::move(version);
  return type;
}

} // namespace

std::string ResourceType::api_version() const {
  return group.empty() ? version : group + "/" + version;
}

std::string ResourceType::qualified_plural() const {
  return group.empty() ? plural : plural + "." + group;
}

std::string ResourceType::qualified_kind() const {
  return group.empty() ? kind : kind + "." + group;
}

std::vector<std::string> ResourceType::verbs() const {
  if (review)
    return {"create"};
  if (group == "metrics.k8s.io")
    return {"get", "list"};
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

std::vector<ResourceType> built_in_types() {
  auto namespaces = core("Namespace", "namespaces", {"ns"}, false);
  namespaces.columns = {{"Status", "string", ".status.phase", 0}, age};
  auto events = core("Event", "events", {"ev"}, true);
  events.create_on_update = true;
  events.columns = {{"Last Seen", "date", ".lastTimestamp", 0},
                    {"Type", "string", ".type", 0},
                    {"Reason", "string", ".reason", 0},
                    {"Object", "string", ".involvedObject.name", 0},
                    {"Message", "string", ".message", 0}};
  auto volumes = core("PersistentVolume", "persistentvolumes", {"pv"}, false);
  volumes.columns = {{"Capacity", "string", ".spec.capacity.storage", 0},
                     {"Status", "string", ".status.phase", 0},
                     {"Claim", "string", ".spec.claimRef.name", 0},
                     age};
  auto definitions = in_group(core("CustomResourceDefinition", "customresourcedefinitions", {"crd", "crds"}, false),
                              "apiextensions.k8s.io");
  definitions.columns = {{"Created At", "date", ".metadata.creationTimestamp", 0}};
  definitions.unconditional_update = false;
  auto usage = in_group(core("NodeMetrics", "nodes", {}, false), "metrics.k8s.io", "v1beta1");
  usage.singular = "";
  auto review =
      in_group(core("SelfSubjectAccessReview", "selfsubjectaccessreviews", {}, false), "authorization.k8s.io");
  review.review = true;
  return {std::move(namespaces),
          secrets(),
          config_maps(),
          std::move(events),
          core("Node", "nodes", {"no"}, false),
          std::move(volumes),
          core("ServiceAccount", "serviceaccounts", {"sa"}, true),
          leases(),
          std::move(definitions),
          std::move(usage),
          std::move(review)};
}

tl::expected<ResourceType, std::vector<Cause>> type_of_definition(const Json& definition) {
  std::vector<Cause> causes;
  const auto text = [&](const char* pointer) {
    const auto at = Json::json_pointer(pointer);
    if (definition.contains(at) && definition.at(at).is_string() &&
        !definition.at(at).get_ref<const std::string&>().empty())
      return definition.at(at).get<std::string>();
    auto field = std::string(pointer + 1);
    std::replace(field.begin(), field.end(), '/', '.');
    causes.push_back({"FieldValueRequired", "Required value", field});
    return std::string();
  };
  ResourceType type;
  type.custom = true;
  type.unconditional_update = false;
  type.group = text("/spec/group");
  type.kind = text("/spec/names/kind");
  type.plural = text("/spec/names/plural");
  type.namespaced = text("/spec/scope") == "Namespaced";
  const auto name = text("/metadata/name");
  if (causes.empty() && name != type.qualified_plural())
    causes.push_back({"FieldValueInvalid",
                      fmt::format("Invalid value: \"{}\": must be spec.names.plural+\".\"+spec.group", name),
                      "metadata.name"});
  const auto& spec = definition.contains("spec") ? definition["spec"] : Json::object();
  for (const auto& version : spec.value("versions", Json::array()))
    if (version.value("served", false) && (type.version.empty() || version.value("storage", false))) {
      type.version = version.value("name", "");
      type.schema = version.value(Json::json_pointer("/schema/openAPIV3Schema"), Json(nullptr));
      type.columns.clear();
      for (const auto& column : version.value("additionalPrinterColumns", Json::array()))
        type.columns.push_back({column.value("name", ""), column.value("type", "string"), column.value("jsonPath", ""),
                                column.value("priority", 0)});
    }
  if (type.version.empty())
    causes.push_back({"FieldValueRequired", "Required value: must have at least one served version", "spec.versions"});
  if (!causes.empty())
    return tl::unexpected(std::move(causes));
  const auto& names = definition["spec"]["names"];
  auto lower = type.kind;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  type.singular = names.value("singular", lower);
  type.short_names = names.value("shortNames", std::vector<std::string>{});
  if (type.columns.empty())
    type.columns = {age};
  return type;
}

void establish(Json& definition, const std::string& now) {
  auto names = definition["spec"]["names"];
  Json stored = Json::array();
  for (const auto& version : definition["spec"]["versions"])
    if (version.value("storage", false))
      stored.push_back(version.value("name", ""));
  const auto condition = [&](const char* type, const char* reason, const char* message) {
    return Json{
        {"type", type}, {"status", "True"}, {"reason", reason}, {"message", message}, {"lastTransitionTime", now}};
  };
  definition["status"] = {{"acceptedNames", std::move(names)},
                          {"storedVersions", std::move(stored)},
                          {"conditions",
                           {condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                            condition("Established", "InitialNamesAccepted", "the initial names have been accepted")}}};
}

} // namespace runtime_agent::sandbox::kube
