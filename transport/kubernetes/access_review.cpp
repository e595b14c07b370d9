#include "transport/kubernetes/access_review.hpp"

namespace runtime_agent::kubernetes {

Result<bool> allowed(Api& api, std::string_view verb, const Resource& resource, const std::string& name,
                     const CallContext& context) {
  static const Resource reviews{"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "",
                                "SelfSubjectAccessReview"};
  Json attributes{{"verb", std::string(verb)}, {"resource", resource.plural}, {"version", resource.version}};
  if (!resource.group.empty())
    attributes["group"] = resource.group;
  if (!resource.namespace_.empty())
    attributes["namespace"] = resource.namespace_;
  if (!name.empty())
    attributes["name"] = name;
  Json review = Json::object();
  review["spec"]["resourceAttributes"] = std::move(attributes);
  const auto answer = api.create(reviews, review, context);
  if (!answer)
    return failed(answer.error());
  const auto status = answer->find("status");
  if (status != answer->end() && status->is_object()) {
    const auto verdict = status->find("allowed");
    if (verdict != status->end() && verdict->is_boolean())
      return verdict->get<bool>();
  }
  Failure failure;
  failure.kind = FailureKind::malformed;
  failure.where = "Kubernetes API, create SelfSubjectAccessReview";
  failure.what = "the answer has no status.allowed";
  return failed(std::move(failure));
}

} // namespace runtime_agent::kubernetes
