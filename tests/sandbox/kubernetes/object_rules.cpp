#include "tests/sandbox/kubernetes/object_rules.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <regex>
#include <set>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tests/sandbox/kubernetes/base64.hpp"
#include "tests/sandbox/kubernetes/structural_schema.hpp"

namespace runtime_agent::sandbox::kube {
namespace {

constexpr std::size_t data_limit = 1048576;       // of a Secret's or ConfigMap's values
constexpr std::size_t annotations_limit = 262144; // keys and values

constexpr auto subdomain_text = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
                                "'-' or '.', and must start and end "
                                "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
                                "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr auto label_name_text = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or "
                                 "'-', and must start and end with an "
                                 "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
                                 "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr auto key_text =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr auto value_text =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with "
    "an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr auto config_key_text =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  "
    "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

bool alphanumeric(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}
bool lower_alphanumeric(char c) {
  return alphanumeric(c) && !(c >= 'A' && c <= 'Z');
}

bool is_dns_label(std::string_view text) {
  return !text.empty() && lower_alphanumeric(text.front()) && lower_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return lower_alphanumeric(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
  while (true) {
    const auto dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot)))
      return false;
    if (dot == std::string_view::npos)
      return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_qualified_part(std::string_view text) {
  return !text.empty() && alphanumeric(text.front()) && alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

Cause invalid_value(std::string field, std::string_view value, std::string_view why) {
  return {"FieldValueInvalid", fmt::format("Invalid value: {}: {}", Json(value).dump(), why), std::move(field)};
}

void check_key(const std::string& key, const std::string& field, std::vector<Cause>& causes) {
  std::string_view name = key;
  if (const auto slash = name.find('/'); slash != std::string_view::npos) {
    if (!is_subdomain(name.substr(0, slash)))
      causes.push_back(invalid_value(field, key, fmt::format("prefix part {}", subdomain_text)));
    name.remove_prefix(slash + 1);
  }
  if (name.empty())
    causes.push_back(invalid_value(field, key, "name part must be non-empty"));
  if (name.size() > 63)
    causes.push_back(invalid_value(field, key, "name part must be no more than 63 bytes"));
  if (!is_qualified_part(name))
    causes.push_back(invalid_value(field, key, key_text));
}

void check_labels(const Json& labels, std::vector<Cause>& causes) {
  for (const auto& [key, value] : labels.items()) {
    check_key(key, "metadata.labels", causes);
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() > 63)
      causes.push_back(invalid_value("metadata.labels", text, "must be no more than 63 bytes"));
    if (!text.empty() && !is_qualified_part(text))
      causes.push_back(invalid_value("metadata.labels", text, value_text));
  }
}

void check_annotations(const Json& annotations, std::vector<Cause>& causes) {
  std::size_t size = 0;
  for (const auto& [key, value] : annotations.items()) {
    auto lower = key;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    check_key(lower, "metadata.annotations", causes);
    size += key.size() + value.get_ref<const std::string&>().size();
  }
  if (size > annotations_limit)
    causes.push_back({"FieldValueTooLong", fmt::format("Too long: may not be more than {} bytes", annotations_limit),
                      "metadata.annotations"});
}

void check_owners(const Json& owners, std::vector<Cause>& causes) {
  std::string controller;
  for (const auto& owner : owners) {
    for (const auto* field : {"apiVersion", "kind", "name", "uid"})
      if (owner.value(field, "").empty())
        causes.push_back(
            invalid_value(fmt::format("metadata.ownerReferences.{}", field), "",
                          std::string_view(field) == "apiVersion" ? "version must not be empty" : "must not be empty"));
    if (!owner.value("controller", false))
      continue;
    if (!controller.empty())
      causes.push_back({"FieldValueInvalid",
                        fmt::format("Invalid value: {}: Only one reference can have Controller set to true. Found "
                                    "\"true\" in references for {} and {}",
                                    owners.dump(), controller, owner.value("name", "")),
                        "metadata.ownerReferences"});
    controller = owner.value("name", "");
  }
}

void check_metadata(const ResourceType& type, const Json& metadata, std::vector<Cause>& causes) {
  const auto name = metadata.value("name", "");
  if (name.empty())
    causes.push_back({"FieldValueRequired", "Required value: name or generateName is required", "metadata.name"});
  else if (type.kind == "Namespace") {
    if (!is_dns_label(name))
      causes.push_back(invalid_value("metadata.name", name, label_name_text));
    if (name.size() > 63)
      causes.push_back(invalid_value("metadata.name", name, "must be no more than 63 bytes"));
  } else {
    if (name.size() > 253)
      causes.push_back(invalid_value("metadata.name", name, "must be no more than 253 bytes"));
    if (!is_subdomain(name))
      causes.push_back(invalid_value("metadata.name", name, subdomain_text));
  }
  if (metadata.contains("labels"))
    check_labels(metadata["labels"], causes);
  if (metadata.contains("annotations"))
    check_annotations(metadata["annotations"], causes);
  if (metadata.contains("ownerReferences"))
    check_owners(metadata["ownerReferences"], causes);
  for (const auto& finalizer : metadata.value("finalizers", Json::array()))
    if (finalizer.get_ref<const std::string&>().find('/') == std::string::npos && finalizer != "kubernetes" &&
        finalizer != "orphan" && finalizer != "foregroundDeletion")
      causes.push_back(invalid_value("metadata.finalizers", finalizer.get_ref<const std::string&>(),
                                     "name is neither a standard finalizer name nor is it fully qualified"));
}

/// "number" for what Go's decoder calls so.
std::string go_name(const Json& value) {
  if (value.is_boolean())
    return "bool";
  return value.is_number() ? "number" : type_name(value);
}

struct MetadataField {
  const char* name;
  const char* type; ///< string, integer, map, list
};
constexpr std::array<MetadataField, 14> metadata_fields{{{"name", "string"},
                                                         {"generateName", "string"},
                                                         {"namespace", "string"},
                                                         {"uid", "string"},
                                                         {"resourceVersion", "string"},
                                                         {"generation", "integer"},
                                                         {"creationTimestamp", "string"},
                                                         {"deletionTimestamp", "string"},
                                                         {"deletionGracePeriodSeconds", "integer"},
                                                         {"labels", "map"},
                                                         {"annotations", "map"},
                                                         {"ownerReferences", "list"},
                                                         {"finalizers", "list"},
                                                         {"selfLink", "string"}}};

/// The problem of one field, empty where there is none.
std::string wrong_type(const ResourceType& type, const MetadataField& field, const Json& value) {
  const auto complain = [&](const Json& what, const char* wanted) {
    return fmt::format("json: cannot unmarshal {} into Go struct field ObjectMeta.{}{} of type {}", go_name(what),
                       type.custom ? "" : "metadata.", field.name, wanted);
  };
  const std::string_view wanted = field.type;
  if (wanted == "string" && !value.is_string())
    return complain(value, "string");
  if (wanted == "integer" && !value.is_number_integer())
    return complain(value, "int64");
  if (wanted == "map") {
    if (!value.is_object())
      return complain(value, "map[string]string");
    for (const auto& one : value)
      if (!one.is_string() && !one.is_null())
        return complain(one, "string");
  }
  if (wanted == "list") {
    const bool owners = std::string_view(field.name) == "ownerReferences";
    if (!value.is_array())
      return complain(value, owners ? "[]v1.OwnerReference" : "[]string");
    for (const auto& one : value)
      if (owners ? !one.is_object() : !one.is_string())
        return complain(one, owners ? "v1.OwnerReference" : "string");
  }
  return {};
}

/// Types of the fields; empty ones and those that are not kept are removed.
Answer<void> decode_metadata(const ResourceType& type, Json& object, std::vector<std::string>& unknown) {
  auto& metadata = object["metadata"];
  if (metadata.is_null())
    metadata = Json::object();
  if (!metadata.is_object())
    return not_decodable(type,
                         fmt::format("json: cannot unmarshal {} into Go struct field {}.metadata of type v1.ObjectMeta",
                                     go_name(metadata), type.kind));
  metadata.erase("managedFields"); // who owns which field is not kept here
  metadata.erase("selfLink");
  for (auto field = metadata.begin(); field != metadata.end();) {
    const auto known = std::find_if(metadata_fields.begin(), metadata_fields.end(),
                                    [&](const MetadataField& one) { return one.name == field.key(); });
    if (known == metadata_fields.end())
      unknown.push_back("metadata." + field.key());
    else if (!field->is_null())
      if (auto problem = wrong_type(type, *known, *field); !problem.empty())
        return not_decodable(type, problem);
    const bool empty =
        field->is_null() || ((field->is_object() || field->is_array()) && field->empty()) || *field == "";
    if (empty || known == metadata_fields.end()) {
      field = metadata.erase(field);
      continue;
    }
    if (field->is_object())
      for (auto& value : *field)
        if (value.is_null())
          value = "";
    ++field;
  }
  return {};
}

/// Built-in types know no null and no wrong type: the decoder refuses them, or leaves them out.
Answer<void> decode_built_in(const ResourceType& type, Json& object) {
  for (auto field = object.begin(); field != object.end();)
    field = field->is_null() ? object.erase(field) : std::next(field);
  std::vector<Cause> causes;
  validate(object, type.schema, "", causes);
  if (!causes.empty()) {
    auto path = causes.front().field;
    auto pointer = "/" + path;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    const auto value = object.value(Json::json_pointer(pointer), Json(nullptr));
    // The decoder names the map, not its entry.
    const bool entry = path.rfind("data.", 0) == 0 || path.rfind("stringData.", 0) == 0;
    const auto field = entry ? path.substr(0, path.find('.')) : path;
    return not_decodable(type, fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}",
                                           go_name(value), type.kind, field,
                                           type.kind == "Secret" && field == "data" ? "[]uint8" : "string"));
  }
  return {};
}

Answer<void> decode_secret(const ResourceType& type, Json& object) {
  if (object.contains("data"))
    for (auto& [key, value] : object["data"].items())
      if (const auto wrong = base64_error(value.get_ref<const std::string&>()))
        return not_decodable(type, fmt::format("illegal base64 data at input byte {}", *wrong));
  if (object.contains("stringData"))
    for (auto& [key, value] : object["stringData"].items())
      object["data"][key] = base64_encoded(value.get_ref<const std::string&>());
  object.erase("stringData");
  if (object.value("type", "").empty())
    object["type"] = "Opaque";
  return {};
}

bool is_micro_time(const std::string& text) {
  static const std::regex form(R"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(Z|[+-]\d{2}:\d{2}))");
  return std::regex_match(text, form);
}

Answer<void> decode_lease(const ResourceType& type, Json& object) {
  if (!object.contains("spec"))
    return {};
  auto& spec = object["spec"];
  for (auto field = spec.begin(); field != spec.end();)
    field = field->is_null() ? spec.erase(field) : std::next(field);
  for (const auto* field : {"acquireTime", "renewTime"})
    if (spec.contains(field) && !is_micro_time(spec[field].get<std::string>()))
      return not_decodable(type,
                           fmt::format("parsing time {0} as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse {0}",
                                       spec[field].dump()));
  return {};
}

Answer<void> check_kind(const ResourceType& type, Json& object) {
  const auto kind = object.value("kind", Json(""));
  const auto version = object.value("apiVersion", Json(""));
  const auto text = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (type.custom && (kind == "" || version == ""))
    return bad_request(
        fmt::format("the object provided is unrecognized (must be of type {}): Object '{}' is missing in '{}'",
                    type.kind, kind == "" ? "Kind" : "apiVersion", text.substr(0, 200)));
  if (version != "" && version != type.api_version())
    return bad_request(fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                                   version.is_string() ? version.get<std::string>() : version.dump(),
                                   type.api_version()));
  if (kind != "" && kind != type.kind) {
    const auto given = kind.is_string() ? kind.get<std::string>() : kind.dump();
    if (type.custom)
      return bad_request(fmt::format("{} in version \"{}\" cannot be handled as a {}: unknown conversion", given,
                                     type.version, type.kind));
    return bad_request(fmt::format(
        "{0} in version \"{1}\" cannot be handled as a {2}: converting (v1.{0}) to (core.{2}): unknown conversion",
        given, type.version, type.kind));
  }
  object["kind"] = type.kind;
  object["apiVersion"] = type.api_version();
  return {};
}

void check_data(const ResourceType& type, const Json& object, std::vector<Cause>& causes) {
  std::size_t size = 0;
  for (const auto* part : {"data", "binaryData"}) {
    if (!object.contains(part))
      continue;
    for (const auto& [key, value] : object[part].items()) {
      const bool valid = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return alphanumeric(c) || c == '-' || c == '_' || c == '.';
      });
      if (!valid)
        causes.push_back(invalid_value(fmt::format("{}[{}]", part, key), key, config_key_text));
      const auto& text = value.get_ref<const std::string&>();
      size += type.kind == "Secret" ? base64_decoded_size(text) : text.size();
    }
  }
  if (size > data_limit)
    causes.push_back({"FieldValueTooLong", fmt::format("Too long: may not be more than {} bytes", data_limit),
                      type.kind == "Secret" ? "data" : ""});
}

} // namespace

Answer<Json> decode(const ResourceType& type, const std::string& body, FieldValidation unknown,
                    std::vector<std::string>& warnings) {
  auto object = Json::parse(body, nullptr, false);
  if (object.is_discarded())
    return bad_request(fmt::format("the object provided is unrecognized (must be of type {}): couldn't get "
                                   "version/kind; json parse error: {} ({})",
                                   type.kind, body.empty() ? "unexpected end of JSON input" : "invalid character",
                                   body.empty() ? "<empty>" : body.substr(0, 30)));
  if (!object.is_object())
    return bad_request(fmt::format(
        "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: "
        "json: cannot unmarshal {} into Go value of type struct",
        type.kind, go_name(object)));
  return decode(type, std::move(object), unknown, warnings);
}

Answer<Json> decode(const ResourceType& type, Json object, FieldValidation unknown,
                    std::vector<std::string>& warnings) {
  if (auto checked = check_kind(type, object); !checked)
    return Refused(checked.error());
  std::vector<std::string> fields;
  prune(object, type.schema, fields);
  if (auto decoded = decode_metadata(type, object, fields); !decoded)
    return Refused(decoded.error());
  std::string list;
  for (const auto& field : fields) {
    list += fmt::format("{}unknown field \"{}\"", list.empty() ? "" : ", ", field);
    if (unknown == FieldValidation::warn)
      warnings.push_back(fmt::format("unknown field \"{}\"", field));
  }
  if (unknown == FieldValidation::strict && !fields.empty())
    return not_decodable(type, "strict decoding error: " + list);
  if (type.custom) {
    apply_defaults(object, type.schema);
    return object;
  }
  auto decoded = decode_built_in(type, object);
  if (decoded && type.kind == "Secret")
    decoded = decode_secret(type, object);
  if (decoded && type.kind == "Lease")
    decoded = decode_lease(type, object);
  if (!decoded)
    return Refused(decoded.error());
  for (const auto* part : {"data", "binaryData"})
    if (object.contains(part) && object[part].is_object() && object[part].empty())
      object.erase(part);
  return object;
}

std::vector<Cause> validate_object(const ResourceType& type, const Json& object) {
  std::vector<Cause> causes;
  check_metadata(type, object["metadata"], causes);
  if (type.custom)
    validate(object, type.schema, "", causes);
  if (type.kind == "Secret" || type.kind == "ConfigMap")
    check_data(type, object, causes);
  if (type.kind == "Lease" && object.contains("spec") && object["spec"].value("leaseDurationSeconds", 1) <= 0)
    causes.push_back(
        {"FieldValueInvalid",
         fmt::format("Invalid value: {}: must be greater than 0", object["spec"]["leaseDurationSeconds"].dump()),
         "spec.leaseDurationSeconds"});
  if (type.kind == "CustomResourceDefinition")
    if (auto defined = type_of_definition(object); !defined)
      causes.insert(causes.end(), defined.error().begin(), defined.error().end());
  return causes;
}

std::vector<Cause> validate_change(const ResourceType& type, const Json& before, const Json& after) {
  std::vector<Cause> causes;
  if (before["metadata"].contains("deletionTimestamp")) {
    const auto had = before["metadata"].value("finalizers", Json::array());
    std::string added;
    for (const auto& finalizer : after["metadata"].value("finalizers", Json::array()))
      if (std::find(had.begin(), had.end(), finalizer) == had.end())
        added += (added.empty() ? "" : ", ") + finalizer.dump();
    if (!added.empty())
      causes.push_back({"FieldValueForbidden",
                        fmt::format("Forbidden: no new finalizers can be added if the object is being deleted, found "
                                    "new finalizers []string{{{}}}",
                                    added),
                        "metadata.finalizers"});
  }
  if (type.kind == "Secret" && before.value("type", "") != after.value("type", ""))
    causes.push_back(invalid_value("type", after.value("type", ""), "field is immutable"));
  if ((type.kind == "Secret" || type.kind == "ConfigMap") && before.value("immutable", false)) {
    constexpr auto text = "Forbidden: field is immutable when `immutable` is set";
    if (!after.value("immutable", false))
      causes.push_back({"FieldValueForbidden", text, "immutable"});
    if (before.value("data", Json()) != after.value("data", Json()))
      causes.push_back({"FieldValueForbidden", text, "data"});
  }
  return causes;
}

std::string timestamp_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

} // namespace runtime_agent::sandbox::kube
