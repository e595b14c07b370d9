#include "transport/kubernetes/status.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "transport/http/retry_after.hpp"
#include "transport/http/status.hpp"
#include "transport/kubernetes/bounded_json.hpp"
#include "transport/kubernetes/refusal_cause.hpp"

namespace runtime_agent::kubernetes {
namespace {

constexpr std::size_t message_limit = 500; // characters of the server's text that go into statuses and logs
constexpr std::size_t causes_limit = 5;

/// Whether a 403's message is the authorizer's: `secrets "x" is forbidden: User "u" cannot get resource "secrets" …`,
/// or, of a path, `forbidden: User "u" cannot get path "/…"`. Quotas, webhooks, admission policies and a namespace that
/// is being deleted say 403 as well, and no right is missing then.
bool says_who_may_not(std::string_view message) {
  constexpr std::string_view beginning = "forbidden: User \"", refusal = "\" cannot ";
  const auto found = message.find(beginning);
  if (found == std::string_view::npos)
    return false;
  // Before it: nothing, or the object. A webhook's words come after its name and a colon.
  const std::string_view object = message.substr(0, found);
  if (!object.empty() && (!object.ends_with(" is ") || object.find(": ") != std::string_view::npos))
    return false;
  const auto cannot = message.find(refusal, found + beginning.size());
  if (cannot == std::string_view::npos)
    return false;
  const std::string_view what = message.substr(cannot + refusal.size()); // the verb, and of what
  const std::string_view of = what.substr(std::min(what.find(' '), what.size()));
  return of.starts_with(" resource \"") || of.starts_with(" path \"");
}

/// What the Status adds to the kind that the code alone gives.
FailureKind kind_of(int code, const std::string& reason, const std::string& message, FailureKind by_code) {
  if (code == 403 && !says_who_may_not(message))
    return FailureKind::refused;
  if (reason == "AlreadyExists")
    return FailureKind::already_exists;
  if (reason == "Expired" || reason == "Gone")
    return FailureKind::gone;
  if (code == 413)
    return FailureKind::too_large;
  return by_code;
}

bool holds_secrets(const Resource& resource) {
  // The configuration ConfigMap holds the one-time token (contract §1.1).
  return resource.group.empty() && (resource.plural == "secrets" || resource.plural == "configmaps");
}

/// Messages that name the object and nothing of its content. Admission and decoding errors quote what they refuse, and
/// admission may answer with any code: a 403 is taken at its word only in the authorizer's form, and in the quota's.
bool quotes_nothing(int code, const std::string& message) {
  switch (code) {
  case 401:
  case 404:
  case 409:
  case 410:
  case 429:
    return message.find("denied") == std::string::npos;
  case 403:
    return says_who_may_not(message) || (message.find("\" is forbidden: exceeded quota: ") != std::string::npos &&
                                         message.find("denied") == std::string::npos);
  default:
    return false;
  }
}

std::string fields_of(const Json& status) {
  const auto details = status.find("details");
  if (details == status.end() || !details->is_object())
    return {};
  const auto causes = details->find("causes");
  if (causes == details->end() || !causes->is_array())
    return {};
  std::string fields;
  std::size_t told = 0;
  for (const Json& cause : *causes) {
    if (told++ == causes_limit)
      break;
    fields += (fields.empty() ? " (" : ", ") + text_at(cause, "field") + " " + text_at(cause, "reason");
  }
  return fields.empty() ? fields : fields + ")";
}

std::string words_of(const Json& status, int code, const std::string& reason, const Operation& operation) {
  std::string head = reason.empty() ? fmt::format("{}", code) : fmt::format("{} {}", code, reason);
  const std::string message = text_at(status, "message");
  if (message.empty())
    return head;
  if (holds_secrets(operation.resource) && !operation.harmless && !quotes_nothing(code, message)) {
    const std::string cause = refusal_cause(message);
    return http::excerpt(head + fields_of(status), message_limit) + ": " +
           (cause.empty() ? "the server's message is withheld, it may quote the content" : cause);
  }
  return http::excerpt(head + ": " + message, message_limit);
}

bool is_status(const Json& json) {
  return json.is_object() && text_at(json, "kind") == "Status";
}

std::optional<std::chrono::milliseconds> retry_after_of(const Json& status) {
  const auto details = status.find("details");
  if (details == status.end() || !details->is_object())
    return std::nullopt;
  const auto delay = details->find("retryAfterSeconds");
  if (delay == details->end() || !delay->is_number_integer() || delay->get<std::int64_t>() <= 0)
    return std::nullopt;
  constexpr auto longest = std::chrono::duration_cast<std::chrono::seconds>(http::longest_retry_after).count();
  return std::chrono::seconds(std::min<std::int64_t>(delay->get<std::int64_t>(), longest));
}

/// Makes `failure`, which knows the code only, say what the Status says.
void refine(Failure& failure, const Json& status, const Operation& operation) {
  const std::string reason = http::excerpt(text_at(status, "reason"), 60);
  failure.kind = kind_of(failure.http_status, reason, text_at(status, "message"), failure.kind);
  failure.what = words_of(status, failure.http_status, reason, operation);
  if (!failure.retry_after)
    failure.retry_after = retry_after_of(status);
}

} // namespace

std::string Operation::where() const {
  const std::string& kind = resource.kind.empty() ? resource.plural : resource.kind;
  std::string where = fmt::format("Kubernetes API, {} {}", verb, kind);
  if (!resource.namespace_.empty() && !name.empty())
    where += fmt::format(" {}/{}", resource.namespace_, name);
  else if (!name.empty())
    where += fmt::format(" {}", name);
  else if (!resource.namespace_.empty())
    where += fmt::format(" in {}", resource.namespace_);
  return where;
}

std::string Operation::span() const {
  return fmt::format("{} {}", verb, resource.plural);
}

Failure failure_of(const http::Response& response, const Operation& operation,
                   std::chrono::system_clock::time_point wall) {
  Failure failure = http::failure_from_status(response, operation.where(), wall);
  const auto parsed = parse_bounded(response.body);
  if (parsed && is_status(*parsed))
    refine(failure, *parsed, operation);
  else if (response.status == 413 || holds_secrets(operation.resource))
    refine(failure, Json::object(), operation); // without the body: a gateway's page may repeat the request
  else if (response.status == 403)
    failure.kind = FailureKind::refused; // something before the API server
  return failure;
}

Failure failure_of_status(const Json& status, const Operation& operation) {
  Failure failure;
  failure.kind = FailureKind::malformed;
  failure.where = operation.where();
  failure.what = "an error event without a Status";
  if (!is_status(status))
    return failure;
  const auto code = status.find("code");
  http::Response answer;
  if (code != status.end() && code->is_number_integer())
    answer.status = static_cast<int>(std::clamp<std::int64_t>(code->get<std::int64_t>(), 0, 999));
  failure = http::failure_from_status(answer, operation.where());
  refine(failure, status, operation);
  return failure;
}

} // namespace runtime_agent::kubernetes
