#include "transport/compass/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runtime_agent::compass {
namespace {

using testing::HasSubstr;

const std::string given_address = "https://compass.example/connector/graphql";

TEST(AddressWarning, IsGivenForWhatIsWorse) {
  const std::pair<const char*, const char*> worse[] = {
      {"http://compass.example/director", "is not encrypted, although CONNECTOR_URL is"},
      {"https://localhost/director", "this pod itself"},
      {"https://a.localhost./director", "this pod itself"},
      {"https://127.0.0.1:8091/", "this pod itself"},
      {"https://127.1/", "this pod itself"},
      {"https://2130706433/", "this pod itself"},
      {"https://0.0.0.0/", "this pod itself"},
      {"https://[::1]/", "this pod itself"},
      {"https://[::ffff:127.0.0.1]/", "this pod itself"},
      {"https://169.254.169.254/latest", "link-local"},
      {"https://[fe80::1]/", "link-local"},
      {"http://169.254.169.254/latest", "is not encrypted, although CONNECTOR_URL is, and is a link-local"},
  };
  for (const auto& [url, words] : worse)
    EXPECT_THAT(address_warning(given_address, url).value_or("nothing is said"), HasSubstr(words)) << url;
}

TEST(AddressWarning, IsNotGivenForWhatIsAsGoodAsBefore) {
  for (const char* const url :
       {"https://compass.example/director", "https://director.example:8443/x", "https://10.0.0.7/",
        "https://localhost.example/", "https://[fd00::1]/", "", "nonsense"})
    EXPECT_EQ(address_warning(given_address, url), std::nullopt) << url;
  EXPECT_EQ(address_warning("http://127.0.0.1:1/c", "http://127.0.0.1:2/d"), std::nullopt) << "as given";
  EXPECT_EQ(address_warning("http://compass.example/c", "http://director.example/d"), std::nullopt) << "as given";
}

TEST(AddressWarning, IsGivenWhereNobodyKnowsWhatWasGiven) {
  EXPECT_EQ(address_warning("", "http://compass.example/director"), "http://compass.example is not encrypted");
  EXPECT_NE(address_warning("", "https://127.0.0.1/"), std::nullopt);
}

} // namespace
} // namespace runtime_agent::compass
