#include <gtest/gtest.h>

#include "tests/unit/kubernetes/fakes.hpp"
#include "transport/kubernetes/status.hpp"

namespace runtime_agent::kubernetes {
namespace {

using test::status_body;

Failure failure_for(int code, const std::string& reason, const std::string& message = "words",
                    const Resource& of = applications(), const std::string& details = "{}") {
  return failure_of({code, {}, status_body(code, reason, message, details)}, {"update", of, "shop"}, {});
}

TEST(Status, KindFollowsCodeAndReason) {
  EXPECT_EQ(failure_for(401, "Unauthorized").kind, FailureKind::unauthorized);
  EXPECT_EQ(failure_for(404, "NotFound").kind, FailureKind::not_found);
  EXPECT_EQ(failure_for(409, "Conflict").kind, FailureKind::conflict);
  EXPECT_EQ(failure_for(409, "AlreadyExists").kind, FailureKind::already_exists);
  EXPECT_EQ(failure_for(410, "Expired").kind, FailureKind::gone);
  EXPECT_EQ(failure_for(410, "Gone").kind, FailureKind::gone);
  EXPECT_EQ(failure_for(413, "RequestEntityTooLarge").kind, FailureKind::too_large);
  EXPECT_EQ(failure_for(422, "Invalid").kind, FailureKind::refused);
  EXPECT_EQ(failure_for(429, "TooManyRequests").kind, FailureKind::rate_limited);
  EXPECT_EQ(failure_for(500, "InternalError").kind, FailureKind::unavailable);
  EXPECT_EQ(failure_for(504, "Timeout").kind, FailureKind::unavailable);
}

struct Refusal {
  const char* message;
  FailureKind kind;
};

// Messages as a kube-apiserver writes them.
TEST(Status, A403IsAMissingRightOnlyWhereTheAuthorizerSaysSo) {
  for (
      const auto& [message, kind] : std::initializer_list<Refusal>{
          {R"(leases.coordination.k8s.io "runtime-agent" is forbidden: User "system:serviceaccount:compass-system:agent" cannot get resource "leases" in API group "coordination.k8s.io" in the namespace "compass-system")",
           FailureKind::forbidden},
          {R"(secrets is forbidden: User "agent" cannot list resource "secrets" in API group "" at the cluster scope)",
           FailureKind::forbidden},
          {R"(secrets is forbidden: User "agent" cannot list resource "secrets" in API group "" in the namespace "x": RBAC: role "y" not found)",
           FailureKind::forbidden},
          {R"(applications "a" is forbidden: User "agent" cannot update resource "applications/status" in API group "g" at the cluster scope: access denied by webhook)",
           FailureKind::forbidden},
          {R"(forbidden: User "system:anonymous" cannot get path "/api")", FailureKind::forbidden},
          {R"(leases "l" is forbidden: exceeded quota: few, requested: count/leases=1, used: 3, limited: 3)",
           FailureKind::refused},
          {R"(admission webhook "w.example.com" denied the request: no)", FailureKind::refused},
          {R"(admission webhook "w" denied the request: l is forbidden: User "agent" cannot get resource "leases")",
           FailureKind::refused},
          {R"(leases "l" is forbidden: unable to create new content in namespace n because it is being terminated)",
           FailureKind::refused},
          {R"(leases "l" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: x)",
           FailureKind::refused},
          {R"(leases "l" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on)",
           FailureKind::refused},
          {R"(User "agent" cannot be served)", FailureKind::refused},
          {"words", FailureKind::refused},
          {"", FailureKind::refused}})
    EXPECT_EQ(failure_for(403, "Forbidden", message).kind, kind) << message;
}

TEST(Status, A403OfAGatewayIsNoMissingRight) {
  EXPECT_EQ(failure_of({403, {}, "<html>no</html>"}, {"get", applications(), "shop"}, {}).kind, FailureKind::refused);
  EXPECT_EQ(failure_of({403, {}, "<html>no</html>"}, {"get", secrets("ns"), "shop"}, {}).kind, FailureKind::refused);
}

TEST(Status, SaysVerbKindAndObjectAndTheServersWords) {
  const auto failure =
      failure_of({404, {}, status_body(404, "NotFound", "secrets \"x\" not found")}, {"get", secrets("ns"), "x"}, {});
  EXPECT_EQ(failure.where, "Kubernetes API, get Secret ns/x");
  EXPECT_EQ(failure.what, "404 NotFound: secrets \"x\" not found");
  EXPECT_EQ(failure.http_status, 404);
}

TEST(Status, SaysTheCollectionWhereThereIsNoName) {
  EXPECT_EQ((Operation{"list", secrets("ns"), ""}.where()), "Kubernetes API, list Secret in ns");
  EXPECT_EQ((Operation{"list", applications(), ""}.where()), "Kubernetes API, list Application");
  EXPECT_EQ((Operation{"list", applications(), ""}.span()), "list applications");
}

TEST(Status, BoundsTheMessageAndKeepsItOnOneLine) {
  const auto failure = failure_for(403, "Forbidden", "one\ntwo\t" + std::string(100'000, 'x'));
  EXPECT_LT(failure.what.size(), 520u);
  EXPECT_EQ(failure.what.find('\n'), std::string::npos);
  EXPECT_NE(failure.what.find("one two"), std::string::npos);
}

TEST(Status, WithholdsWhatMayQuoteASecret) {
  const std::string details = R"({"causes":[{"reason":"FieldValueInvalid","message":"Invalid value: \"aHVudGVyMg\"",
                                             "field":"data[password]"}]})";
  const auto failure =
      failure_for(422, "Invalid", "Secret \"shop\" is invalid: data[password]: \"aHVudGVyMg\"", secrets("ns"), details);
  EXPECT_EQ(failure.what.find("aHVudGVyMg"), std::string::npos) << failure.what;
  EXPECT_NE(failure.what.find("data[password] FieldValueInvalid"), std::string::npos) << failure.what;
}

TEST(Status, WithholdsWhatAnAdmissionWebhookSaysOfASecretWhateverItsCode) {
  for (const int code : {400, 403, 404, 409, 500}) {
    const auto failure =
        failure_for(code, "Any", "admission webhook \"w\" denied the request: password hunter2 is weak", secrets("ns"));
    EXPECT_EQ(failure.what.find("hunter2"), std::string::npos) << failure.what;
  }
}

TEST(Status, WithholdsTheTokenOfTheConfigurationConfigMap) {
  EXPECT_EQ(failure_for(400, "BadRequest", "error near TOKEN: hunter2", config_maps("ns")).what.find("hunter2"),
            std::string::npos);
}

TEST(Status, ShowsWhichRightIsMissingOnASecret) {
  const std::string message = "secrets \"shop\" is forbidden: User \"agent\" cannot update resource \"secrets\"";
  EXPECT_NE(failure_for(403, "Forbidden", message, secrets("ns")).what.find("cannot update"), std::string::npos);
}

TEST(Status, ShowsWhichQuotaASecretExceeds) {
  const std::string message = "secrets \"shop\" is forbidden: exceeded quota: few, requested: count/secrets=1";
  EXPECT_NE(failure_for(403, "Forbidden", message, secrets("ns")).what.find("exceeded quota: few"), std::string::npos);
  const std::string webhook = "admission webhook \"w\" denied the request: password hunter2 " + message;
  EXPECT_EQ(failure_for(403, "Forbidden", webhook, secrets("ns")).what.find("hunter2"), std::string::npos);
}

TEST(Status, AGatewaysPageIsNoStatus) {
  const auto failure =
      failure_of({502, {}, "<html><title>Bad Gateway</title></html>"}, {"get", applications(), "shop"}, {});
  EXPECT_EQ(failure.kind, FailureKind::unavailable);
  EXPECT_NE(failure.what.find("Bad Gateway"), std::string::npos);
}

TEST(Status, AGatewaysPageIsNotShownWhereSecretsAreWritten) {
  const auto failure = failure_of({502, {}, "you sent: hunter2"}, {"create", secrets("ns"), "shop"}, {});
  EXPECT_EQ(failure.what.find("hunter2"), std::string::npos) << failure.what;
}

TEST(Status, RetryAfterComesFromTheHeaderOrFromTheDetails) {
  const auto by_details = failure_for(429, "TooManyRequests", "slow", applications(), R"({"retryAfterSeconds":7})");
  EXPECT_EQ(by_details.retry_after, std::chrono::seconds(7));
  const auto by_header = failure_of(
      {429, {{"Retry-After", "3"}}, status_body(429, "TooManyRequests", "slow", R"({"retryAfterSeconds":7})")},
      {"get", applications(), "shop"}, {});
  EXPECT_EQ(by_header.retry_after, std::chrono::seconds(3));
}

TEST(Status, ImpossibleRetryAfterSecondsAreNotBelieved) {
  EXPECT_EQ(failure_for(429, "TooManyRequests", "slow", applications(), R"({"retryAfterSeconds":-5})").retry_after,
            std::nullopt);
  EXPECT_LE(*failure_for(429, "TooManyRequests", "slow", applications(), R"({"retryAfterSeconds":9223372036854775807})")
                 .retry_after,
            std::chrono::hours(24));
}

TEST(Status, AnErrorEventIsReadLikeAnAnswer) {
  const auto status = Json::parse(status_body(410, "Expired", "too old resource version: 1 (5)"));
  const auto failure = failure_of_status(status, {"watch", applications(), ""});
  EXPECT_EQ(failure.kind, FailureKind::gone);
  EXPECT_EQ(failure.what, "410 Expired: too old resource version: 1 (5)");
}

TEST(Status, AnErrorEventWithoutStatusIsMalformed) {
  EXPECT_EQ(failure_of_status(Json::parse(R"({"kind":"Secret"})"), {"watch", applications(), ""}).kind,
            FailureKind::malformed);
}

} // namespace
} // namespace runtime_agent::kubernetes
