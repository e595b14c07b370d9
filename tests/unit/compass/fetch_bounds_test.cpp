#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compass/fake_director.hpp"

namespace runtime_agent::compass::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Result<RuntimeDataPtr> fetch_within(FakeDirector& director, FetchBounds bounds) {
  auto settings = director.settings();
  settings.fetch = bounds;
  return fetch_with(settings);
}

TEST(FetchBounds, NameTheNumberOfApplicationsAsSoonAsItIsKnown) {
  FakeDirector director;
  director.applications = applications(301);
  EXPECT_TRUE(fetch_within(director, {301, 80u << 20}));
  director.asked.clear();
  const auto data = fetch_within(director, {300, 80u << 20});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind, FailureKind::too_large);
  EXPECT_THAT(data.error().text(), AllOf(HasSubstr("301 Applications"), HasSubstr("limit of 300"),
                                         HasSubstr("APP_FETCH_MAX_APPLICATIONS"), HasSubstr("nothing in the cluster")));
  EXPECT_EQ(director.count("applicationsForRuntime"), 1);
}

TEST(FetchBounds, CountWhatTheDataBecomeAndNotOnlyTheirBytes) {
  FakeDirector director;
  director.applications = json::array({application("a")});
  director.applications[0]["bundles"] = json::array({bundle("b", 5000)});
  const auto whole = fetch(director);
  ASSERT_TRUE(whole) << whole.error().text();
  const auto received = static_cast<std::size_t>((*whole)->bytes);
  ASSERT_LT(received, 5000 * sizeof(ApiDefinition)) << "this is about data that grow";
  const auto data = fetch_within(director, {20'000, received});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind, FailureKind::too_large);
  EXPECT_THAT(data.error().text(), AllOf(HasSubstr("bytes of memory"), HasSubstr(std::to_string(received)),
                                         HasSubstr("APP_FETCH_MAX_SIZE"), HasSubstr("apiDefinitions")));
}

TEST(FetchBounds, CountBytesOfWhichNothingIsKept) {
  FakeDirector director;
  director.applications = applications(300);
  director.spoil = [](int, const Asked&, json& answer) { answer["data"]["unasked"] = std::string(1'000'000, 'x'); };
  const auto data = fetch_within(director, {20'000, 2'500'000});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind, FailureKind::too_large);
  EXPECT_THAT(data.error().text(), AllOf(HasSubstr("bytes have come"), HasSubstr("limit of 2500000")));
  EXPECT_EQ(director.asked.size(), 3u);
}

TEST(FetchBounds, EndPagesThatHaveNoEnd) {
  FakeDirector director;
  int page = 0;
  director.spoil = [&](int, const Asked& asked, json& answer) {
    if (asked.operation != "applicationsForRuntime")
      return;
    auto& list = answer["data"]["applicationsForRuntime"];
    list["data"] = json::array({application("app-" + std::to_string(++page))});
    list["data"][0]["bundles"] = nullptr;
    list["data"][0]["description"] = std::string(2'000'000, 'd');
    list["totalCount"] = 10'000;
    list["pageInfo"] = {{"endCursor", "after:0 " + std::to_string(page)}, {"hasNextPage", true}};
  };
  const auto data = fetch(director);
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind, FailureKind::too_large) << data.error().text();
  EXPECT_LE(page, 43) << "eighty megabytes at two each";
}

// What is wrong with the first of them is enough: the others would be made for nothing, at two hundred bytes each.
TEST(FetchBounds, ReadNoFurtherThanTheFirstItemThatIsWrong) {
  FakeDirector director;
  director.spoil = [](int, const Asked& asked, json& answer) {
    if (asked.operation == "applicationsForRuntime")
      answer["data"]["applicationsForRuntime"]["data"] =
          json::array({json::array(), application("a"), application("a")});
  };
  EXPECT_THAT(failure_of(director).what, HasSubstr("data[0] is a list"));
}

TEST(FetchBounds, CountCursorsAndWhatIsToBeReadLater) {
  FakeDirector director;
  director.applications = applications(300);
  director.spoil = [](int, const Asked& asked, json& answer) {
    if (asked.operation == "applicationsForRuntime")
      answer["data"]["applicationsForRuntime"]["pageInfo"]["endCursor"].get_ref<std::string&>() +=
          ' ' + std::string(700'000, 'x');
  };
  const auto data = fetch_within(director, {20'000, 1'500'000});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind, FailureKind::too_large);
}

// Pages of 100 Applications with ten APIs each, as the defaults have to take them.
TEST(FetchBounds, LetTenThousandApplicationsWithTenApisEachThrough) {
  FakeDirector director;
  director.applications = json::array({});
  json one = application("a", 1);
  for (int i = 0; i < 10; ++i) {
    auto api = definition("7c1a6f0e-1111-4000-8000-00000000000" + std::to_string(i));
    api["name"] = "Business Partner API " + std::to_string(i);
    api["description"] = std::string(100, 'd');
    one["bundles"][0]["apiDefinitions"].push_back(std::move(api));
  }
  for (int i = 0; i < 100; ++i) {
    one["id"] = "7c1a6f0e-0000-4000-8000-00000000" + std::to_string(1000 + i);
    director.applications.push_back(one);
  }
  const auto data = fetch_within(director, {20'000, (80u << 20) / 100}); // a hundredth of both
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_EQ((*data)->applications.size(), 100u);
}

} // namespace
} // namespace runtime_agent::compass::test
