#include "actors/application_reconciler/object_bodies.hpp"

#include <algorithm>
#include <array>
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

} // namespace

Json application_body(const compass::Application& source, const std::string& name, const MappingSettings& settings) {
  Json body = {{"apiVersion", application_api_version}, {"kind", application_kind}};
  body["metadata"]["name"] = name;
  body["metadata"]["labels"][std::string(managed_by_label)] = managed_by_value;
  Json& spec = body["spec"] = Json::object();
  JsonSink sink(spec);
  describe_application(sink, source, name, settings);
  spec["skipVerify"] = settings.skip_verify;
  spec["encodeUrl"] = false; // written out: the CRD's default is true
  for (const char* unused : {"displayName", "providerDisplayName", "longDescription"})
    spec[unused] = "";
  return body;
}

Json secret_body(const DesiredApplication& application, const DesiredSecret& secret, const std::string& namespace_,
                 const std::string& owner_uid) {
  Json body = {{"apiVersion", "v1"}, {"kind", "Secret"}, {"type", "Opaque"}};
  Json& metadata = body["metadata"];
  metadata["name"] = secret.name;
  metadata["namespace"] = namespace_;
  metadata["labels"]["app"] = application_label(application.name);
  metadata["labels"]["bundleId"] = secret.bundle_id;
  Json owner = {{"apiVersion", application_api_version},
                {"kind", application_kind},
                {"name", application.name},
                {"uid", owner_uid}};
  metadata["ownerReferences"] = Json::array({std::move(owner)});
  Json& data = object_member(body, "data");
  for (const auto& [key, value] : secret_data(application.source->bundles.at(secret.bundle), secret.kind))
    data[std::string(key)] = base64_encode(value->reveal());
  return body;
}

void wipe_secret_data(Json& secret) noexcept {
  const auto data = secret.find("data");
  if (data == secret.end() || !data->is_object())
    return;
  for (Json& value : *data)
    if (value.is_string())
      wipe(value.get_ref<std::string&>());
}

Digest application_digest(const Json& application) {
  Hasher hasher;
  hash_members(hasher, member(member(application, "metadata"), "labels"), std::array{managed_by_label});
  hash_members(hasher, member(application, "spec"), spec_fields);
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

Digest secret_digest(const Json& secret, SecretKind kind) {
  Hasher hasher;
  const Json& data = member(secret, "data");
  for (const auto key : owned_keys(kind)) {
    const Json& value = member(data, key);
    if (!value.is_string())
      continue;
    auto decoded = base64_decode(value.get_ref<const std::string&>());
    hasher.text(key);
    hasher.mark(decoded ? '=' : '!');
    hasher.text(decoded ? *decoded : "");
    if (decoded)
      wipe(*decoded);
  }
  return hasher.finish();
}

Digest secret_digest(const compass::Bundle& bundle, SecretKind kind) {
  Hasher hasher;
  for (const auto& [key, value] : secret_data(bundle, kind)) {
    hasher.text(key);
    hasher.mark('=');
    hasher.text(value->reveal());
  }
  return hasher.finish();
}

bool belongs_to_compass(const Json& application) {
  return member(member(application, "spec"), "compassMetadata").is_object();
}

bool merge_application(Json& live, const Json& desired) {
  if (application_digest(live) == application_digest(desired))
    return false;
  object_member(object_member(live, "metadata"), "labels")[std::string(managed_by_label)] = managed_by_value;
  Json& spec = object_member(live, "spec");
  for (const auto field : spec_fields)
    spec[std::string(field)] = member(member(desired, "spec"), field);
  return true;
}

bool merge_secret(Json& live, const Json& desired, SecretKind kind) {
  bool changed = false;
  Json& metadata = object_member(live, "metadata");
  changed |= merge_keys(object_member(metadata, "labels"), member(member(desired, "metadata"), "labels"));
  changed |= merge_owner(metadata, member(member(desired, "metadata"), "ownerReferences").at(0));
  Json& data = object_member(live, "data");
  const Json& wanted = member(desired, "data");
  for (const auto key : owned_keys(kind))
    if (!wanted.contains(key))
      changed |= data.erase(std::string(key)) > 0;
  return merge_keys(data, wanted) || changed;
}

} // namespace runtime_agent::application_reconciler
