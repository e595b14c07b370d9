#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "tests/sandbox/compass/datasets.hpp"
#include "tests/sandbox/kubernetes/embedded_definitions.hpp"

/// Data that is not as one would like it: the rest is applied, and the status says the truth. Source: contract §§5.2 to
/// 5.4, 6.
namespace runtime_agent::e2e {
namespace {

using sandbox::compass::generated_applications;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

class UnusualData : public OnEachCluster {
protected:
  /// One generated Application under that name, of the Director's.
  static nlohmann::json named(const std::string& name, const sandbox::compass::GeneratedShape& shape = {}) {
    sandbox::compass::GeneratedShape own = shape;
    own.name_prefix = "from " + name.substr(0, 20) + std::to_string(name.size());
    auto application = generated_applications(1, own)["applications"][0];
    application["name"] = name;
    return application;
  }
  void give_all(std::vector<nlohmann::json> all, const nlohmann::json& labels = nlohmann::json::object()) {
    give({{"runtime", {{"labels", labels}}}, {"applications", std::move(all)}});
  }
  std::string error() { return world().field("/status/synchronizationStatus/error"); }
  std::string last(const char* what) { return world().field(std::string("/status/synchronizationStatus/") + what); }
};

TEST_P(UnusualData, OfOneApplicationIsSaidAndTheOthersAreApplied) {
  const std::string long_name = "l" + std::string(99, 'o') + "ng";
  auto unicode = named("Größe 日本語 🚀");
  unicode["description"] = "„Ünïcödé“ 🚀 \" \\ \t <b>&amp;</b> \u202e";
  unicode["bundles"][0]["name"] = "Заказы 🚀";
  unicode["bundles"][0]["defaultInstanceAuth"]["credential"] = {{"username", "Ü\"ser"}, {"password", "пароль 🚀"}};
  auto over_etcds_limit = named("too large");
  over_etcds_limit["description"] = std::string(1'700'000, 'x');
  auto over_the_servers_limit = named("far too large");
  over_the_servers_limit["description"] = std::string(3'300'000, 'x');
  const auto many = named("many entries", {.apis = 1000, .events = 1000, .credentials = true});
  give_all({named("My Shop"), named("my-shop"), named(std::string(300, 'n')), named(long_name), unicode,
            over_etcds_limit, over_the_servers_limit, many, named("plain")});
  world().configure();
  world().start(world().quick_environment());

  ASSERT_TRUE(reaches("ResourceApplicationFailed", 60s));
  const std::vector<std::string> good{"mp-gr-e", "mp-" + long_name, "mp-many-entries", "mp-plain"};
  EXPECT_THAT(world().application_names(), testing::UnorderedElementsAreArray(good));
  for (const char* name : {"mp-my-shop", "mp-too-large", "mp-far-too-large", "mp-nnn", "more than one Application",
                           "no DNS-1123 subdomain", "Applications failed"})
    EXPECT_THAT(error(), HasSubstr(name));
  EXPECT_LT(error().size(), 2200u);

  // The whole of what is good is there, as it was given.
  const Json object = *world().get(kubernetes::applications(), "mp-gr-e");
  EXPECT_EQ(object["spec"]["description"], unicode["description"].get<std::string>());
  EXPECT_EQ(object["spec"]["services"][0]["displayName"], "Заказы 🚀");
  EXPECT_EQ((*world().get(kubernetes::applications(), "mp-many-entries"))["spec"]["services"][0]["entries"].size(),
            2000u);
  std::vector<std::string> labels;
  for (const Json& secret : world().list(kubernetes::secrets("kyma-system")))
    if (secret["metadata"].contains("labels"))
      labels.push_back(secret["metadata"]["labels"].value("app", ""));
  EXPECT_THAT(labels, IsSupersetOf({"mp-" + long_name.substr(0, 60)})) << "cut to 63 characters";

  // The fetch was complete, the application was not, and the Runtime's labels are set all the same.
  const std::string fetched = last("lastSuccessfulFetch");
  EXPECT_THAT(fetched, Not(IsEmpty()));
  EXPECT_THAT(last("lastSuccessfulApplication"), IsEmpty());
  EXPECT_TRUE(comes_true([this] { return compass().runtime_labels().contains("runtime_consoleUrl"); }));
  EXPECT_TRUE(comes_true([&] { return last("lastSuccessfulFetch") > fetched; }));
  EXPECT_EQ(world().state(), "ResourceApplicationFailed");

  give_all({named("My Shop"), named("plain"), unicode, many, named(long_name)});
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_THAT(error(), IsEmpty());
  EXPECT_THAT(last("lastSuccessfulApplication"), Not(IsEmpty()));
}

TEST_P(UnusualData, AChangeOfIsNormalizedRenamesAllApplicationsAfterASecondFetch) {
  give_applications(3);
  synchronise();
  ASSERT_THAT(world().application_names(), ElementsAre("mp-app-0001", "mp-app-0002", "mp-app-0003"));
  compass().set_runtime_label("isNormalized", "true");
  ASSERT_TRUE(reaches("ResourceApplicationFailed"));
  EXPECT_THAT(error(), HasSubstr("their deletion is held back"));
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_THAT(world().application_names(), ElementsAre("app-0001", "app-0002", "app-0003"));
  for (const Json& secret : world().list(kubernetes::secrets("kyma-system"))) {
    const bool is_ours = secret["metadata"].contains("labels") && secret["metadata"]["labels"].contains("bundleId");
    EXPECT_TRUE(!is_ours || secret["metadata"]["name"].get<std::string>().starts_with("app-")) << secret["metadata"];
  }
}

TEST_P(UnusualData, OneOfManyThatHasChangedIsWrittenAndItsChangedSecretsAlone) {
  auto all = generated_applications(GetParam() == ClusterKind::sandbox ? 999 : 99, {.credentials = false});
  auto one = generated_applications(1, {.bundles = 3, .name_prefix = "one"})["applications"][0];
  all["applications"].push_back(one);
  give(all);
  Variables variables = world().quick_environment();
  variables["APP_CONTROLLER_SYNC_PERIOD"] = "180s";
  world().configure();
  world().start(variables);
  ASSERT_TRUE(reaches("Synchronized", 120s));

  auto before = world().versions();
  const auto changed = [&] { // since the last call
    std::vector<std::string> names;
    for (const auto& [name, version] : world().versions())
      if (before[name] != version)
        names.push_back(name);
    return names;
  };
  auto& bundle = one["bundles"][1];
  const std::string secret = "mp-one-0001-" + bundle["id"].get<std::string>();
  bundle["defaultInstanceAuth"]["credential"] = {{"username", "new"}, {"password", "new"}};
  all["applications"].back() = one;
  give(all);
  if (auto* server = world().sandbox_server())
    server->requests().clear();
  world().patch_connection({{"spec", {{"resyncNow", true}}}});
  ASSERT_TRUE(comes_true([this] { return world().field("/spec/resyncNow") == "false"; }));
  // The kind of the credentials stands in the Application; it was generated as Basic or as OAuth.
  EXPECT_THAT(changed(), testing::AnyOf(ElementsAre("Secret " + secret),
                                        ElementsAre("Application mp-one-0001", "Secret " + secret)));
  one["description"] = "changed";
  all["applications"].back() = one;
  give(all);
  before = world().versions();
  world().patch_connection({{"spec", {{"resyncNow", true}}}});
  ASSERT_TRUE(comes_true([this] { return world().field("/spec/resyncNow") == "false"; }));
  EXPECT_THAT(changed(), ElementsAre("Application mp-one-0001"));
  if (auto* server = world().sandbox_server()) {
    const auto about_applications = [](const auto& request) {
      const bool ours = request.resource == "applications" || request.name.starts_with("mp-one-0001-");
      return ours && request.verb != "list"; // which are the test's own
    };
    EXPECT_LE(server->requests().count(about_applications), 6u) << "a GET and a PUT for each object";
  }
}

INSTANTIATE_TEST_SUITE_P(Each, UnusualData, testing::ValuesIn(clusters()), cluster_name);

/// Takes the definition of Applications away, and brings it back at the latest at its end.
class LackingDefinition {
public:
  explicit LackingDefinition(World& world) : world_(world) {
    for (const auto& yaml : sandbox::kube::embedded_definitions())
      if (const auto definition = sandbox::KubernetesServer::parse_definition(yaml);
          definition["metadata"]["name"] == name)
        definition_ = Json::parse(definition.dump());
    take_away();
  }
  ~LackingDefinition() {
    if (away_)
      bring_back();
  }
  LackingDefinition(const LackingDefinition&) = delete;
  LackingDefinition& operator=(const LackingDefinition&) = delete;

  void take_away() {
    world_.remove(definitions, name);
    away_ = true;
    eventually(30s, [this] { return !world_.get(definitions, name); });
  }
  void bring_back() {
    CallContext context;
    context.deadline = std::chrono::steady_clock::now() + 30s;
    away_ = !world_.api().create(definitions, definition_, context).has_value();
    eventually(30s, [&] {
      return world_.api()
          .list(
              kubernetes::applications(), {}, [](Json&&) {}, context)
          .has_value();
    });
  }

private:
  static inline const std::string name = "applications.applicationconnector.kyma-project.io";
  static inline const kubernetes::Resource definitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions", "",
                                                       "CustomResourceDefinition"};
  World& world_;
  Json definition_;
  bool away_ = false;
};

TEST_P(UnusualData, ALackingDefinitionIsNamedAndWaitedFor) {
  LackingDefinition definition(world());
  give_applications(2);
  world().configure();
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ResourceApplicationFailed"));
  EXPECT_THAT(error(), HasSubstr("applications.applicationconnector.kyma-project.io is not installed"));
  definition.bring_back();
  EXPECT_TRUE(reaches("Synchronized", 60s));
  EXPECT_EQ(world().application_names().size(), 2u);

  definition.take_away(); // and all Applications with it
  ASSERT_TRUE(reaches("ResourceApplicationFailed"));
  EXPECT_TRUE(comes_true([this] { return error().find("is not installed") != std::string::npos; }));
  definition.bring_back();
  EXPECT_TRUE(reaches("Synchronized", 60s));
  EXPECT_EQ(world().application_names().size(), 2u);
}

} // namespace
} // namespace runtime_agent::e2e
