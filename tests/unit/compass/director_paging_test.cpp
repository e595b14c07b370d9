#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compass/fake_director.hpp"

namespace runtime_agent::compass::test {
namespace {

using testing::HasSubstr;

TEST(DirectorPages, ReadsNothingWhereThereIsNothing) {
  FakeDirector director;
  const auto data = fetch(director);
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_TRUE((*data)->applications.empty());
  EXPECT_EQ((*data)->requests, 2u);
}

TEST(DirectorPages, ReadsEveryPageOfApplicationsInOrder) {
  FakeDirector director;
  director.applications = applications(1000);
  const auto data = fetch(director);
  ASSERT_TRUE(data) << data.error().text();
  ASSERT_EQ((*data)->applications.size(), 1000u);
  EXPECT_EQ((*data)->applications[0].id, "app-0");
  EXPECT_EQ((*data)->applications[999].id, "app-999");
  EXPECT_EQ(director.count("applicationsForRuntime"), 10);
  EXPECT_EQ((*data)->requests, 11u);
  EXPECT_GT((*data)->bytes, 50'000u);
}

TEST(DirectorPages, ReadsEveryPageOfBundlesInOrder) {
  FakeDirector director;
  director.applications = json::array({application("a", 2), application("b", 450), application("c", 101)});
  const auto data = fetch(director);
  ASSERT_TRUE(data) << data.error().text();
  const auto& read = (*data)->applications;
  EXPECT_EQ(read[0].bundles.size(), 2u);
  ASSERT_EQ(read[1].bundles.size(), 450u);
  for (std::size_t i = 0; i < 450; ++i)
    ASSERT_EQ(read[1].bundles[i].id, "b-bundle-" + std::to_string(i));
  EXPECT_EQ(read[2].bundles.size(), 101u);
  EXPECT_EQ(director.count("bundlesOfApplication"), 5);
}

TEST(DirectorPages, ReadsEveryPageOfDefinitionsInOrder) {
  FakeDirector director;
  auto app = application("a");
  app["bundles"] = json::array({bundle("x", 1, 1), bundle("y", 450, 450)});
  director.applications = json::array({app});
  const auto data = fetch(director);
  ASSERT_TRUE(data) << data.error().text();
  const auto& bundles = (*data)->applications[0].bundles;
  EXPECT_EQ(bundles[0].api_definitions.size(), 1u);
  ASSERT_EQ(bundles[1].api_definitions.size(), 450u);
  ASSERT_EQ(bundles[1].event_definitions.size(), 450u);
  for (std::size_t i = 0; i < 450; ++i) {
    ASSERT_EQ(bundles[1].api_definitions[i].id, "y-api-" + std::to_string(i));
    ASSERT_EQ(bundles[1].event_definitions[i].id, "y-event-" + std::to_string(i));
  }
  EXPECT_EQ(director.count("apiDefinitionsOfBundle"), 4);
  EXPECT_EQ(director.count("eventDefinitionsOfBundle"), 4);
}

TEST(DirectorPages, ReadsFurtherDefinitionsOfBundlesOnFurtherPages) {
  FakeDirector director;
  auto app = application("a", 120);
  app["bundles"][110] = bundle("late", 250, 0);
  director.applications = applications(120);
  director.applications[115] = app;
  const auto data = fetch(director);
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_EQ((*data)->applications[115].bundles[110].api_definitions.size(), 250u);
}

TEST(DirectorPages, AsksForAHundredAtEveryLevelAndFollowsCursorsAsTheyAre) {
  FakeDirector director;
  director.applications = applications(101);
  ASSERT_TRUE(fetch(director));
  EXPECT_EQ(director.asked[1].variables, (json{{"runtimeID", "runtime-1"}, {"first", 100}, {"nested", 100}}));
  EXPECT_EQ(director.asked[2].variables["after"], "after:100");
}

TEST(DirectorPages, AsksAgainForFewerWhereAnAnswerIsTooLarge) {
  FakeDirector director;
  director.applications = applications(100);
  auto settings = director.settings();
  settings.most_response_bytes = 8000;
  const auto data = fetch_with(settings);
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_EQ((*data)->applications.size(), 100u);
}

TEST(DirectorPages, GivesUpWhereEvenOneItemIsTooLarge) {
  FakeDirector director;
  director.applications = applications(1);
  auto settings = director.settings();
  settings.most_response_bytes = 100;
  const auto data = fetch_with(settings);
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind, FailureKind::too_large);
}

// --- pages that do not fit together ---

/// Spoils the answer of the n-th request.
auto on_request(int which, std::function<void(json& data)> change) {
  return [=](int number, const Asked&, json& answer) {
    if (number == which)
      change(answer["data"]);
  };
}

/// Spoils each further page, as often as everything is read again.
auto on_further_pages(std::function<void(json& data)> change) {
  return [=](int, const Asked& asked, json& answer) {
    if (asked.variables.contains("after"))
      change(answer["data"]);
  };
}

TEST(DirectorPages, RefuseANextPageWithoutCursor) {
  for (const json& cursor : {json(nullptr), json("")}) {
    FakeDirector director;
    director.applications = applications(101);
    director.spoil =
        on_request(2, [&](json& data) { data["applicationsForRuntime"]["pageInfo"]["endCursor"] = cursor; });
    const auto failure = failure_of(director);
    EXPECT_EQ(failure.kind, FailureKind::malformed);
    EXPECT_THAT(failure.text(), HasSubstr("applicationsForRuntime.pageInfo has a next page but no endCursor"));
    EXPECT_THAT(failure.where, HasSubstr("Director, Applications page 1"));
    EXPECT_EQ(failure.request_id, "runtime-1_uuid");
  }
}

TEST(DirectorPages, RefuseACursorThatRepeats) {
  FakeDirector director;
  director.applications = applications(301);
  director.spoil =
      on_request(3, [](json& data) { data["applicationsForRuntime"]["pageInfo"]["endCursor"] = "after:100"; });
  const auto failure = failure_of(director);
  EXPECT_EQ(failure.kind, FailureKind::malformed);
  EXPECT_THAT(failure.text(), HasSubstr("a cursor that an earlier page had"));
  EXPECT_EQ(director.asked.size(), 3u);
}

TEST(DirectorPages, RefuseAnEmptyPageWithANextOne) {
  FakeDirector director;
  director.applications = applications(101);
  director.spoil = on_request(2, [](json& data) { data["applicationsForRuntime"]["data"] = json::array(); });
  EXPECT_EQ(failure_of(director).kind, FailureKind::malformed);
}

TEST(DirectorPages, RefuseAnEmptyPageWhoseTotalIsNotNothing) {
  FakeDirector director;
  director.applications = applications(5);
  director.spoil = on_request(2, [](json& data) { data["applicationsForRuntime"]["data"] = json::array(); });
  const auto failure = failure_of(director);
  EXPECT_EQ(failure.kind, FailureKind::malformed);
  EXPECT_THAT(failure.text(), HasSubstr("holds 0 items, but its totalCount is 5"));
}

TEST(DirectorPages, RefuseMoreItemsThanTheTotal) {
  FakeDirector director;
  director.applications = applications(101);
  director.spoil = on_request(2, [](json& data) { data["applicationsForRuntime"]["totalCount"] = 100; });
  EXPECT_EQ(failure_of(director).kind, FailureKind::malformed);
}

TEST(DirectorPages, SayThatTheDataChangedWhereTheTotalDoes) {
  FakeDirector director;
  director.applications = applications(101);
  director.spoil = on_further_pages([](json& data) { data["applicationsForRuntime"]["totalCount"] = 102; });
  const auto failure = failure_of(director);
  EXPECT_EQ(failure.kind, FailureKind::conflict);
  EXPECT_THAT(failure.text(), HasSubstr("changed while it was read"));
  EXPECT_THAT(failure.next, HasSubstr("the next fetch tries again"));
}

TEST(DirectorPages, SayThatTheDataChangedWhereItemsAreMissingInTheEnd) {
  FakeDirector director;
  director.applications = applications(102);
  director.spoil = on_further_pages([](json& data) { data["applicationsForRuntime"]["data"].erase(0); });
  EXPECT_EQ(failure_of(director).kind, FailureKind::conflict);
}

TEST(DirectorPages, SayThatTheDataChangedWhereAnIdComesOnTwoPages) {
  FakeDirector director;
  director.applications = applications(101);
  director.spoil = on_further_pages([](json& data) { data["applicationsForRuntime"]["data"][0]["id"] = "app-7"; });
  const auto failure = failure_of(director);
  EXPECT_EQ(failure.kind, FailureKind::conflict);
  EXPECT_THAT(failure.text(), HasSubstr("the id app-7 was received twice"));
}

TEST(DirectorPages, RefuseAnIdThatIsTwiceOnOnePage) {
  FakeDirector director;
  director.applications = json::array({application("a"), application("a")});
  EXPECT_EQ(failure_of(director).kind, FailureKind::malformed);
}

TEST(DirectorPages, CheckNestedListsAsWell) {
  FakeDirector director;
  director.applications = json::array({application("a", 101)});
  director.spoil = on_further_pages([](json& data) { data["application"]["bundles"]["totalCount"] = 7; });
  const auto failure = failure_of(director);
  EXPECT_EQ(failure.kind, FailureKind::conflict);
  EXPECT_THAT(failure.where, HasSubstr("bundles of Application a, page 2"));
}

TEST(DirectorPages, SayThatTheDataChangedWhereAnApplicationIsGoneInBetween) {
  FakeDirector director;
  director.applications = json::array({application("a", 101)});
  director.spoil = on_further_pages([](json& data) { data["application"] = nullptr; });
  EXPECT_EQ(failure_of(director).kind, FailureKind::conflict);
}

TEST(DirectorPages, SayThatTheDataChangedWhereABundleIsGoneInBetween) {
  FakeDirector director;
  auto app = application("a");
  app["bundles"] = json::array({bundle("b", 101)});
  director.applications = json::array({app});
  director.spoil = on_further_pages([](json& data) { data["application"]["bundle"] = nullptr; });
  EXPECT_EQ(failure_of(director).kind, FailureKind::conflict);
}

TEST(DirectorPages, NeverComeOutInPart) {
  FakeDirector director;
  director.applications = applications(250);
  director.spoil = [](int, const Asked& asked, json& answer) {
    if (asked.variables.value("after", "") == "after:200")
      answer["errors"] = json::array({{{"message", "internal"}}});
  };
  EXPECT_EQ(failure_of(director).kind, FailureKind::refused);
}

// --- data that change while they are read (contract §2.2) ---

json error(int code, const char* message) {
  return json::array({{{"message", message}, {"extensions", {{"error_code", code}}}}});
}

struct Change {
  const char* name;
  std::function<void(json& answer)> spoil; ///< the second page of an Application's bundles
};
const auto changes = {
    Change{"LeftTheFormation",
           [](json& answer) {
             answer = {{"errors", error(27, "requesting runtime should be in same scenario")}, {"data", nullptr}};
           }},
    Change{"LeftTheFormationBesideData",
           [](json& answer) { answer["errors"] = error(27, "requesting runtime should be in same scenario"); }},
    Change{"NotFound",
           [](json& answer) {
             answer = {{"errors", error(20, "not found")}, {"data", nullptr}};
           }},
    Change{"Null", [](json& answer) { answer["data"]["application"] = nullptr; }},
    Change{"Cursor",
           [](json& answer) {
             answer = {{"errors", error(22, "cursor is not correct")}, {"data", nullptr}};
           }},
    Change{"Total", [](json& answer) { answer["data"]["application"]["bundles"]["totalCount"] = 7; }}};

class ChangingData : public testing::TestWithParam<Change> {
protected:
  ChangingData() { director.applications = json::array({application("a", 101)}); }
  /// So many of the readings of the second page are spoilt.
  Result<RuntimeDataPtr> fetch_spoilt(int times) {
    director.spoil = [times](int, const Asked& asked, json& answer) mutable {
      if (asked.variables.contains("after") && times-- > 0)
        GetParam().spoil(answer);
    };
    return fetch(director);
  }
  FakeDirector director;
};

TEST_P(ChangingData, IsReadAgainAtOnce) {
  const auto data = fetch_spoilt(2);
  ASSERT_TRUE(data) << data.error().text();
  ASSERT_EQ((*data)->applications.size(), 1u);
  EXPECT_EQ((*data)->applications[0].bundles.size(), 101u);
  EXPECT_EQ((*data)->requests, 9u); // three readings of three requests
}

TEST_P(ChangingData, IsAFailureAfterThreeReadings) {
  EXPECT_FALSE(fetch_spoilt(1000));
  EXPECT_EQ(director.asked.size(), 9u);
}

INSTANTIATE_TEST_SUITE_P(Director, ChangingData, testing::ValuesIn(changes),
                         [](const auto& parameter) { return parameter.param.name; });

TEST(DirectorPages, AreNotReadAgainWhereTheFirstIsRefused) {
  FakeDirector director;
  director.spoil = [](int, const Asked&, json& answer) { answer["errors"] = error(22, "invalid"); };
  EXPECT_EQ(failure_of(director).kind, FailureKind::refused);
  EXPECT_EQ(director.asked.size(), 1u);
}

} // namespace
} // namespace runtime_agent::compass::test
