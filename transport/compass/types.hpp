#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "transport/secret.hpp"

/// What the Connector and the Director answer, as their schemas have it. Source: contract §§2, 3.
namespace runtime_agent::compass {

/// Of the `configuration` query.
struct ManagementPlaneInfo {
  std::string director_url;
  std::string certificate_secured_connector_url;
  bool operator==(const ManagementPlaneInfo&) const = default;
};

struct CertificateSigningRequestInfo {
  std::string subject;       ///< comma-separated K=V, RFC 2253-like escapes
  std::string key_algorithm; ///< "rsa2048", "rsa4096"
};

struct ConnectorConfiguration {
  Secret token; ///< only in the answer to a token; good for five minutes
  CertificateSigningRequestInfo signing;
  ManagementPlaneInfo management;
};

/// Of `signCertificateSigningRequest`, base64 already decoded.
struct SignedCertificate {
  std::string chain_pem; ///< client certificate, then CA certificate(s)
  std::string ca_pem;    ///< one or more
  std::string client_pem;
};

struct Version {
  std::string value;
  std::optional<bool> deprecated;
  std::optional<std::string> deprecated_since;
  std::optional<bool> for_removal;
  bool operator==(const Version&) const = default;
};

struct ApiDefinition {
  std::string id;
  std::string name;
  std::optional<std::string> description;
  std::string target_url;
  std::optional<std::string> group;
  std::optional<Version> version;
  bool operator==(const ApiDefinition&) const = default;
};

struct EventDefinition {
  std::string id;
  std::string name;
  std::optional<std::string> description;
  std::optional<std::string> group;
  std::optional<Version> version;
  bool operator==(const EventDefinition&) const = default;
};

struct BasicCredential {
  Secret username;
  Secret password;
  bool operator==(const BasicCredential&) const = default;
};

struct OAuthCredential {
  Secret client_id;
  Secret client_secret;
  std::string url;
  bool operator==(const OAuthCredential&) const = default;
};

/// CertificateOAuthCredentialData and any other type that the schema may get: present, but without a Secret (§5.2).
struct UnknownCredential {
  std::string type;
  bool operator==(const UnknownCredential&) const = default;
};

using Credential = std::variant<std::monostate, BasicCredential, OAuthCredential, UnknownCredential>;

struct Auth {
  Credential credential;
  /// The JSON object of string lists, compact, keys sorted; nullopt where null. Values may be credentials, so: Secret.
  std::optional<Secret> additional_headers;
  std::optional<Secret> additional_query_parameters;
  bool headers_empty = true;          ///< null or {}
  bool query_parameters_empty = true; ///< null or {}
  std::optional<std::string> csrf_token_endpoint_url;
  bool operator==(const Auth&) const = default;
};

/// Equal whatever the order of its definitions: the Director promises none (contract §3).
struct Bundle {
  std::string id;
  std::string name;
  std::optional<std::string> description;
  std::optional<std::string> instance_auth_request_input_schema; ///< as given, a string
  std::optional<Auth> default_instance_auth;
  std::vector<ApiDefinition> api_definitions;     ///< every page
  std::vector<EventDefinition> event_definitions; ///< every page
  bool operator==(const Bundle& other) const;
};

/// Equal whatever the order of its bundles and auths (contract §3).
struct Application {
  std::string id;
  std::string name;
  std::optional<std::string> provider_name;
  std::optional<std::string> description;
  std::vector<std::string> auth_ids;
  std::vector<Bundle> bundles; ///< every page
  bool operator==(const Application& other) const;
};

/// Labels of the Runtime: values of string type as they are, any other value as its compact JSON text, keys sorted.
struct RuntimeLabels {
  std::vector<std::pair<std::string, std::string>> values; ///< sorted by key: the order received says nothing
  /// The value of `isNormalized` is the *string* "true" (§3).
  bool is_normalized = false;
  const std::string* find(const std::string& key) const;
  bool operator==(const RuntimeLabels&) const = default;
};

/// Everything that the Director holds for one Runtime: complete, or it does not exist.
struct RuntimeData {
  RuntimeLabels labels;
  std::vector<Application> applications;
  std::uint64_t bytes = 0; ///< received
  std::uint32_t requests = 0;

  /// Whatever it took to fetch them, and in whatever order they came.
  bool same_content(const RuntimeData& other) const;
};
using RuntimeDataPtr = std::shared_ptr<const RuntimeData>;

} // namespace runtime_agent::compass
