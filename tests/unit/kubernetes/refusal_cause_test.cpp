#include "transport/kubernetes/refusal_cause.hpp"

#include <gmock/gmock.h>

#include "transport/kubernetes/status.hpp"

/// Messages as kube-apiserver 1.36 words them.
namespace runtime_agent::kubernetes {
namespace {

struct RefusedWrite {
  const char* message;
  const char* cause;
};

const std::vector<RefusedWrite> refused_writes{
    {R"(admission webhook "deny.policies.example.com" denied the request: password "hunter2" is too short)",
     "the admission webhook deny.policies.example.com denies it"},
    {R"(Internal error occurred: failed calling webhook "deny.example.com": failed to call webhook: Post "https://x": hunter2)",
     "the admission webhook deny.example.com cannot be called; is what serves it running?"},
    {R"(secrets "mp-a" is forbidden: ValidatingAdmissionPolicy 'no-secrets' with binding 'b' denied request: hunter2)",
     "the ValidatingAdmissionPolicy no-secrets denies it"},
    {R"(secrets "mp-a" is forbidden: unable to create new content in namespace x because it is being terminated)",
     "its namespace is being terminated"},
    {R"(Secret "mp-a" is invalid: data: Forbidden: field is immutable when `immutable` is set)",
     "it is immutable; it has to be deleted before it can be written anew"},
    {R"(Internal error occurred: failed to encrypt data: rpc error: code = Unavailable desc = hunter2)",
     "the API server cannot encrypt it (KMS)"},
    {R"(Internal error occurred: unable to transform key "/registry/secrets/x/y": hunter2)",
     "the API server cannot decrypt what is stored (KMS)"},
    {"etcdserver: mvcc: database space exceeded", "etcd has no space left"},
    {"etcdserver: request timed out", "etcd does not answer in time"},
    {R"(conversion webhook for compass.kyma-project.io/v1alpha1, Kind=CompassConnection failed: hunter2)",
     "the conversion webhook of compass.kyma-project.io/v1alpha1 fails"},
    // Not in the API server's own words: nothing is taken from them.
    {R"(admission webhook "Hunter2 \" x" denied the request)", ""},
    {R"(quoted: "failed calling webhook \"hunter2\": ")", ""},
    {R"(x: y is forbidden: ValidatingAdmissionPolicy 'hunter2' denied)", ""},
    {"hunter2", ""},
    {"", ""},
};

TEST(RefusalCause, IsToldWithoutWhatWasWritten) {
  for (const auto& refused : refused_writes) {
    EXPECT_EQ(refusal_cause(refused.message), refused.cause) << refused.message;
    const Resource refused_resource = secrets("kyma-system");
    const Operation operation{"create", refused_resource, "mp-a"};
    const Json status = {{"kind", "Status"}, {"code", 500}, {"reason", "InternalError"}, {"message", refused.message}};
    const std::string text = failure_of_status(status, operation).text();
    EXPECT_THAT(text, testing::HasSubstr(refused.cause));
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("hunter2")));
    if (*refused.message != '\0' && *refused.cause == '\0') {
      EXPECT_THAT(text, testing::HasSubstr("withheld"));
    }
  }
}

} // namespace
} // namespace runtime_agent::kubernetes
