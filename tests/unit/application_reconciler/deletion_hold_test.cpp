#include "tests/unit/application_reconciler/reconciler_fixture.hpp"

// Deletions held back.
namespace runtime_agent::application_reconciler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::director_data;
using tests::shop;

class HoldTest : public ReconcilerTest {
protected:
  void two_applications() {
    start();
    fetch(director_data({shop("a"), shop("b")}));
  }
};

TEST_F(HoldTest, HoldsBackTheDeletionOfEveryApplicationAndAsksForConfirmation) {
  two_applications();
  fetch(director_data({}));
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
  EXPECT_TRUE(applied().wants_confirmation);
  ASSERT_TRUE(applied().failure);
  EXPECT_THAT(applied().failure->text(), HasSubstr("mp-a, mp-b"));
}

TEST_F(HoldTest, DeletesWhenASecondFetchOverANewConnectionSaysTheSame) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(10s);
  fetch(director_data({}), 2);
  EXPECT_THAT(application_names(), IsEmpty());
  EXPECT_THAT(secret_names(), IsEmpty());
  EXPECT_FALSE(applied().wants_confirmation);
  EXPECT_FALSE(applied().failure);
}

TEST_F(HoldTest, DoesNotTakeASecondFetchOverTheSameConnectionForAConfirmation) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(1h);
  fetch(director_data({}), 1);
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
}

TEST_F(HoldTest, DoesNotTakeAFetchForAConfirmationThatComesTooEarly) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(9s);
  fetch(director_data({}), 2);
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
  system.advance(1s);
  fetch(director_data({}), 3);
  EXPECT_THAT(application_names(), IsEmpty());
}

TEST_F(HoldTest, ForgetsADeletionThatTheSecondFetchNoLongerAsksFor) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(10s);
  fetch(director_data({shop("a"), shop("b")}), 2);
  system.advance(10s);
  fetch(director_data({}), 3);
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
}

TEST_F(HoldTest, DeletesTheOnlyApplicationAtOnce) {
  start();
  fetch(director_data({shop("a")}));
  fetch(director_data({}));
  EXPECT_THAT(application_names(), IsEmpty());
}

TEST_F(HoldTest, DoesEverythingButTheDeletionsMeanwhile) {
  two_applications();
  fetch(director_data({shop("c")}));
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b", "mp-c"));
}

TEST_F(HoldTest, ARestartWhileDeletionsAreHeldBackStartsTheWaitAnew) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(10s);
  start();
  fetch(director_data({}), 2);
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
}

TEST_F(HoldTest, AChangeOfIsNormalizedRenamesAllApplicationsOnceConfirmed) {
  two_applications();
  fetch(director_data({shop("a"), shop("b")}, true), 1);
  EXPECT_THAT(application_names(), ElementsAre("a", "b", "mp-a", "mp-b")) << "made at once, deleted when confirmed";
  system.advance(10s);
  fetch(director_data({shop("a"), shop("b")}, true), 2);
  EXPECT_THAT(application_names(), ElementsAre("a", "b"));
  EXPECT_THAT(secret_names(), ElementsAre("a-b", "b-b"));
}

TEST_F(HoldTest, ARenameWhoseSecretsKeepTheirNamesKeepsTheSecrets) {
  start();
  const std::string long_name(40, 'x');
  fetch(director_data({shop(long_name + "-one")}));
  fetch(director_data({shop(long_name + "-two")}));
  ASSERT_EQ(secret_names().size(), 1u);
  const Json owners = cluster->all(secrets)[0]["metadata"]["ownerReferences"];
  ASSERT_EQ(owners.size(), 1u);
  EXPECT_EQ(owners[0]["name"], "mp-" + long_name + "-two");
}

} // namespace
} // namespace runtime_agent::application_reconciler
