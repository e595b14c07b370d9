#include <gtest/gtest.h>

#include "transport/kubernetes/api.hpp"

namespace runtime_agent::kubernetes {
namespace {

TEST(Resource, PathsOfTheCoreGroupAndOfOthers) {
  EXPECT_EQ(secrets("kyma-system").path(), "/api/v1/namespaces/kyma-system/secrets");
  EXPECT_EQ(secrets("kyma-system").path("x"), "/api/v1/namespaces/kyma-system/secrets/x");
  EXPECT_EQ(applications().path(), "/apis/applicationconnector.kyma-project.io/v1alpha1/applications");
  EXPECT_EQ(compass_connections().path("compass-connection"),
            "/apis/compass.kyma-project.io/v1alpha1/compassconnections/compass-connection");
}

TEST(Resource, AllNamespacesHaveNoneInThePath) {
  EXPECT_EQ(secrets("").path(), "/api/v1/secrets");
}

TEST(Resource, ANameStaysOnePathSegment) {
  EXPECT_EQ(secrets("ns").path("../../nodes"), "/api/v1/namespaces/ns/secrets/..%2F..%2Fnodes");
  EXPECT_EQ(secrets("ns").path("a?b#c d%2f"), "/api/v1/namespaces/ns/secrets/a%3Fb%23c%20d%252f");
  EXPECT_EQ(secrets("ns").path(".."), "/api/v1/namespaces/ns/secrets/%2E%2E");
  EXPECT_EQ(secrets("ns").path("\xc3\xa4\n"), "/api/v1/namespaces/ns/secrets/%C3%A4%0A");
}

} // namespace
} // namespace runtime_agent::kubernetes
