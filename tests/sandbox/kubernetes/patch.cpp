#include "tests/sandbox/kubernetes/patch.hpp"

#include <algorithm>

namespace runtime_agent::sandbox::kube {
namespace {

/// The field by which entries of a list are told apart; empty: the list is replaced as a whole.
std::string merge_key(const std::string& field) {
  if (field == "ownerReferences")
    return "uid";
  if (field == "conditions")
    return "type";
  return field == "addresses" ? "type" : "";
}

void merge_strategically(Json& target, const Json& patch);

void merge_list(Json& target, const Json& patch, const std::string& key) {
  if (!target.is_array())
    target = Json::array();
  for (const auto& entry : patch) {
    if (!entry.is_object() || !entry.contains(key))
      continue;
    const auto same = [&](const Json& one) { return one.is_object() && one.value(key, Json()) == entry[key]; };
    if (entry.value("$patch", "") == "delete") {
      target.erase(std::remove_if(target.begin(), target.end(), same), target.end());
      continue;
    }
    auto found = std::find_if(target.begin(), target.end(), same);
    if (found == target.end()) {
      target.push_back(Json::object());
      found = std::prev(target.end());
    }
    merge_strategically(*found, entry);
  }
}

void merge_set(Json& target, const Json& patch) {
  if (!target.is_array())
    target = Json::array();
  for (const auto& value : patch)
    if (std::find(target.begin(), target.end(), value) == target.end())
      target.push_back(value);
}

/// "$deleteFromPrimitiveList/finalizers" and the other directives; true where `field` is one.
bool directive(Json& target, const std::string& field, const Json& value) {
  constexpr std::string_view remove = "$deleteFromPrimitiveList/";
  if (field.rfind(remove, 0) == 0) {
    auto& list = target[field.substr(remove.size())];
    if (list.is_array())
      list.erase(
          std::remove_if(list.begin(), list.end(),
                         [&](const Json& one) { return std::find(value.begin(), value.end(), one) != value.end(); }),
          list.end());
    return true;
  }
  return field.rfind('$', 0) == 0;
}

void merge_strategically(Json& target, const Json& patch) {
  if (!target.is_object())
    target = Json::object();
  if (patch.value("$patch", "") == "replace")
    target = Json::object();
  for (const auto& [field, value] : patch.items()) {
    if (directive(target, field, value))
      continue;
    if (value.is_null() || (value.is_object() && value.value("$patch", "") == "delete"))
      target.erase(field);
    else if (value.is_object())
      merge_strategically(target[field], value);
    else if (value.is_array() && !merge_key(field).empty())
      merge_list(target[field], value, merge_key(field));
    else if (value.is_array() && field == "finalizers")
      merge_set(target[field], value);
    else
      target[field] = value;
  }
}

} // namespace

Answer<Json> patched(const ResourceType& type, Json object, const std::string& media_type, const std::string& body) {
  const auto patch = Json::parse(body, nullptr, false);
  if (patch.is_discarded())
    return bad_request("error decoding patch: invalid character");
  if (media_type == "application/json-patch+json") {
    try { // the library tells a failed patch by an exception only
      return object.patch(patch);
    } catch (const Json::exception& error) {
      return invalid(type, object["metadata"].value("name", ""), {{"FieldValueInvalid", error.what(), "patch"}});
    }
  }
  if (!patch.is_object())
    return bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}");
  if (media_type == "application/merge-patch+json")
    object.merge_patch(patch);
  else
    merge_strategically(object, patch);
  return object;
}

} // namespace runtime_agent::sandbox::kube
