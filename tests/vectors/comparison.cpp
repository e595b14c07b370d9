#include "tests/vectors/comparison.hpp"

#include <algorithm>
#include <map>
#include <regex>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

#include "tests/vectors/pem_summary.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::vectors {

namespace {

const Json& member(const Json& object, const std::string& key) {
  static const Json null;
  return object.is_object() && object.contains(key) ? object.at(key) : null;
}

// Copies those members that are there and not null.
Json picked(const Json& object, const std::vector<std::string>& keys) {
  Json out = Json::object();
  for (const auto& key : keys)
    if (!member(object, key).is_null())
      out[key] = member(object, key);
  return out;
}

void erase_where_empty(Json& object, const std::vector<std::string>& keys) {
  for (const auto& key : keys)
    if (object.contains(key) && object[key].empty())
      object.erase(key);
}

std::string name_of(const Json& object) {
  return member(member(object, "metadata"), "name").get<std::string>();
}

Json sorted_by_name(std::vector<Json> objects) {
  const auto key = [](const Json& object) {
    const Json& namespace_ = member(member(object, "metadata"), "namespace");
    return std::pair(namespace_.is_string() ? namespace_.get<std::string>() : std::string(), name_of(object));
  };
  std::sort(objects.begin(), objects.end(), [&](const Json& a, const Json& b) { return key(a) < key(b); });
  Json out = Json::array();
  for (auto& object : objects)
    out.push_back(std::move(object));
  return out;
}

// What people and agents write; versions, times and managed fields are the server's.
Json metadata_of(const Json& object) {
  Json metadata = picked(member(object, "metadata"),
                         {"name", "namespace", "labels", "annotations", "finalizers", "ownerReferences"});
  erase_where_empty(metadata, {"labels", "annotations", "finalizers", "ownerReferences"});
  return metadata;
}

// Whole seconds in UTC are a time; anything else stays and shows as a difference.
void replace_times(Json& value) {
  static const std::regex time(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)");
  if (value.is_structured()) {
    for (Json& element : value)
      replace_times(element);
  } else if (value.is_string() && std::regex_match(value.get_ref<const std::string&>(), time)) {
    value = "<time>";
  }
}

std::string decoded(const Json& value) {
  const auto bytes = base64_decode(value.get<std::string>());
  return bytes ? *bytes : "<no base64: " + value.get<std::string>() + ">";
}

// The spelling of the JSON in a params Secret is free.
Json secret_value(const std::string& key, std::string content) {
  if (key == "headers" || key == "queryParameters")
    if (Json parsed = Json::parse(content, nullptr, false); !parsed.is_discarded())
      return parsed;
  return content;
}

Json owner_of(Json reference, const std::map<std::string, std::string>& names) {
  const auto found = names.find(member(reference, "uid").get<std::string>());
  reference["uid"] = found == names.end() ? "<STALE uid>" : "<uid of " + found->second + ">";
  return reference;
}

std::string with_port_placeholder(const Json& url, const std::string& placeholder) {
  static const std::regex port(R"(^(https?://[^/]+?):\d+(/|$))");
  return std::regex_replace(url.get<std::string>(), port, "$1:" + placeholder + "$2");
}

Json even_subject(const Json& first) {
  if (!first.is_string())
    return first;
  std::vector<std::string> attributes;
  std::istringstream text(first.get<std::string>().substr(std::string_view("subject=").size()));
  for (std::string attribute; std::getline(text, attribute, ',');)
    attributes.push_back(attribute);
  std::sort(attributes.begin(), attributes.end());
  std::string out = "subject=";
  for (const auto& attribute : attributes)
    out += (out.back() == '=' ? "" : ",") + attribute;
  return out;
}

// A list that is a set (contract §3): entries of a service by type and id, others by id or by themselves.
void sort_members(Json& list) {
  if (!list.is_array())
    return;
  const auto key = [](const Json& item) {
    return item.is_object() ? std::tuple(member(item, "type").dump(), member(item, "id").dump(), std::string())
                            : std::tuple(std::string(), std::string(), item.dump());
  };
  std::vector<Json> members(list.begin(), list.end());
  std::stable_sort(members.begin(), members.end(), [&](const Json& a, const Json& b) { return key(a) < key(b); });
  list = members;
}

void sort_lists_of(Json& application) {
  if (!member(application, "spec").is_object())
    return;
  Json& spec = application["spec"];
  if (member(member(member(spec, "compassMetadata"), "authentication"), "clientIds").is_array())
    sort_members(spec["compassMetadata"]["authentication"]["clientIds"]);
  if (!member(spec, "services").is_array())
    return;
  sort_members(spec["services"]);
  for (Json& service : spec["services"])
    if (member(service, "entries").is_array())
      sort_members(service["entries"]);
}

// Without the order of members, which says nothing.
nlohmann::json unordered(const Json& value) {
  return nlohmann::json::parse(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void compare(const nlohmann::json& expected, const nlohmann::json& actual, const std::string& path,
             std::vector<std::string>& lines) {
  if (expected.is_object() && actual.is_object()) {
    std::set<std::string> keys;
    for (const auto& item : expected.items())
      keys.insert(item.key());
    for (const auto& item : actual.items())
      keys.insert(item.key());
    for (const auto& key : keys) {
      if (!expected.contains(key))
        lines.push_back(path + '/' + key + ": expected nothing, is " + actual.at(key).dump());
      else if (!actual.contains(key))
        lines.push_back(path + '/' + key + ": expected " + expected.at(key).dump() + ", is missing");
      else
        compare(expected.at(key), actual.at(key), path + '/' + key, lines);
    }
  } else if (expected.is_array() && actual.is_array() && expected.size() == actual.size()) {
    for (std::size_t i = 0; i < expected.size(); ++i)
      compare(expected[i], actual[i], path + '/' + std::to_string(i), lines);
  } else if (expected != actual) {
    lines.push_back(path + ": expected " + expected.dump() + ", is " + actual.dump());
  }
}

// Objects by their names instead of their places, so that one too many does not make all the others differ.
nlohmann::json by_name(const nlohmann::json& objects) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& object : objects)
    out[object.at("metadata").value("namespace", "") + ":" + object.at("metadata").at("name").get<std::string>()] =
        object;
  return out;
}

} // namespace

Json normalised_applications(const std::vector<Json>& applications) {
  std::vector<Json> out;
  for (const Json& live : applications) {
    Json object = {{"metadata", metadata_of(live)}, {"spec", member(live, "spec")}};
    if (!member(live, "status").is_null() && !member(live, "status").empty())
      object["status"] = member(live, "status");
    out.push_back(std::move(object));
  }
  return sorted_by_name(std::move(out));
}

Json normalised_secrets(const std::vector<Json>& secrets, const std::vector<Json>& applications,
                        const LiveFilter& filter) {
  std::map<std::string, std::string> names; // uid → name
  for (const Json& application : applications)
    names[member(member(application, "metadata"), "uid").get<std::string>()] = name_of(application);
  std::vector<Json> out;
  for (const Json& live : secrets) {
    if (filter.other_secrets.contains(name_of(live)))
      continue;
    Json object = {{"data", Json::object()}, {"metadata", metadata_of(live)}, {"type", member(live, "type")}};
    for (const auto& item : member(live, "data").items())
      object["data"][item.key()] = secret_value(item.key(), decoded(item.value()));
    if (object["metadata"].contains("ownerReferences"))
      for (Json& reference : object["metadata"]["ownerReferences"])
        reference = owner_of(std::move(reference), names);
    out.push_back(std::move(object));
  }
  return sorted_by_name(std::move(out));
}

Json normalised_certificates(const std::vector<Json>& secrets) {
  std::vector<Json> out;
  for (const Json& live : secrets) {
    // The annotations of the identity are the contract's addition; they are not compared.
    Json object = {{"data", Json::object()},
                   {"metadata", picked(member(live, "metadata"), {"name", "namespace", "labels"})},
                   {"type", member(live, "type")}};
    erase_where_empty(object["metadata"], {"labels"});
    for (const auto& item : member(live, "data").items())
      object["data"][item.key()] = pem_summary(decoded(item.value()));
    out.push_back(std::move(object));
  }
  return sorted_by_name(std::move(out));
}

Json normalised_connection(const Json& live) {
  const Json& spec = member(live, "spec");
  Json info = member(spec, "managementInfo");
  if (info.is_object() && info.contains("connectorUrl"))
    info["connectorUrl"] = with_port_placeholder(info["connectorUrl"], "<connector-port>");
  if (info.is_object() && info.contains("directorUrl"))
    info["directorUrl"] = with_port_placeholder(info["directorUrl"], "<director-port>");
  Json out = {{"metadata", picked(member(live, "metadata"), {"name"})}, {"spec", {{"managementInfo", info}}}};
  for (const auto* wish : {"resyncNow", "refreshCredentialsNow"})
    if (member(spec, wish) == true)
      out["spec"][wish] = true;
  const Json& status = member(live, "status");
  if (status.is_null())
    return out;
  // Only what the contract names: everything else (conditions) is an agent's own.
  Json kept = picked(status, {"connectionState", "connectionStatus", "synchronizationStatus"});
  if (kept.contains("connectionStatus")) {
    Json& connection = kept["connectionStatus"];
    connection =
        picked(connection, {"established", "renewed", "lastSync", "lastSuccess", "certificateStatus", "error"});
    if (connection.contains("certificateStatus"))
      connection["certificateStatus"] = picked(connection["certificateStatus"], {"acquired", "notBefore", "notAfter"});
  }
  if (kept.contains("synchronizationStatus"))
    kept["synchronizationStatus"] = picked(
        kept["synchronizationStatus"], {"lastAttempt", "lastSuccessfulFetch", "lastSuccessfulApplication", "error"});
  erase_where_empty(kept, {"synchronizationStatus"});
  replace_times(kept);
  out["status"] = std::move(kept);
  return out;
}

Json normalised(const LiveObjects& live, const LiveFilter& filter) {
  Json step;
  step["applications"] = normalised_applications(live.applications);
  step["secrets"] = normalised_secrets(live.secrets, live.applications, filter);
  step["certificates"] = normalised_certificates(live.certificates);
  step["connection"] = live.connection ? normalised_connection(*live.connection) : Json();
  step["runtimeLabels"] = live.runtime_labels.is_null() ? Json::object() : live.runtime_labels;
  return step;
}

Json evened_out(Json step) {
  if (step.contains("applications"))
    for (Json& application : step["applications"])
      sort_lists_of(application);
  if (step.contains("connection") && step["connection"].is_object() && step["connection"].contains("status"))
    for (const auto* part : {"connectionStatus", "synchronizationStatus"})
      if (Json& status = step["connection"]["status"]; status.contains(part) && status[part].contains("error"))
        status[part]["error"] = "<error>";
  if (step.contains("certificates"))
    for (Json& secret : step["certificates"])
      for (Json& value : secret["data"])
        if (value.contains("first"))
          value["first"] = even_subject(value["first"]);
  return step;
}

std::vector<std::string> differences(const Json& golden_step, const Json& live_step) {
  const auto golden = unordered(evened_out(golden_step));
  const auto live = unordered(evened_out(live_step));
  std::vector<std::string> lines;
  for (const auto& part : live.items()) {
    const bool objects = part.value().is_array();
    const auto expected = golden.value(part.key(), objects ? nlohmann::json::array() : nlohmann::json());
    compare(objects ? by_name(expected) : expected, objects ? by_name(part.value()) : part.value(), '/' + part.key(),
            lines);
  }
  return lines;
}

std::string report(const std::vector<std::string>& differences, std::size_t limit) {
  std::string text;
  for (std::size_t i = 0; i < std::min(limit, differences.size()); ++i)
    text += differences[i] + '\n';
  if (differences.size() > limit)
    text += "and " + std::to_string(differences.size() - limit) + " more\n";
  return text;
}

} // namespace runtime_agent::vectors
