#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "transport/compass/types.hpp"

/// Director data in a line each.
namespace runtime_agent::tests {

inline compass::Bundle bundle(const std::string& id) {
  compass::Bundle bundle;
  bundle.id = id;
  bundle.name = "Bundle " + id;
  bundle.api_definitions.push_back(
      {"api-" + id, "Api", std::nullopt, "https://backend.example.com", std::nullopt, std::nullopt});
  return bundle;
}

inline compass::Bundle with_password(compass::Bundle bundle, const std::string& password = "pass") {
  if (!bundle.default_instance_auth)
    bundle.default_instance_auth.emplace();
  bundle.default_instance_auth->credential = compass::BasicCredential{Secret("user"), Secret(password)};
  return bundle;
}

inline compass::Bundle with_headers(compass::Bundle bundle) {
  if (!bundle.default_instance_auth)
    bundle.default_instance_auth.emplace();
  bundle.default_instance_auth->additional_headers = Secret(R"({"X":["1"]})");
  bundle.default_instance_auth->headers_empty = false;
  return bundle;
}

inline compass::Application application(const std::string& name, std::vector<compass::Bundle> bundles = {}) {
  compass::Application application;
  application.id = "id-" + name;
  application.name = name;
  application.description = "of " + name;
  application.bundles = std::move(bundles);
  return application;
}

/// `mp-<name>` with one bundle `b` that has a password: one Secret `mp-<name>-b`.
inline compass::Application shop(const std::string& name) {
  return application(name, {with_password(bundle("b"))});
}

inline compass::RuntimeDataPtr director_data(std::vector<compass::Application> applications, bool normalized = false) {
  auto data = std::make_shared<compass::RuntimeData>();
  data->labels.is_normalized = normalized;
  data->applications = std::move(applications);
  return data;
}

} // namespace runtime_agent::tests
