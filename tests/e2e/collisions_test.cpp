#include <algorithm>
#include <array>
#include <map>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "tests/sandbox/compass/datasets.hpp"
#include "transport/encoding.hpp"
#include "transport/kubernetes/events.hpp"

/// Names that Compass chooses and that aim at Secrets which are not Applications': nothing of theirs changes, the
/// Application is refused by name, the rest is applied. Source: contract §5.3.
namespace runtime_agent::e2e {
namespace {

using testing::ElementsAre;

class Collisions : public OnEachCluster {
protected:
  /// One of the Director's, with credentials and parameters, whose Secret is named `<name>-<bundle>`.
  static nlohmann::json aiming(const std::string& name, const std::string& bundle) {
    auto application = sandbox::compass::generated_applications(
        1, {.parameters = true, .name_prefix = "of " + name + " " + bundle})["applications"][0];
    application["name"] = name;
    application["bundles"][0]["id"] = bundle;
    return application;
  }
  /// Beside one that is as it should be. Names are taken as they are.
  void give_with_good(std::vector<nlohmann::json> all) {
    all.push_back(aiming("good", "b"));
    give({{"runtime", {{"labels", {{"isNormalized", "true"}}}}}, {"applications", std::move(all)}});
  }
  void create(const kubernetes::Resource& resource, const Json& object) {
    CallContext context;
    context.deadline = std::chrono::steady_clock::now() + 30s;
    const auto created = world().api().create(resource, object, context);
    ASSERT_TRUE(created) << created.error().text();
  }
  std::optional<Json> secret(const std::string& name) { return world().get(secrets, name); }
  std::string error() { return world().field("/status/synchronizationStatus/error"); }
  bool says(const std::string& application, const std::string& why) {
    const std::string text = error();
    const auto begin = text.find(application + ":");
    return world().state() == "ResourceApplicationFailed" && begin != std::string::npos &&
           text.find(why, begin) != std::string::npos;
  }
  bool told_by_event(const std::string& why) {
    const auto events = world().list(kubernetes::events(kubernetes::events_namespace));
    return std::any_of(events.begin(), events.end(), [&](const Json& event) {
      return event["reason"] == "ApplicationFailed" &&
             event["message"].get<std::string>().find(why) != std::string::npos;
    });
  }

  const kubernetes::Resource secrets = kubernetes::secrets("kyma-system");
};

struct OwnSecret {
  const char *application, *bundle;
};
constexpr std::array own_secrets{OwnSecret{"cluster-client", "certificates"},
                                 OwnSecret{"compass-agent", "configuration"}, OwnSecret{"ca", "certificates"}};

TEST_P(Collisions, WithTheAgentsOwnSecretsAreRefused) {
  Variables variables = world().quick_environment();
  variables["APP_CA_CERTIFICATES_SECRET"] = "kyma-system/ca-certificates"; // within reach as well
  give_with_good({});
  synchronise(variables);
  std::map<std::string, std::optional<Json>> before;
  for (const auto& [application, bundle] : own_secrets)
    before[std::string(application) + "-" + bundle] = secret(std::string(application) + "-" + bundle);
  ASSERT_TRUE(before["cluster-client-certificates"] && before["ca-certificates"]);

  for (const auto& [application, bundle] : own_secrets) {
    give_with_good({aiming(application, bundle)});
    const std::string why = std::string("Secret ") + application + "-" + bundle + " is the agent's own";
    EXPECT_TRUE(comes_true([&, name = application] { return says(name, why); })) << application << "\n" << error();
    EXPECT_THAT(world().application_names(), ElementsAre("good"));
  }
  EXPECT_TRUE(comes_true([this] { return told_by_event("Secret cluster-client-certificates is the agent's own"); }));
  give_with_good({});
  EXPECT_TRUE(reaches("Synchronized"));
  end_agent();
  for (const auto& [name, object] : before)
    EXPECT_EQ(secret(name), object) << name;
}

// Which has taken the Secret for an Application's, and labelled it so.
TEST_P(Collisions, ThatAnOlderAgentHasMadeLeaveTheCertificateWhereItIs) {
  give_with_good({aiming("other", "b")});
  synchronise();
  end_agent();
  Json adopted = live("other");
  const Json owner = {{"apiVersion", "applicationconnector.kyma-project.io/v1alpha1"},
                      {"kind", "Application"},
                      {"name", "cluster-client"}};
  adopted["metadata"] = {{"name", "cluster-client"}};
  adopted["spec"]["services"][0]["id"] = "certificates";
  for (Json& entry : adopted["spec"]["services"][0]["entries"])
    if (entry["type"] == "API")
      entry["credentials"]["secretName"] = "cluster-client-certificates";
  create(kubernetes::applications(), adopted);
  Json reference = owner;
  reference["uid"] = live("cluster-client")["metadata"]["uid"];
  world().merge(secrets, "cluster-client-certificates",
                {{"metadata",
                  {{"labels", {{"app", "cluster-client"}, {"bundleId", "certificates"}}},
                   {"ownerReferences", Json::array({reference})}}}});
  const auto data = (*secret("cluster-client-certificates"))["data"];

  world().start(world().quick_environment());
  ASSERT_TRUE(comes_true([this] { return live("cluster-client").is_null(); }));
  ASSERT_TRUE(another_cycle());
  EXPECT_TRUE(reaches("Synchronized"));
  ASSERT_TRUE(secret("cluster-client-certificates"));
  EXPECT_EQ((*secret("cluster-client-certificates"))["data"], data);
}

struct Stranger {
  const char *application, *secret; ///< the Application of the Director whose Secret has this name
  const char* type;
  Json data;     ///< as text
  bool labelled; ///< as if it were the Application's
};

Json object_of(const Stranger& stranger) {
  Json object{{"apiVersion", "v1"},
              {"kind", "Secret"},
              {"type", stranger.type},
              {"metadata",
               {{"name", stranger.secret},
                {"namespace", "kyma-system"},
                {"annotations", {{"kubernetes.io/service-account.name", "default"}}}}},
              {"data", Json::object()}};
  for (const auto& [key, value] : stranger.data.items())
    object["data"][key] = base64_encode(value.get<std::string>());
  if (stranger.labelled)
    object["metadata"]["labels"] = {{"app", stranger.application}, {"bundleId", "b"}};
  return object;
}

TEST_P(Collisions, WithStrangersSecretsOfEachTypeAreRefused) {
  const Json pair{{"tls.crt", "theirs"}, {"tls.key", "theirs"}};
  const std::vector<Stranger> strangers{
      {"opaque", "opaque-b", "Opaque", {{"password", "theirs"}}, false},
      {"headers", "params-headers-b", "Opaque", {{"headers", "{}"}}, false},
      {"tls", "tls-b", "kubernetes.io/tls", pair, true},
      {"queries", "params-queries-b", "kubernetes.io/tls", pair, true},
      {"docker", "docker-b", "kubernetes.io/dockerconfigjson", {{".dockerconfigjson", "{}"}}, true},
      {"token", "token-b", "kubernetes.io/service-account-token", {{"token", "theirs"}}, true},
      {"basic", "basic-b", "kubernetes.io/basic-auth", {{"username", "theirs"}, {"password", "theirs"}}, true},
      {"helm", "helm-b", "helm.sh/release.v1", {{"release", "theirs"}}, true}};
  std::map<std::string, std::optional<Json>> before;
  for (const Stranger& stranger : strangers) {
    create(secrets, object_of(stranger));
    before[stranger.secret] = secret(stranger.secret);
  }
  give_with_good({});
  synchronise();
  const std::size_t with_good = world().list(secrets).size();
  for (const Stranger& stranger : strangers) {
    give_with_good({aiming(stranger.application, "b")});
    const std::string why = std::string("Secret ") + stranger.secret + " is somebody else's";
    EXPECT_TRUE(comes_true([&] { return says(stranger.application, why); })) << stranger.application << "\n" << error();
    EXPECT_THAT(world().application_names(), ElementsAre("good"));
    EXPECT_EQ(world().list(secrets).size(), with_good) << "nothing is applied in part";
  }
  give_with_good({});
  EXPECT_TRUE(reaches("Synchronized"));
  for (const auto& [name, object] : before)
    EXPECT_EQ(secret(name), object) << name;
}

TEST_P(Collisions, AreOverWhenTheOtherSecretIsGone) {
  const Stranger stranger{"tls", "tls-b", "kubernetes.io/tls", {{"tls.crt", "theirs"}, {"tls.key", "theirs"}}, false};
  create(secrets, object_of(stranger));
  give_with_good({aiming("tls", "b")});
  for (const Rights rights : {Rights::own, Rights::todays}) {
    world().configure();
    world().start(world().quick_environment(rights));
    ASSERT_TRUE(comes_true([this] { return says("tls", "Secret tls-b is somebody else's"); })) << error();
    if (rights == Rights::own)
      end_agent();
  }
  world().remove(secrets, "tls-b");
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_THAT(world().application_names(), ElementsAre("good", "tls"));
}

INSTANTIATE_TEST_SUITE_P(Each, Collisions, testing::ValuesIn(clusters()), cluster_name);

} // namespace
} // namespace runtime_agent::e2e
