#include "app/mapping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runtime_agent::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Of today's Deployment (contract §1.3), where the agent's own Secrets lie beside those of Applications.
TEST(Mapping, NamesTheAgentsOwnSecretsInTheNamespaceOfApplications) {
  Settings settings;
  EXPECT_THAT(mapping_of(settings).own_secrets, IsEmpty()) << "by default they lie elsewhere";
  settings.certificates_secret = {"kyma-system", "cluster-client-certificates"};
  settings.ca_secret = {"istio-system", "kyma-gateway-certs-cacert"};
  settings.configuration_secret = ObjectName{"kyma-system", "compass-agent-configuration"};
  EXPECT_THAT(
      mapping_of(settings).own_secrets,
      ElementsAre("cluster-client-certificates", "cluster-client-certificates-pending", "compass-agent-configuration"));
  settings.integration_namespace = "istio-system";
  EXPECT_THAT(mapping_of(settings).own_secrets, ElementsAre("kyma-gateway-certs-cacert"));
}

} // namespace
} // namespace runtime_agent::app
