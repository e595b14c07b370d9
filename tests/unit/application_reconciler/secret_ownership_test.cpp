#include "actors/application_reconciler/secret_ownership.hpp"

#include <gmock/gmock.h>

#include "tests/unit/application_reconciler/reconcile_once.hpp"
#include "tests/unit/application_reconciler/reconciler_fixture.hpp"

// Whose a Secret is: never inferred from its name, which Compass chooses (contract §5.3).
namespace runtime_agent::application_reconciler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::director_data;
using tests::shop;

namespace ownership {

Json owner_reference(const char* name, const char* kind = "Application", bool controller = false) {
  const char* version =
      std::string_view(kind) == "Application" ? "applicationconnector.kyma-project.io/v1alpha1" : "apps/v1";
  return {{"apiVersion", version}, {"kind", kind}, {"name", name}, {"uid", "of-long-ago"}, {"controller", controller}};
}

/// A Secret `mp-a-b`, which Application `mp-a` wants for its bundle `b`.
Json secret_of(const Json& labels, const Json& owners, const char* type = "Opaque") {
  return {{"metadata", {{"name", "mp-a-b"}, {"labels", labels}, {"ownerReferences", owners}}},
          {"type", type},
          {"data", {{"theirs", "eA=="}, {"password", "b2xk"}}}};
}

const Json no_labels = Json::object();
const Json both_labels{{"app", "mp-a"}, {"bundleId", "b"}};
const Json no_owners = Json::array();
const Json its_owner = Json::array({owner_reference("mp-a")});

struct Case {
  const char* what;
  Json secret;
  const char* reason; ///< within what is said; empty: it is the Application's
};

/// `theirs` is a person's Application, `mp-other` is one of Compass', `gone` is none.
const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"nothing but the name", secret_of(no_labels, no_owners), "neither an owner reference"},
      {"one of the labels", secret_of({{"app", "mp-a"}}, no_owners), "neither an owner reference"},
      {"the other label", secret_of({{"bundleId", "b"}}, no_owners), "neither an owner reference"},
      {"labels of another Application", secret_of({{"app", "mp-other"}, {"bundleId", "b"}}, no_owners), "neither"},
      {"labels of another bundle", secret_of({{"app", "mp-a"}, {"bundleId", "c"}}, no_owners), "neither"},
      {"both labels", secret_of(both_labels, no_owners), ""},
      {"the owner, of any uid", secret_of(no_labels, its_owner), ""},
      {"another Application of Compass as owner", secret_of(no_labels, Json::array({owner_reference("mp-other")})),
       "neither"},
      {"an Application that is gone as owner", secret_of(no_labels, Json::array({owner_reference("gone")})), "neither"},
      {"a person's Application as owner", secret_of(both_labels, Json::array({owner_reference("theirs")})),
       "not Compass'"},
      {"a Deployment of the name as owner", secret_of(no_labels, Json::array({owner_reference("mp-a", "Deployment")})),
       "neither"},
      {"a Deployment that controls it", secret_of(both_labels, Json::array({owner_reference("x", "Deployment", true)})),
       "controlled by something else"},
      {"kubernetes.io/tls", secret_of(both_labels, its_owner, "kubernetes.io/tls"), "another type"},
      {"kubernetes.io/dockerconfigjson", secret_of(both_labels, its_owner, "kubernetes.io/dockerconfigjson"),
       "another type"},
      {"kubernetes.io/service-account-token", secret_of(both_labels, its_owner, "kubernetes.io/service-account-token"),
       "another type"},
      {"helm.sh/release.v1", secret_of(both_labels, its_owner, "helm.sh/release.v1"), "another type"},
  };
  return all;
}

} // namespace ownership

TEST(SecretOwnership, IsWhatTheSecretItselfSays) {
  ObservedApplication theirs;
  ObservedApplication of_compass;
  of_compass.managed = true;
  const auto find = [&](const std::string& name) {
    return name == "theirs" ? &theirs : name == "mp-other" ? &of_compass : nullptr;
  };
  for (const auto& one : ownership::cases()) {
    auto seen = observed_secret(one.secret);
    const auto reason = reason_to_leave({"mp-a-b", "mp-a", "b"}, seen, find);
    if (*one.reason == 0)
      EXPECT_EQ(reason, "") << one.what;
    else
      EXPECT_THAT(reason, HasSubstr(one.reason)) << one.what;
    EXPECT_LT(reason.size(), 400u);
    if (std::string_view(one.reason).starts_with("neither")) {
      seen.written_here = true;
      EXPECT_EQ(reason_to_leave({"mp-a-b", "mp-a", "b"}, seen, find), "") << one.what << ", written by this process";
    }
  }
}

TEST(SecretOwnership, OfAnApplicationThatWasRenamedIsHandedOn) {
  const std::string cut = "mp-" + std::string(23, 'l');
  ObservedApplication former;
  former.managed = true;
  ObservedSecret seen;
  seen.application_label = cut + "-former";
  seen.bundle_label = "b";
  const std::string name = cut + "-b", wanted = cut + "-new";
  const SecretClaim claim{name, wanted, *seen.bundle_label};
  EXPECT_EQ(reason_to_leave(claim, seen, [&](const auto&) { return &former; }), "");
  EXPECT_NE(reason_to_leave(claim, seen, [](const auto&) { return nullptr; }), "") << "a label alone proves nothing";
  seen.owners.push_back({"applicationconnector.kyma-project.io/v1alpha1", "Application", cut + "-former", "u", false});
  EXPECT_EQ(reason_to_leave(claim, seen, [](const auto&) { return nullptr; }), "");
}

class CollisionTest : public ReconcilerTest {
protected:
  /// `may_list`: with the right to list and watch Secrets; without, they are read one by one.
  void begin(bool may_list) {
    if (may_list)
      return start();
    spawn();
    list_applications();
    emit(failing<ApplicationsEvent>(FailureKind::forbidden, ApplicationsEvent::Kind::polling));
    emit(failing<SecretsEvent>(FailureKind::forbidden));
  }
  void bring(const compass::RuntimeDataPtr& data, bool may_list) { may_list ? fetch(data) : fetch_only(data); }
  static compass::RuntimeDataPtr two_shops() { return director_data({shop("a"), shop("z")}); }
  void put_people() {
    cluster->put(apps, by_hand("theirs"));
    cluster->put(apps, rogue("mp-other"));
  }
};

// Whatever the Secret is, and with whichever rights: applied whole, or not at all.
TEST_F(CollisionTest, NothingOfAStrangersSecretOrOfItsApplicationChanges) {
  for (const bool may_list : {true, false})
    for (const auto& one : ownership::cases()) {
      SCOPED_TRACE(std::string(one.what) + (may_list ? "" : ", read by name"));
      cluster = std::make_shared<tests::InMemoryCluster>();
      put_people();
      const Json before = cluster->put(secrets, one.secret);
      begin(may_list);
      bring(two_shops(), may_list);
      EXPECT_TRUE(cluster->find(apps, "mp-z") && cluster->find(secrets, "mp-z-b")) << "the rest";
      if (*one.reason == 0) {
        EXPECT_TRUE(cluster->find(apps, "mp-a"));
        EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["data"]["password"], "cGFzcw==");
        continue;
      }
      EXPECT_FALSE(cluster->find(apps, "mp-a"));
      EXPECT_EQ(*cluster->find(secrets, "mp-a-b"), before);
      ASSERT_THAT(problem_names(), ElementsAre("mp-a"));
      EXPECT_THAT(applied().problems[0].reason, HasSubstr("Secret mp-a-b"));
      EXPECT_THAT(applied().problems[0].reason, HasSubstr(one.reason));
      cluster->take_writes();
      bring(two_shops(), may_list);
      EXPECT_THAT(cluster->take_writes(), IsEmpty());
      bring(director_data({shop("z")}), may_list);
      EXPECT_EQ(*cluster->find(secrets, "mp-a-b"), before) << "nor is it deleted";
    }
}

TEST_F(CollisionTest, IsOverWithTheNextFetchWhenTheOtherSecretIsGone) {
  for (const bool may_list : {true, false})
    for (const char* type : {"Opaque", "kubernetes.io/tls"}) {
      cluster = std::make_shared<tests::InMemoryCluster>();
      cluster->put(secrets, ownership::secret_of(ownership::no_labels, ownership::no_owners, type));
      begin(may_list);
      bring(two_shops(), may_list);
      ASSERT_THAT(problem_names(), ElementsAre("mp-a"));
      cluster->erase(secrets, "mp-a-b");
      bring(two_shops(), may_list);
      EXPECT_THAT(applied().problems, IsEmpty()) << type << may_list;
      EXPECT_THAT(secret_names(), ElementsAre("mp-a-b", "mp-z-b"));
    }
}

TEST_F(CollisionTest, AnApplicationThatExistsIsNotChangedNorAreItsOtherSecrets) {
  start();
  auto source =
      tests::application("a", {tests::with_password(tests::bundle("b")), tests::with_headers(tests::bundle("c"))});
  fetch(director_data({source, shop("z")}));
  cluster->erase(secrets, "mp-a-b");
  cluster->put(secrets, ownership::secret_of(ownership::no_labels, ownership::no_owners));
  watch();
  cluster->take_writes();
  source.description = "new";
  source.bundles.pop_back();
  fetch(director_data({source, shop("z")}));
  EXPECT_THAT(cluster->take_writes(), IsEmpty());
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
  cluster->erase(secrets, "mp-a-b");
  watch();
  EXPECT_THAT(applied().problems, IsEmpty()) << "said without another fetch";
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], "new");
  EXPECT_FALSE(cluster->find(secrets, "params-mp-a-c"));
}

// Somebody who is quicker than the plan.
TEST_F(CollisionTest, IsFoundInTheMidstOfWritingToo) {
  const char* types[] = {"Opaque", "kubernetes.io/tls"};
  for (const char* type : types)
    for (const char* moment : {"create applications/mp-a", "create secrets/mp-a-b"}) {
      SCOPED_TRACE(std::string(type) + " before " + moment);
      cluster = std::make_shared<tests::InMemoryCluster>();
      start();
      cluster->before = [&, done = false](const tests::ClusterRequest& request) mutable -> std::optional<Failure> {
        if (request.text() == moment && !std::exchange(done, true))
          cluster->put(secrets, ownership::secret_of(ownership::no_labels, ownership::no_owners, type));
        return std::nullopt;
      };
      fetch(two_shops());
      cluster->before = nullptr;
      EXPECT_FALSE(cluster->find(apps, "mp-a")) << "what was made is taken back";
      EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["data"]["password"], "b2xk");
      EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
      EXPECT_TRUE(cluster->find(apps, "mp-z"));
      fetch(two_shops());
      EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
      cluster->erase(secrets, "mp-a-b");
      fetch(two_shops());
      EXPECT_THAT(applied().problems, IsEmpty());
      EXPECT_TRUE(cluster->find(apps, "mp-a"));
    }
}

TEST_F(CollisionTest, IsFoundBeforeAnApplicationIsMadeAnew) {
  start();
  fetch(two_shops());
  cluster->before = [&, done = false](const tests::ClusterRequest& request) mutable -> std::optional<Failure> {
    if (request.text() == "get secrets/mp-a-b" && !std::exchange(done, true)) {
      cluster->erase(secrets, "mp-a-b");
      cluster->put(secrets, ownership::secret_of(ownership::no_labels, ownership::no_owners));
    }
    return std::nullopt;
  };
  cluster->erase(apps, "mp-a");
  cluster->take_writes();
  watch();
  EXPECT_THAT(cluster->take_writes(), IsEmpty());
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
}

TEST_F(CollisionTest, WhoseTheNamesAreIsAskedOnlyWhereASecretIsCreated) {
  start();
  fetch(two_shops());
  cluster->take_log();
  auto changed = shop("a");
  changed.bundles[0] = tests::with_password(tests::bundle("b"), "another");
  fetch(director_data({changed, shop("z")}));
  EXPECT_THAT(cluster->take_log(), ElementsAre("get secrets/mp-a-b", "update secrets/mp-a-b"));
  fetch(director_data({changed, shop("z"), shop("x")}));
  EXPECT_THAT(cluster->take_log(), ElementsAre("list secrets", "create applications/mp-x", "create secrets/mp-x-b"));
}

TEST_F(CollisionTest, WhatIsCreatedWaitsWhileItCannotBeAskedAndTheRestDoesNot) {
  start();
  fetch(director_data({shop("a")}));
  cluster->before = [](const tests::ClusterRequest& request) -> std::optional<Failure> {
    if (request.text() != "list secrets")
      return std::nullopt;
    return Failure{FailureKind::unavailable, "Kubernetes API, Secrets", "no list today", {}, {}, 500, false, {}};
  };
  auto changed = shop("a");
  changed.description = "new";
  fetch(director_data({changed, shop("z")}));
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], "new");
  EXPECT_FALSE(cluster->find(apps, "mp-z"));
  ASSERT_TRUE(applied().failure);
  EXPECT_THAT(applied().failure->text(), HasSubstr("no list today"));
  EXPECT_THAT(applied().failure->text(), HasSubstr("1 Application waits"));
  cluster->before = nullptr;
  system.advance(std::chrono::seconds(10));
  EXPECT_TRUE(cluster->find(apps, "mp-z"));
}

// Contract: "A Secret that this process wrote is known by its uid, whatever a person took away from it."
TEST_F(CollisionTest, WhatThisProcessWroteStaysItsOwnWhateverIsTakenAway) {
  const Json bare{{"metadata", {{"labels", nullptr}, {"ownerReferences", nullptr}}}};
  start();
  fetch(two_shops());
  list_secrets(); // all are told anew
  cluster->patch(secrets, "mp-a-b", bare);
  watch();
  EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["metadata"]["labels"], ownership::both_labels);
  system.advance(std::chrono::seconds(2)); // repairs of one object are a second apart
  cluster->erase(secrets, "mp-a-b");
  cluster->put(secrets, ownership::secret_of(ownership::no_labels, ownership::no_owners)); // another uid
  watch();
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
  EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["data"]["password"], "b2xk");
}

TEST_F(CollisionTest, WhatAnEventTellsFirstIsKnownAsWrittenToo) {
  start();
  cluster->before = [&, done = false](const tests::ClusterRequest& request) mutable -> std::optional<Failure> {
    if (request.text() == "create applications/mp-z" && !std::exchange(done, true))
      for (const auto& change : cluster->take_changes()) // while the pass goes on, and not by what was remembered of it
        if (change.plural == "secrets")
          system.io().emit(secrets_watch, event_of<SecretsEvent>(change, observed_secret));
    return std::nullopt;
  };
  fetch(two_shops());
  cluster->before = nullptr;
  cluster->patch(secrets, "mp-a-b", {{"metadata", {{"labels", nullptr}, {"ownerReferences", nullptr}}}});
  watch();
  EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["metadata"]["labels"], ownership::both_labels);
}

// What an agent of before has adopted and labelled, too.
TEST_F(CollisionTest, TheAgentsOwnSecretsAreNobodysWhateverTheyCarry) {
  settings.mapping.own_secrets = {"mp-a-b"};
  cluster->put(apps, rogue("mp-a"));
  const Json before = cluster->put(secrets, ownership::secret_of(ownership::both_labels, ownership::its_owner));
  start();
  fetch(two_shops());
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
  EXPECT_THAT(applied().problems[0].reason, HasSubstr("Secret mp-a-b is the agent's own"));
  EXPECT_FALSE((*cluster->find(apps, "mp-a"))["spec"].contains("services")) << "not changed";
  fetch(director_data({tests::application("a"), shop("z")}));
  EXPECT_EQ(*cluster->find(secrets, "mp-a-b"), before) << "the bundle is gone";
  fetch(director_data({shop("z")}));
  EXPECT_FALSE(cluster->find(apps, "mp-a"));
  EXPECT_EQ(*cluster->find(secrets, "mp-a-b"), before) << "the Application is gone";
}

TEST_F(CollisionTest, AnOwnerThatCannotBeReadIsNotGone) {
  start();
  fetch(two_shops());
  cluster->put(apps, by_hand("theirs"));
  const auto refuse_to_show = [](const tests::ClusterRequest& request) -> std::optional<Failure> {
    if (request.text() != "get applications/theirs")
      return std::nullopt;
    return Failure{FailureKind::unavailable, "Kubernetes API, theirs", "not now", {}, {}, 500, false, {}};
  };
  cluster->before = [&, done = false](const tests::ClusterRequest& request) mutable -> std::optional<Failure> {
    if (request.text() == "get secrets/mp-a-b" && !std::exchange(done, true))
      cluster->patch(secrets, "mp-a-b",
                     {{"metadata", {{"ownerReferences", Json::array({ownership::owner_reference("theirs")})}}}});
    return refuse_to_show(request);
  };
  auto changed = shop("a");
  changed.bundles[0] = tests::with_password(tests::bundle("b"), "another");
  fetch_only(director_data({changed, shop("z")}));
  EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["data"]["password"], "cGFzcw==");
  ASSERT_THAT(problem_names(), ElementsAre("mp-a"));
  EXPECT_THAT(applied().problems[0].reason, HasSubstr("not now"));
}

} // namespace
} // namespace runtime_agent::application_reconciler
