#include "actors/application_reconciler/object_bodies.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "actors/application_reconciler/application_description.hpp"
#include "actors/application_reconciler/json_access.hpp"
#include "actors/application_reconciler/names.hpp"
#include "transport/encoding.hpp"
#include "transport/secret.hpp"

namespace runtime_agent::application_reconciler {

using kubernetes::Json;
using kubernetes::JsonView;

namespace {

constexpr std::array<std::string_view, 4> credential_keys{"clientId", "clientSecret", "password", "username"};
constexpr std::array<std::string_view, 2> parameter_keys{"headers", "queryParameters"};
constexpr std::array<std::string_view, 4> spec_fields{"compassMetadata", "description", "labels", "services"};

// The keys of a Secret that are ours, sorted.
std::span<const std::string_view> owned_keys(SecretKind kind) {
  return kind == SecretKind::credentials ? std::span<const std::string_view>(credential_keys)
                                         : std::span<const std::string_view>(parameter_keys);
}

// What the bundle's Secret holds, sorted by key.
std::vector<std::pair<std::string_view, const Secret*>> secret_data(const compass::Bundle& bundle, SecretKind kind) {
  if (!bundle.default_instance_auth)
    return {};
  const compass::Auth& auth = *bundle.default_instance_auth;
  if (kind == SecretKind::parameters) {
    std::vector<std::pair<std::string_view, const Secret*>> data;
    if (auth.additional_headers)
      data.emplace_back("headers", &*auth.additional_headers);
    if (auth.additional_query_parameters)
      data.emplace_back("queryParameters", &*auth.additional_query_parameters);
    return data;
  }
  if (const auto* basic = std::get_if<compass::BasicCredential>(&auth.credential))
    return {{"password", &basic->password}, {"username", &basic->username}};
  if (const auto* oauth = std::get_if<compass::OAuthCredential>(&auth.credential))
    return {{"clientId", &oauth->client_id}, {"clientSecret", &oauth->client_secret}};
  return {};
}

// As an object, whatever stood there.
Json& object_member(Json& object, std::string_view key) {
  Json& value = object[std::string(key)];
  if (!value.is_object())
    value = Json::object();
  return value;
}

// Of text: where it is longer, it grows.
constexpr std::size_t usual_application_bytes = 6 * 1024;
constexpr std::size_t usual_secret_bytes = 1536;

template <class Sink>
void tell_application(Sink& sink, const compass::Application& source, const std::string& name,
                      const MappingSettings& settings) {
  sink.text("apiVersion", application_api_version);
  sink.text("kind", application_kind);
  sink.open_object("metadata");
  sink.text("name", name);
  sink.open_object("labels");
  sink.text(managed_by_label, managed_by_value);
  sink.close();
  sink.close();
  sink.open_object("spec");
  describe_application(sink, source, name, settings);
  sink.flag("skipVerify", settings.skip_verify);
  sink.flag("encodeUrl", false); // written out: the CRD's default is true
  for (const char* unused : {"displayName", "providerDisplayName", "longDescription"})
    sink.text(unused, "");
  sink.close();
}

template <class Sink>
void tell_secret(Sink& sink, const DesiredApplication& application, const DesiredSecret& secret,
                 const std::string& namespace_, const std::string& owner_uid) {
  sink.text("apiVersion", "v1");
  sink.text("kind", "Secret");
  sink.text("type", "Opaque");
  sink.open_object("metadata");
  sink.text("name", secret.name);
  sink.text("namespace", namespace_);
  sink.open_object("labels");
  sink.text("app", application_label(application.name));
  sink.text("bundleId", secret.bundle_id);
  sink.close();
  sink.open_array("ownerReferences", 1);
  sink.open_element();
  sink.text("apiVersion", application_api_version);
  sink.text("kind", application_kind);
  sink.text("name", application.name);
  sink.text("uid", owner_uid);
  sink.close();
  sink.close();
  sink.close();
  sink.open_object("data");
  for (const auto& [key, value] : secret_data(application.source->bundles.at(secret.bundle), secret.kind)) {
    std::string encoded = base64_encode(value->reveal());
    sink.text(key, encoded);
    wipe(encoded);
  }
  sink.close();
}

// A Secret's value: of parameters the JSON, in which the order of members means nothing (contract §3); the order of the
// values that one header has does. Anything else, and what is no JSON, as it is.
void hash_value(Hasher& hasher, SecretKind kind, std::string_view value) {
  if (kind == SecretKind::parameters && hash_json_text(hasher, value))
    return;
  hasher.mark('=');
  hasher.text(value);
}

bool refers_to_application(const Json& reference) {
  const Json& version = member(reference, "apiVersion");
  return member(reference, "kind") == application_kind && version.is_string() &&
         version.get_ref<const std::string&>().starts_with("applicationconnector.kyma-project.io/");
}

// References to other Applications, or to former ones of this name, are stale; those to anything else stay.
bool merge_owner(Json& metadata, const Json& wanted) {
  Json& references = metadata["ownerReferences"];
  if (!references.is_array())
    references = Json::array();
  Json merged = Json::array();
  bool found = false;
  for (const Json& reference : references) {
    const bool ours = refers_to_application(reference) && member(reference, "name") == member(wanted, "name") &&
                      member(reference, "uid") == member(wanted, "uid") &&
                      member(reference, "apiVersion") == member(wanted, "apiVersion");
    if (ours ? !std::exchange(found, true) : !refers_to_application(reference))
      merged.push_back(reference);
  }
  if (!found)
    merged.push_back(wanted);
  const bool changed = merged != references;
  references = std::move(merged);
  return changed;
}

bool merge_keys(Json& live, const Json& desired) {
  bool changed = false;
  for (const auto& wanted : desired.items()) {
    Json& value = live[wanted.key()];
    if (value == wanted.value())
      continue;
    value = wanted.value();
    changed = true;
  }
  return changed;
}

void keep_order(Json& wanted, const Json& live);

void keep_list_order(Json& wanted, const Json& live) {
  std::map<MemberKey, std::size_t> places;
  for (std::size_t i = 0; i < live.size(); ++i)
    places.try_emplace(member_key(live[i]), i);
  std::vector<std::pair<std::size_t, Json>> placed;
  placed.reserve(wanted.size());
  for (Json& member : wanted) {
    const auto found = places.find(member_key(member));
    const std::size_t place = found == places.end() ? live.size() : found->second;
    if (place < live.size())
      keep_order(member, live[place]);
    placed.emplace_back(place, std::move(member));
  }
  std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < placed.size(); ++i)
    wanted[i] = std::move(placed[i].second);
}

// Puts the lists within `wanted` into the order of `live` for members that it has, new ones behind (contract §3).
void keep_order(Json& wanted, const Json& live) {
  if (wanted.is_array() && live.is_array()) {
    keep_list_order(wanted, live);
  } else if (wanted.is_object() && live.is_object()) {
    for (const auto& item : wanted.items())
      if (const auto there = live.find(item.key()); there != live.end())
        keep_order(item.value(), *there);
  }
}

} // namespace

Json application_body(const compass::Application& source, const std::string& name, const MappingSettings& settings) {
  Json body = Json::object();
  JsonSink sink(body);
  tell_application(sink, source, name, settings);
  return body;
}

std::string application_text(const compass::Application& source, const std::string& name,
                             const MappingSettings& settings) {
  std::string text;
  text.reserve(usual_application_bytes);
  {
    TextSink sink(text);
    tell_application(sink, source, name, settings);
  }
  if (!simdjson::validate_utf8(text)) // of a setting: what the Director says has been looked at
    return application_body(source, name, settings).dump(-1, ' ', false, Json::error_handler_t::replace);
  return text;
}

Json secret_body(const DesiredApplication& application, const DesiredSecret& secret, const std::string& namespace_,
                 const std::string& owner_uid) {
  Json body = Json::object();
  JsonSink sink(body);
  tell_secret(sink, application, secret, namespace_, owner_uid);
  return body;
}

std::string secret_text(const DesiredApplication& application, const DesiredSecret& secret,
                        const std::string& namespace_, const std::string& owner_uid) {
  std::string text;
  text.reserve(usual_secret_bytes);
  {
    TextSink sink(text);
    tell_secret(sink, application, secret, namespace_, owner_uid);
  }
  return text;
}

void wipe_secret_data(Json& secret) noexcept {
  const auto data = secret.find("data");
  if (data == secret.end() || !data->is_object())
    return;
  for (Json& value : *data)
    if (value.is_string())
      wipe(value.get_ref<std::string&>());
}

Digest application_digest(const JsonView& application) {
  Hasher hasher;
  hash_members(hasher, application.member("metadata").member("labels"), std::array{managed_by_label});
  hash_members(hasher, application.member("spec"), spec_fields);
  return hasher.finish();
}

Digest application_digest(const compass::Application& source, const std::string& name,
                          const MappingSettings& settings) {
  Hasher hasher;
  HashSink sink(hasher);
  sink.open_element();
  sink.text(managed_by_label, managed_by_value);
  sink.close();
  sink.open_element();
  describe_application(sink, source, name, settings);
  sink.close();
  return hasher.finish();
}

Digest secret_digest(const JsonView& secret, SecretKind kind) {
  Hasher hasher;
  const JsonView data = secret.member("data");
  for (const auto key : owned_keys(kind)) {
    const JsonView value = data.member(key);
    if (!value.is_string())
      continue;
    auto decoded = base64_decode(value.text());
    hasher.text(key);
    if (decoded) {
      hash_value(hasher, kind, *decoded);
      wipe(*decoded);
    } else {
      hasher.mark('!'); // no base64
    }
  }
  return hasher.finish();
}

Digest secret_digest(const compass::Bundle& bundle, SecretKind kind) {
  Hasher hasher;
  for (const auto& [key, value] : secret_data(bundle, kind)) {
    hasher.text(key);
    hash_value(hasher, kind, value->reveal());
  }
  return hasher.finish();
}

bool belongs_to_compass(const JsonView& application) {
  return application.member("spec").member("compassMetadata").is_object();
}

bool merge_application(Json& live, const Json& desired) {
  if (application_digest(live) == application_digest(desired))
    return false;
  object_member(object_member(live, "metadata"), "labels")[std::string(managed_by_label)] = managed_by_value;
  Json& spec = object_member(live, "spec");
  for (const auto field : spec_fields) {
    Json wanted = member(member(desired, "spec"), field);
    Json& there = spec[std::string(field)];
    keep_order(wanted, there);
    there = std::move(wanted);
  }
  return true;
}

bool merge_secret(Json& live, const Json& desired, SecretKind kind) {
  bool changed = false;
  Json& metadata = object_member(live, "metadata");
  changed |= merge_keys(object_member(metadata, "labels"), member(member(desired, "metadata"), "labels"));
  changed |= merge_owner(metadata, member(member(desired, "metadata"), "ownerReferences").at(0));
  if (secret_digest(live, kind) == secret_digest(desired, kind))
    return changed; // in whatever order
  Json& data = object_member(live, "data");
  const Json& wanted = member(desired, "data");
  for (const auto key : owned_keys(kind))
    if (!wanted.contains(key))
      data.erase(std::string(key));
  merge_keys(data, wanted);
  return true;
}

} // namespace runtime_agent::application_reconciler
