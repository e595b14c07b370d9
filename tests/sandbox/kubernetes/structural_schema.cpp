#include "tests/sandbox/kubernetes/structural_schema.hpp"

#include <regex>
#include <set>

#include <fmt/format.h>

namespace runtime_agent::sandbox::kube {
namespace {

constexpr auto preserve = "x-kubernetes-preserve-unknown-fields";
constexpr auto int_or_string = "x-kubernetes-int-or-string";

std::string join(const std::string& path, const std::string& field) {
  return path.empty() ? field : path + "." + field;
}

bool flag(const Json& schema, const char* name) {
  return schema.is_object() && schema.value(name, false);
}

const Json* member(const Json& schema, const char* name) {
  if (!schema.is_object())
    return nullptr;
  const auto found = schema.find(name);
  return found == schema.end() ? nullptr : &*found;
}

/// The schema of a field: by name, or what is said about all others; null where the field is unknown.
const Json* schema_of(const Json& schema, const std::string& field) {
  if (const auto* properties = member(schema, "properties"))
    if (const auto found = properties->find(field); found != properties->end())
      return &*found;
  const auto* additional = member(schema, "additionalProperties");
  return additional && additional->is_object() ? additional : nullptr;
}

void prune_at(Json& value, const Json& schema, const std::string& path, std::vector<std::string>& unknown) {
  if (value.is_array()) {
    if (const auto* items = member(schema, "items"))
      for (std::size_t i = 0; i < value.size(); ++i)
        prune_at(value[i], *items, fmt::format("{}[{}]", path, i), unknown);
    return;
  }
  if (!value.is_object())
    return;
  for (auto field = value.begin(); field != value.end();) {
    const bool outermost =
        path.empty() && (field.key() == "apiVersion" || field.key() == "kind" || field.key() == "metadata");
    const auto* below = schema_of(schema, field.key());
    if (below && !outermost)
      prune_at(*field, *below, join(path, field.key()), unknown);
    const bool kept = outermost || below || flag(schema, preserve) ||
                      (member(schema, "additionalProperties") && *member(schema, "additionalProperties") == true);
    if (kept) {
      ++field;
      continue;
    }
    unknown.push_back(join(path, field.key()));
    field = value.erase(field);
  }
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "object")
    return value.is_object();
  if (type == "array")
    return value.is_array();
  if (type == "string")
    return value.is_string();
  if (type == "boolean")
    return value.is_boolean();
  if (type == "integer")
    return value.is_number_integer() ||
           (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()));
  return type != "number" || value.is_number();
}

bool matches(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, std::regex(pattern, std::regex::ECMAScript));
}

bool is_date_time(const std::string& text) {
  static const std::regex form(
      R"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]\d{2}:\d{2}))");
  return std::regex_match(text, form);
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void validate_string(const std::string& text, const Json& schema, const std::string& path, std::vector<Cause>& causes) {
  if (const auto* most = member(schema, "maxLength"); most && characters(text) > most->get<std::size_t>()) {
    causes.push_back({"FieldValueTooLong", fmt::format("Too long: may not be more than {} bytes", most->dump()), path});
  }
  if (const auto* least = member(schema, "minLength"); least && characters(text) < least->get<std::size_t>())
    causes.push_back({"FieldValueInvalid",
                      fmt::format("Invalid value: {}: {} in body should be at least {} chars long", Json(text).dump(),
                                  path, least->dump()),
                      path});
  if (const auto* pattern = member(schema, "pattern"); pattern && !matches(text, pattern->get<std::string>()))
    causes.push_back({"FieldValueInvalid",
                      fmt::format("Invalid value: {}: {} in body should match '{}'", Json(text).dump(), path,
                                  pattern->get<std::string>()),
                      path});
  if (const auto* format = member(schema, "format"); format && *format == "date-time" && !is_date_time(text))
    causes.push_back(
        {"FieldValueTypeInvalid",
         fmt::format("Invalid value: {0}: {1} in body must be of type date-time: {0}", Json(text).dump(), path), path});
}

void validate_number(const Json& value, const Json& schema, const std::string& path, std::vector<Cause>& causes) {
  const auto complain = [&](const char* relation, const Json& bound) {
    causes.push_back(
        {"FieldValueInvalid",
         fmt::format("Invalid value: {}: {} in body should be {} {}", value.dump(), path, relation, bound.dump()),
         path});
  };
  if (const auto* least = member(schema, "minimum"); least && value.get<double>() < least->get<double>())
    complain("greater than or equal to", *least);
  if (const auto* most = member(schema, "maximum"); most && value.get<double>() > most->get<double>())
    complain("less than or equal to", *most);
}

void validate_array(const Json& value, const Json& schema, const std::string& path, std::vector<Cause>& causes) {
  if (const auto* items = member(schema, "items"))
    for (std::size_t i = 0; i < value.size(); ++i)
      validate(value[i], *items, fmt::format("{}[{}]", path, i), causes);
  if (const auto* most = member(schema, "maxItems"); most && value.size() > most->get<std::size_t>())
    causes.push_back({"FieldValueTooMany",
                      fmt::format("Too many: {}: must have at most {} items", value.size(), most->dump()), path});
  if (const auto* least = member(schema, "minItems"); least && value.size() < least->get<std::size_t>())
    causes.push_back(
        {"FieldValueInvalid",
         fmt::format("Invalid value: {}: {} in body should have at least {} items", value.size(), path, least->dump()),
         path});
  if (const auto* kind = member(schema, "x-kubernetes-list-type"); kind && *kind == "map") {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      Json key = Json::object();
      for (const auto& field : schema.value("x-kubernetes-list-map-keys", std::vector<std::string>{}))
        if (value[i].is_object() && value[i].contains(field))
          key[field] = value[i][field];
      if (!seen.insert(key.dump()).second)
        causes.push_back(
            {"FieldValueDuplicate", fmt::format("Duplicate value: {}", key.dump()), fmt::format("{}[{}]", path, i)});
    }
  }
}

void validate_object(const Json& value, const Json& schema, const std::string& path, std::vector<Cause>& causes) {
  for (const auto& [field, below] : value.items())
    if (const auto* inner = schema_of(schema, field))
      validate(below, *inner, join(path, field), causes);
  if (const auto* required = member(schema, "required"))
    for (const auto& field : *required)
      if (!value.contains(field.get<std::string>()))
        causes.push_back({"FieldValueRequired", "Required value", join(path, field.get<std::string>())});
  if (const auto* most = member(schema, "maxProperties"); most && value.size() > most->get<std::size_t>())
    causes.push_back({"FieldValueTooMany",
                      fmt::format("Too many: {}: must have at most {} items", value.size(), most->dump()), path});
}

} // namespace

std::string type_name(const Json& value) {
  if (value.is_number_float())
    return "number";
  if (value.is_number())
    return "integer";
  return value.is_null() ? "null" : value.type_name();
}

void prune(Json& object, const Json& schema, std::vector<std::string>& unknown) {
  if (!schema.is_null())
    prune_at(object, schema, "", unknown);
}

void apply_defaults(Json& value, const Json& schema) {
  if (value.is_array()) {
    if (const auto* items = member(schema, "items"))
      for (auto& item : value)
        apply_defaults(item, *items);
    return;
  }
  if (!value.is_object())
    return;
  for (auto field = value.begin(); field != value.end();) {
    const auto* inner = schema_of(schema, field.key());
    field = field->is_null() && inner && !flag(*inner, "nullable") ? value.erase(field) : std::next(field);
  }
  if (const auto* properties = member(schema, "properties"))
    for (const auto& [field, below] : properties->items())
      if (const auto* fallback = member(below, "default"); fallback && !value.contains(field))
        value[field] = *fallback;
  for (auto& [field, below] : value.items())
    if (const auto* inner = schema_of(schema, field))
      apply_defaults(below, *inner);
}

void validate(const Json& value, const Json& schema, const std::string& path, std::vector<Cause>& causes) {
  if (!schema.is_object() || (value.is_null() && flag(schema, "nullable")))
    return;
  const bool either = flag(schema, int_or_string) && (value.is_string() || value.is_number_integer());
  if (const auto* type = member(schema, "type"); type && !either && !has_type(value, type->get<std::string>())) {
    causes.push_back({"FieldValueTypeInvalid",
                      fmt::format("Invalid value: \"{0}\": {1} in body must be of type {2}: \"{0}\"", type_name(value),
                                  path, type->get<std::string>()),
                      path});
    return;
  }
  if (const auto* values = member(schema, "enum");
      values && std::find(values->begin(), values->end(), value) == values->end()) {
    std::string supported;
    for (const auto& one : *values)
      supported += (supported.empty() ? "" : ", ") + one.dump();
    causes.push_back({"FieldValueNotSupported",
                      fmt::format("Unsupported value: {}: supported values: {}", value.dump(), supported), path});
  }
  if (value.is_string())
    validate_string(value.get_ref<const std::string&>(), schema, path, causes);
  else if (value.is_number())
    validate_number(value, schema, path, causes);
  else if (value.is_array())
    validate_array(value, schema, path, causes);
  else if (value.is_object())
    validate_object(value, schema, path, causes);
}

} // namespace runtime_agent::sandbox::kube
