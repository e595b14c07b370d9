#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace runtime_agent::sandbox::kube {

/// Sorted by key, as the real server writes custom resources.
using Json = nlohmann::json;
struct ResourceType;

/// One wrong field of an object, as in `details.causes` of a Status.
struct Cause {
  std::string reason;  ///< "FieldValueInvalid"
  std::string message; ///< without the field
  std::string field;   ///< "spec.services[0].name"
};

/// An answer that is not what was asked for: HTTP status and body, worded as kube-apiserver does.
struct Refusal {
  int code = 500;
  Json status;                         ///< a Status; null: the plain text "404 page not found"
  std::optional<int> retry_after;      ///< seconds
  std::vector<std::string> warnings{}; ///< sent along
};

template <class T>
using Answer = tl::expected<T, Refusal>;
using Refused = tl::unexpected<Refusal>;

Refused not_found(const ResourceType& type, std::string_view name);
Refused already_exists(const ResourceType& type, std::string_view name);
/// "Operation cannot be fulfilled on secrets "x": `why`"
Refused conflict(const ResourceType& type, std::string_view name, std::string_view why);
Refused stale(const ResourceType& type, std::string_view name);
/// A delete's precondition: these name the kind where the others name the resource.
Refused precondition_failed(const ResourceType& type, std::string_view name, std::string_view why);
/// 422 with all the causes. Most of the real server's name the kind; a missing resource version names the resource.
Refused invalid(const ResourceType& type, std::string_view name, const std::vector<Cause>& causes,
                bool by_resource = false);
Refused bad_request(std::string_view message);
/// "Secret in version "v1" cannot be handled as a Secret: `why`"
Refused not_decodable(const ResourceType& type, std::string_view why);
Refused unauthorized();
Refused forbidden(std::string_view user, std::string_view verb, std::string_view group, std::string_view resource,
                  std::string_view namespace_, std::string_view name);
Refused expired(std::string_view message, std::string_view next_continue);
Refused version_too_large(std::uint64_t asked, std::uint64_t present);
Refused method_not_allowed();
/// Below a known group version, but no such resource.
Refused no_such_resource();
/// Outside of everything that is served: plain text.
Refused no_such_path();
Refused unsupported_media_type(std::string_view accepted);
Refused entity_too_large();
/// 500 with the text of a lower layer and no reason, as the real server passes such errors on.
Refused storage_error(std::string_view message);

/// A Status for a fault or a watch error; `reason` may be empty.
Json failure_status(int code, std::string_view reason, std::string_view message, Json details = nullptr);
/// The reason that belongs to an HTTP status, empty where there is none.
std::string_view reason_of(int code);

} // namespace runtime_agent::sandbox::kube
