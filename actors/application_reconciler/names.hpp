#pragma once

#include <string>
#include <string_view>

/// Names of what the agent writes. Pure; every input is accepted, also bytes that are no UTF-8. Source: contract §6.
namespace runtime_agent::application_reconciler {

/// The Application's name in the cluster. `normalized_by_director`: the Runtime's label `isNormalized` is "true", and
/// the name is taken as it is. The outcome may be no DNS-1123 subdomain: check before it reaches a URL path.
std::string application_name(std::string_view director_name, bool normalized_by_director);

/// Of a bundle or an API, for the gateway's paths: at most 57 characters, may be empty.
std::string normalized_name(std::string_view name);

/// `<normalised bundle name>-<five hex digits of the id's SHA-1>`.
std::string service_name(std::string_view bundle_name, std::string_view bundle_id);

/// `<application>-<bundle id>`, what stands before the id cut to 27 characters, dash included (contract §5.3).
std::string credentials_secret_name(std::string_view application, std::string_view bundle_id);
/// `params-<application>-<bundle id>`, cut alike.
std::string parameters_secret_name(std::string_view application, std::string_view bundle_id);

/// The value of a Secret's label `app`: the beginning of the name, cut to 63 characters that form a valid label value.
std::string_view application_label(std::string_view application);

/// Lower-case letters, digits, `-` and `.`; each part begins and ends with a letter or digit; 1 to 253 characters.
bool is_dns1123_subdomain(std::string_view name);
/// At most 63 characters; empty, or letters, digits, `-`, `_` and `.` with a letter or digit at both ends.
bool is_label_value(std::string_view value);

} // namespace runtime_agent::application_reconciler
