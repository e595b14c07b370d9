#include "tests/sandbox/kubernetes/api_service.hpp"

#include <fmt/format.h>

#include "tests/sandbox/kubernetes/discovery.hpp"
#include "tests/sandbox/kubernetes/table.hpp"

namespace runtime_agent::sandbox::kube {
namespace {

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Reply refused_reply(const Refusal& refusal) {
  Reply reply;
  reply.status = refusal.code;
  if (refusal.status.is_null()) {
    reply.body = "404 page not found\n";
    reply.content_type = "text/plain; charset=utf-8";
  } else {
    reply.body = text_of(refusal.status);
  }
  reply.warnings = refusal.warnings;
  if (refusal.retry_after)
    reply.retry_after = std::to_string(*refusal.retry_after);
  return reply;
}

/// Open to everybody, as the real server's role system:public-info-viewer has it.
bool is_public(const ApiRequest& request) {
  const auto& at = request.segments;
  return !at.empty() && (at[0] == "healthz" || at[0] == "readyz" || at[0] == "livez" || at[0] == "version");
}

bool is_discovery(const ApiRequest& request) {
  const auto& at = request.segments;
  return at.empty() || at[0] == "api" || at[0] == "apis" || at[0] == "openapi";
}

} // namespace

ApiService::ApiService(Store& store, Access& access, RequestLog& log, bool metrics_api)
    : store_(store), access_(access), log_(log), metrics_api_(metrics_api), types_(built_in_types()) {}

std::vector<ResourceType> ApiService::types() const {
  std::lock_guard lock(mutex_);
  std::vector<ResourceType> served;
  for (const auto& type : types_)
    if (metrics_api_ || type.group != "metrics.k8s.io")
      served.push_back(type);
  return served;
}

std::optional<ResourceType> ApiService::find_type(const std::string& group, const std::string& version,
                                                  const std::string& plural) const {
  if (group == "metrics.k8s.io" && !metrics_api_)
    return std::nullopt;
  std::lock_guard lock(mutex_);
  for (const auto& type : types_)
    if (type.group == group && type.version == version && type.plural == plural)
      return type;
  return std::nullopt;
}

std::optional<ResourceType> ApiService::type_by_plural(const std::string& plural) const {
  std::lock_guard lock(mutex_);
  for (const auto& type : types_)
    if (type.plural == plural || type.qualified_plural() == plural)
      return type;
  return std::nullopt;
}

Reply ApiService::handle(const ApiRequest& request) {
  const RequestLog::Author author(request.user);
  auto answer = route(request);
  return answer ? std::move(*answer) : refused_reply(answer.error());
}

Answer<Reply> ApiService::route(const ApiRequest& request) {
  if (request.of_resource) {
    if (!access_.allowed(request.token, request.attributes()))
      return forbidden(request.user, request.verb, request.group, request.attributes().resource, request.namespace_,
                       request.name);
    if (const auto type = find_type(request.group, request.version, request.plural))
      return route_resource(request, *type);
    for (const auto& type : types())
      if (type.group == request.group && type.version == request.version)
        return no_such_resource();
    return no_such_path();
  }
  if (is_public(request) && request.segments[0] != "version")
    return Reply{200, "ok", "text/plain; charset=utf-8", {}, {}, {}};
  // Whoever is known may ask what there is; others only what is public.
  if (!is_public(request) && !(is_discovery(request) && request.token))
    if (!access_.allowed(request.token, request.attributes())) {
      auto message =
          fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"", request.user, request.verb, request.path);
      return Refused(Refusal{403, failure_status(403, "Forbidden", message, Json::object()), std::nullopt, {}});
    }
  if (const auto document = discover(request.segments, types()))
    return Reply{200, text_of(*document), "application/json", {}, {}, {}};
  return no_such_path();
}

Answer<Reply> ApiService::route_resource(const ApiRequest& request, const ResourceType& type) {
  const bool in_namespace = !request.namespace_.empty();
  const bool across = type.namespaced && !in_namespace;
  if ((!type.namespaced && in_namespace) || (across && !request.name.empty()) ||
      request.name.find('/') != std::string::npos)
    return no_such_resource();
  // There are no subresources; the real server says so by naming the object.
  if (!request.subresource.empty())
    return type.custom ? Answer<Reply>(not_found(type, request.name)) : no_such_resource();
  const auto verbs = type.verbs();
  const bool collection_write = across && request.verb != "list" && request.verb != "watch";
  const bool misplaced = (request.verb == "create") != request.name.empty() &&
                         (request.verb == "create" || request.verb == "update" || request.verb == "patch");
  if (collection_write || misplaced || std::find(verbs.begin(), verbs.end(), request.verb) == verbs.end())
    return method_not_allowed();
  if (type.review)
    return review_access(request, type);
  if (request.verb == "get")
    return get(request, type);
  if (request.verb == "list")
    return list(request, type);
  if (request.verb == "watch")
    return watch(request, type);
  if (request.verb == "create")
    return create(request, type);
  if (request.verb == "update")
    return update(request, type);
  if (request.verb == "patch")
    return patch(request, type);
  return request.verb == "delete" ? remove(request, type) : remove_collection(request, type);
}

Answer<Reply> ApiService::review_access(const ApiRequest& request, const ResourceType& type) {
  auto review = Json::parse(request.body, nullptr, false);
  if (!review.is_object())
    return bad_request("the object provided is unrecognized (must be of type SelfSubjectAccessReview)");
  const auto spec = review.value("spec", Json::object());
  if (spec.contains("resourceAttributes") == spec.contains("nonResourceAttributes"))
    return invalid(
        type, "",
        {{"FieldValueInvalid",
          "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
          "spec.resourceAttributes"}});
  const auto asked = spec.value("resourceAttributes", Json::object());
  const auto subresource = asked.value("subresource", "");
  const Attributes attributes{asked.value("verb", ""), asked.value("group", ""),
                              asked.value("resource", "") + (subresource.empty() ? "" : "/" + subresource),
                              asked.value("namespace", ""), asked.value("name", "")};
  review["kind"] = type.kind;
  review["apiVersion"] = type.api_version();
  review["metadata"] = Json::object();
  review["status"] = {{"allowed", access_.allowed(request.token, attributes)}};
  return Reply{201, text_of(review), "application/json", {}, {}, {}};
}

Reply ApiService::reply_with(const ApiRequest& request, const ResourceType& type, const Json& object,
                             int status) const {
  Reply reply;
  reply.status = status;
  reply.body =
      text_of(wants_table(request) ? make_table(type, {object}, request.parameter("includeObject") == "Object",
                                                {{"resourceVersion", object["metadata"].value("resourceVersion", "")}})
                                   : object);
  return reply;
}

void ApiService::close_watches() {
  ++watch_generation_;
  store_.interrupt();
}

bool wants_table(const ApiRequest& request) {
  return request.accept.find("as=Table") != std::string::npos;
}

bool wants_metadata(const ApiRequest& request) {
  return request.accept.find("as=PartialObjectMetadata") != std::string::npos;
}

} // namespace runtime_agent::sandbox::kube
