#include "actors/application_reconciler/names.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace runtime_agent::application_reconciler {
namespace {

using namespace std::string_literals;

struct Case {
  std::string input;
  std::string expected;
};

TEST(ApplicationName, FollowsTheRuleWhereTheAgentNormalises) {
  const std::vector<Case> cases{
      {"My App (EU)", "mp-my-app-eu"},
      {"shop", "mp-shop"},
      {"", "mp"},
      {"mp", "mp-mp"},
      {"mp-kept", "mp-kept"},
      {"mp-", "mp-mp"}, // not unchanged: the trailing dash goes
      {"mp-two--dash", "mp-mp-two-dash"},
      {"mp-trail-", "mp-mp-trail"},
      {"mp-Upper", "mp-mp-upper"},
      {"MP-x", "mp-mp-x"},
      {"-lead", "mp-lead"},
      {"trail-", "mp-trail"},
      {"--both--", "mp-both"},
      {"in---side", "mp-in-side"},
      {"a -- b", "mp-a-b"},
      {"a_b.c/d\\e", "mp-a-b-c-d-e"},
      {"tab\there", "mp-tab-here"},
      {"nul\0l"s, "mp-nul-l"},
      {"Größe", "mp-gr-e"},
      {"日本語", "mp"},
      {"ИМЯ app", "mp-app"},
  };
  for (const auto& [input, expected] : cases)
    EXPECT_EQ(application_name(input, false), expected) << '"' << input << '"';
}

TEST(ApplicationName, KnowsTheTwoLettersOutsideAsciiWhoseLowerCaseIsAscii) {
  EXPECT_EQ(application_name("\xE2\x84\xAA"
                             "elvin \xC4\xB0",
                             false),
            "mp-kelvin-i");
}

TEST(ApplicationName, TurnsBytesThatAreNoUtf8IntoDashes) {
  EXPECT_EQ(application_name("a\xFF\xFE"
                             "b",
                             false),
            "mp-a-b");
  EXPECT_EQ(application_name("cut\xE2\x84", false), "mp-cut");
  EXPECT_EQ(application_name("\xC4", false), "mp");
}

TEST(ApplicationName, IsTakenAsItIsWhereTheDirectorNormalises) {
  EXPECT_EQ(application_name("as-it-is", true), "as-it-is");
  EXPECT_EQ(application_name("Not Normal/../x", true), "Not Normal/../x");
}

TEST(NormalizedName, FollowsTheRule) {
  const std::vector<Case> cases{
      {"Orders", "orders"},
      {"Orders API", "orders-api"},
      {"---", ""},
      {"!!!", ""},
      {"-x-", "x"},
      {"a  --  b", "a-b"},
      {"\xE2\x84\xAA"
       "elvin",
       "elvin"}, // a dash before any lower-casing, and then dropped
      {std::string(80, 'X'), std::string(57, 'x')},
      {std::string(56, 'a') + " b", std::string(56, 'a') + "-"},
      {std::string(57, 'a') + "!", std::string(57, 'a')},
      {"-" + std::string(59, 'b'), std::string(56, 'b')},
  };
  for (const auto& [input, expected] : cases)
    EXPECT_EQ(normalized_name(input), expected) << '"' << input << '"';
}

TEST(ServiceName, EndsWithFiveDigitsOfTheIdsHash) {
  EXPECT_EQ(service_name("Orders", "6c798ccc-3981-520f-84bc-4f8129575287"), "orders-9ad52");
  EXPECT_EQ(service_name("---", "6c798ccc-3981-520f-84bc-4f8129575287"), "9ad52");
  EXPECT_EQ(service_name("-x-", "b1d39b57-793e-59b1-8a55-3bebb4cab8c1"), "x-a446f");
}

TEST(SecretNames, AreCutBeforeTheBundlesId) {
  EXPECT_EQ(credentials_secret_name("mp-shop", "id"), "mp-shop-id");
  EXPECT_EQ(parameters_secret_name("mp-shop", "id"), "params-mp-shop-id");
  EXPECT_EQ(credentials_secret_name("mp-" + std::string(23, 'c'), "id"), "mp-" + std::string(23, 'c') + "-id");
  EXPECT_EQ(credentials_secret_name("mp-" + std::string(24, 'd'), "id"), "mp-" + std::string(23, 'd') + "-id");
  EXPECT_EQ(parameters_secret_name("mp-" + std::string(24, 'd'), "id"), "params-mp-" + std::string(16, 'd') + "-id");
}

TEST(ApplicationLabel, IsCutToAValidLabelValue) {
  EXPECT_EQ(application_label("mp-shop"), "mp-shop");
  EXPECT_EQ(application_label(std::string(100, 'a')), std::string(63, 'a'));
  EXPECT_EQ(application_label(std::string(60, 'a') + "-.-b"), std::string(60, 'a'));
}

TEST(Dns1123Subdomain, IsWhatTheApiServerTakesForAName) {
  for (const auto* name : {"a", "0", "mp-x", "a.b", "a-b.c-d", "1.2.3"})
    EXPECT_TRUE(is_dns1123_subdomain(name)) << name;
  EXPECT_TRUE(is_dns1123_subdomain(std::string(253, 'a')));
  EXPECT_FALSE(is_dns1123_subdomain(std::string(254, 'a')));
  for (const auto* name : {"", "-a", "a-", "A", "a_b", "a..b", ".a", "a.", "a.-b", "a-.b", "a/b", "../x", "a b", "ä"})
    EXPECT_FALSE(is_dns1123_subdomain(name)) << name;
}

TEST(LabelValue, IsWhatTheApiServerTakes) {
  for (const auto* value : {"", "a", "A_b.c-D", "6c798ccc-3981-520f-84bc-4f8129575287"})
    EXPECT_TRUE(is_label_value(value)) << value;
  for (const auto* value : {"-a", "a-", "a b", "a/b", "_a"})
    EXPECT_FALSE(is_label_value(value)) << value;
  EXPECT_FALSE(is_label_value(std::string(64, 'a')));
}

} // namespace
} // namespace runtime_agent::application_reconciler
