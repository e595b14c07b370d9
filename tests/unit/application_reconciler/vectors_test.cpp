#include <string>

#include <gtest/gtest.h>

#include "tests/unit/application_reconciler/reconcile_once.hpp"
#include "tests/unit/application_reconciler/vector_dataset.hpp"
#include "tests/vectors/comparison.hpp"

// Director data in, Applications and Secrets out, as recorded from today's agent (tests/vectors/README.md).
namespace runtime_agent::tests {
namespace {

using application_reconciler::MappingSettings;

MappingSettings settings_of(const Json& case_) {
  MappingSettings settings;
  settings.central_gateway_url = "http://central-application-gateway.kyma-system.svc.cluster.local:8082";
  settings.integration_namespace = "kyma-system";
  if (!case_.is_object() || !case_.contains("env"))
    return settings;
  settings.central_gateway_url = case_["env"].value("APP_CENTRAL_GATEWAY_SERVICE_URL", settings.central_gateway_url);
  settings.skip_verify = case_["env"].value("APP_SKIP_APPS_TLS_VERIFY", "false") == "true";
  return settings;
}

// The collection of a path of case.json, and the object's name where there is one.
kubernetes::Resource resource_of(const std::string& path, std::string& name) {
  const bool secret = path.find("/secrets") != std::string::npos;
  const auto resource = secret ? kubernetes::secrets("kyma-system") : kubernetes::applications();
  name = path.size() > resource.path().size() ? path.substr(resource.path().size() + 1) : "";
  return resource;
}

void change_as_people(InMemoryCluster& cluster, const Json& changes) {
  for (const Json& change : changes) {
    std::string name;
    const auto resource = resource_of(change.at("path").get<std::string>(), name);
    if (change.contains("object"))
      cluster.put(resource, change.at("object"));
    else if (change.contains("patch"))
      cluster.patch(resource, name, change.at("patch"));
    else
      cluster.erase(resource, name);
  }
}

std::string differences_of(const InMemoryCluster& cluster, const Json& golden) {
  const auto applications = cluster.all(kubernetes::applications());
  vectors::Json live;
  live["applications"] = vectors::normalised_applications(applications);
  live["secrets"] = vectors::normalised_secrets(cluster.all(kubernetes::secrets("kyma-system")), applications);
  return vectors::report(vectors::differences(golden, live));
}

// Those in which something is fetched.
std::vector<std::string> content_cases() {
  auto names = vector_cases();
  std::erase_if(names, [](const std::string& name) {
    const Json case_ = vector_file(name, "case.json");
    return case_.is_object() && (case_.contains("faults") || case_.contains("configure"));
  });
  return names;
}

class Vectors : public testing::TestWithParam<std::string> {};

TEST_P(Vectors, GiveTheRecordedObjects) {
  const Json case_ = vector_file(GetParam(), "case.json");
  const Json golden = vector_file(GetParam(), "golden.json");
  const auto settings = settings_of(case_);
  InMemoryCluster cluster;
  if (case_.is_object())
    change_as_people(cluster, case_.value("pre", Json::array()));
  Json dataset = vector_file(GetParam(), "dataset.json");
  for (const auto* step : {"step1", "step2"}) {
    if (!golden.contains(step))
      continue;
    if (const Json second = vector_file(GetParam(), "step2.json"); step == std::string("step2")) {
      if (case_.is_object())
        change_as_people(cluster, case_.value("between", Json::array()));
      dataset = second.is_null() ? dataset : second;
    }
    const auto pass = reconcile_once(cluster, runtime_data(dataset), settings);
    EXPECT_TRUE(pass.plan.problems.empty()) << step;
    EXPECT_EQ(differences_of(cluster, golden.at(step)), "") << step;
    EXPECT_TRUE(reconcile_once(cluster, runtime_data(dataset), settings).plan.work.empty())
        << step << ": a second pass over the same data has nothing to do";
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, Vectors, testing::ValuesIn(content_cases()), [](const auto& case_) {
  std::string name = case_.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

} // namespace
} // namespace runtime_agent::tests
