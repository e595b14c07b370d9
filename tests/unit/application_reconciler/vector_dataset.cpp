#include "tests/unit/application_reconciler/vector_dataset.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "actors/application_reconciler/json_access.hpp"

namespace runtime_agent::tests {

using kubernetes::Json;

namespace {

const std::filesystem::path folder = std::filesystem::path(RUNTIME_AGENT_SOURCE_DIR) / "tests" / "vectors";

using application_reconciler::member;

std::optional<std::string> text(const Json& value) {
  return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

// As the Director's client gives it: compact, keys sorted.
std::optional<Secret> sorted_object(const Json& value) {
  if (value.is_null())
    return std::nullopt;
  return Secret(nlohmann::json::parse(value.dump()).dump());
}

compass::Credential credential_of(const Json& value) {
  if (value.is_null())
    return std::monostate();
  if (value.contains("username"))
    return compass::BasicCredential{Secret(value.at("username").get<std::string>()),
                                    Secret(value.at("password").get<std::string>())};
  if (value.contains("clientSecret"))
    return compass::OAuthCredential{Secret(value.at("clientId").get<std::string>()),
                                    Secret(value.at("clientSecret").get<std::string>()),
                                    value.at("url").get<std::string>()};
  return compass::UnknownCredential{"CertificateOAuthCredentialData"};
}

std::optional<compass::Auth> auth_of(const Json& value) {
  if (value.is_null())
    return std::nullopt;
  compass::Auth auth;
  auth.credential = credential_of(member(value, "credential"));
  auth.additional_headers = sorted_object(member(value, "additionalHeaders"));
  auth.additional_query_parameters = sorted_object(member(value, "additionalQueryParams"));
  auth.headers_empty = member(value, "additionalHeaders").empty();
  auth.query_parameters_empty = member(value, "additionalQueryParams").empty();
  auth.csrf_token_endpoint_url = text(member(member(member(value, "requestAuth"), "csrf"), "tokenEndpointURL"));
  return auth;
}

compass::Bundle bundle_of(const Json& value) {
  compass::Bundle bundle;
  bundle.id = value.at("id").get<std::string>();
  bundle.name = value.at("name").get<std::string>();
  bundle.description = text(member(value, "description"));
  bundle.instance_auth_request_input_schema = text(member(value, "instanceAuthRequestInputSchema"));
  bundle.default_instance_auth = auth_of(member(value, "defaultInstanceAuth"));
  for (const Json& api : member(value, "apiDefinitions"))
    bundle.api_definitions.push_back({api.at("id").get<std::string>(), api.at("name").get<std::string>(), std::nullopt,
                                      api.at("targetURL").get<std::string>(), std::nullopt, std::nullopt});
  for (const Json& event : member(value, "eventDefinitions"))
    bundle.event_definitions.push_back({event.at("id").get<std::string>(), event.at("name").get<std::string>(),
                                        std::nullopt, std::nullopt, std::nullopt});
  return bundle;
}

} // namespace

std::vector<std::string> vector_cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_directory())
      names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

Json vector_file(const std::string& name, const std::string& file) {
  std::ifstream input(folder / name / file);
  return input ? Json::parse(input) : Json();
}

compass::RuntimeDataPtr runtime_data(const Json& dataset) {
  auto data = std::make_shared<compass::RuntimeData>();
  for (const auto& label : member(member(dataset, "runtime"), "labels").items()) {
    data->labels.values.emplace_back(label.key(), text(label.value()).value_or(label.value().dump()));
    if (label.key() == "isNormalized")
      data->labels.is_normalized = label.value() == "true";
  }
  for (const Json& value : dataset.at("applications")) {
    compass::Application application;
    application.id = value.at("id").get<std::string>();
    application.name = value.at("name").get<std::string>();
    application.description = text(member(value, "description"));
    for (const Json& auth : member(value, "auths"))
      application.auth_ids.push_back(auth.at("id").get<std::string>());
    for (const Json& bundle : member(value, "bundles"))
      application.bundles.push_back(bundle_of(bundle));
    data->applications.push_back(std::move(application));
  }
  return data;
}

} // namespace runtime_agent::tests
