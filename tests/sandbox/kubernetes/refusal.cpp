#include "tests/sandbox/kubernetes/refusal.hpp"

#include <fmt/format.h>

#include "tests/sandbox/kubernetes/resource_type.hpp"

namespace runtime_agent::sandbox::kube {
namespace {

Refused refuse(int code, std::string_view reason, std::string_view message, Json details = nullptr) {
  return Refused(Refusal{code, failure_status(code, reason, message, std::move(details)), std::nullopt, {}});
}

Json details_of(const ResourceType& type, std::string_view name, std::string_view kind) {
  Json details = {{"kind", kind}};
  if (!name.empty())
    details["name"] = name;
  if (!type.group.empty())
    details["group"] = type.group;
  return details;
}

} // namespace

Json failure_status(int code, std::string_view reason, std::string_view message, Json details) {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", message}, {"code", code}};
  if (!reason.empty())
    status["reason"] = reason;
  if (!details.is_null())
    status["details"] = std::move(details);
  return status;
}

std::string_view reason_of(int code) {
  switch (code) {
  case 400:
    return "BadRequest";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "NotFound";
  case 409:
    return "Conflict";
  case 410:
    return "Expired";
  case 422:
    return "Invalid";
  case 429:
    return "TooManyRequests";
  case 500:
    return "InternalError";
  case 503:
    return "ServiceUnavailable";
  case 504:
    return "Timeout";
  default:
    return {};
  }
}

Refused not_found(const ResourceType& type, std::string_view name) {
  return refuse(404, "NotFound", fmt::format("{} \"{}\" not found", type.qualified_plural(), name),
                details_of(type, name, type.plural));
}

Refused already_exists(const ResourceType& type, std::string_view name) {
  return refuse(409, "AlreadyExists", fmt::format("{} \"{}\" already exists", type.qualified_plural(), name),
                details_of(type, name, type.plural));
}

Refused conflict(const ResourceType& type, std::string_view name, std::string_view why) {
  return refuse(409, "Conflict",
                fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", type.qualified_plural(), name, why),
                details_of(type, name, type.plural));
}

Refused stale(const ResourceType& type, std::string_view name) {
  return conflict(type, name,
                  "the object has been modified; please apply your changes to the latest version and try again");
}

Refused precondition_failed(const ResourceType& type, std::string_view name, std::string_view why) {
  return refuse(409, "Conflict",
                fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", type.qualified_kind(), name, why),
                details_of(type, name, type.kind));
}

Refused invalid(const ResourceType& type, std::string_view name, const std::vector<Cause>& causes, bool by_resource) {
  Json list = Json::array();
  std::string texts;
  for (const auto& cause : causes) {
    list.push_back({{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
    texts += fmt::format("{}{}: {}", texts.empty() ? "" : ", ", cause.field, cause.message);
  }
  if (causes.size() > 1)
    texts = "[" + texts + "]";
  auto details = details_of(type, name, by_resource ? type.plural : type.kind);
  details["causes"] = std::move(list);
  return refuse(422, "Invalid",
                fmt::format("{} \"{}\" is invalid: {}", by_resource ? type.qualified_plural() : type.qualified_kind(),
                            name, texts),
                std::move(details));
}

Refused bad_request(std::string_view message) {
  return refuse(400, "BadRequest", message);
}

Refused not_decodable(const ResourceType& type, std::string_view why) {
  return bad_request(
      fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}", type.kind, type.version, why));
}

Refused unauthorized() {
  return refuse(401, "Unauthorized", "Unauthorized");
}

Refused forbidden(std::string_view user, std::string_view verb, std::string_view group, std::string_view resource,
                  std::string_view namespace_, std::string_view name) {
  auto qualified = group.empty() ? std::string(resource) : fmt::format("{}.{}", resource, group);
  auto object = name.empty() ? qualified : fmt::format("{} \"{}\"", qualified, name);
  auto where =
      namespace_.empty() ? std::string("at the cluster scope") : fmt::format("in the namespace \"{}\"", namespace_);
  Json details = {{"kind", resource}};
  if (!name.empty())
    details["name"] = name;
  if (!group.empty())
    details["group"] = group;
  return refuse(403, "Forbidden",
                fmt::format("{} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}", object,
                            user, verb, resource, group, where),
                std::move(details));
}

Refused expired(std::string_view message, std::string_view next_continue) {
  auto refused = refuse(410, "Expired", message);
  if (!next_continue.empty())
    refused.value().status["metadata"]["continue"] = next_continue;
  return refused;
}

Refused version_too_large(std::uint64_t asked, std::uint64_t present) {
  Json details = {
      {"causes", Json::array({{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}})},
      {"retryAfterSeconds", 1}};
  auto refused =
      refuse(504, "Timeout", fmt::format("Timeout: Too large resource version: {}, current: {}", asked, present),
             std::move(details));
  refused.value().retry_after = 1;
  return refused;
}

Refused method_not_allowed() {
  return refuse(405, "MethodNotAllowed", "the server does not allow this method on the requested resource",
                Json::object());
}

Refused no_such_resource() {
  return refuse(404, "NotFound", "the server could not find the requested resource", Json::object());
}

Refused no_such_path() {
  return Refused(Refusal{404, nullptr, std::nullopt, {}});
}

Refused unsupported_media_type(std::string_view accepted) {
  return refuse(
      415, "UnsupportedMediaType",
      fmt::format("the body of the request was in an unknown format - accepted media types include: {}", accepted));
}

Refused entity_too_large() {
  return refuse(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728");
}

Refused storage_error(std::string_view message) {
  return refuse(500, "", message);
}

} // namespace runtime_agent::sandbox::kube
