#include "transport/http/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runtime_agent::http {
namespace {

struct GoodUrl {
  const char* text;
  const char* host;
  int port;
  const char* target;
  const char* origin;
};

class UrlParse : public testing::TestWithParam<GoodUrl> {};

TEST_P(UrlParse, TakesTheTextApart) {
  const auto& [text, host, port, target, origin] = GetParam();
  const auto url = Url::parse(text);
  ASSERT_TRUE(url) << url.error().text();
  EXPECT_EQ(url->host, host);
  EXPECT_EQ(url->port, port);
  EXPECT_EQ(url->target, target);
  EXPECT_EQ(url->origin(), origin);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UrlParse,
    testing::Values(GoodUrl{"https://a.example/graphql", "a.example", 443, "/graphql", "https://a.example"},
                    GoodUrl{"http://a.example", "a.example", 80, "/", "http://a.example"},
                    GoodUrl{"HTTPS://A.Example:8443/x?y=%20z", "a.example", 8443, "/x?y=%20z",
                            "https://a.example:8443"},
                    GoodUrl{"https://a.example?x=1", "a.example", 443, "/?x=1", "https://a.example"},
                    GoodUrl{"https://10.0.0.1:443/", "10.0.0.1", 443, "/", "https://10.0.0.1"},
                    GoodUrl{"https://[fd00::1]/", "fd00::1", 443, "/", "https://[fd00::1]"},
                    GoodUrl{"https://[fd00::1]:6443/api", "fd00::1", 6443, "/api", "https://[fd00::1]:6443"}));

class UrlRefuses : public testing::TestWithParam<const char*> {};

TEST_P(UrlRefuses, WhatIsNotFitForTheWire) {
  const auto url = Url::parse(GetParam());
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().kind, FailureKind::configuration);
  EXPECT_FALSE(url.error().what.empty());
}

INSTANTIATE_TEST_SUITE_P(Cases, UrlRefuses,
                         testing::Values("", "a.example", "//a.example", "ftp://a.example", "https://", "https:///path",
                                         "https://:443", "https://user@a.example", "https://user:pw@a.example",
                                         "https://a.example@evil.example", "https://a.example:0",
                                         "https://a.example:65536", "https://a.example:", "https://a.example:+1",
                                         "https://a.example:80x", "https://a b.example", "https://a.example/x y",
                                         "https://a.example/\r\nX: 1", "https://a.example/#part",
                                         "https://a.example\\@evil", "https://[fd00::1", "https://[a.example]",
                                         "https://[fd00::1]x", "https://fd00::1", "https://ä.example",
                                         "https://a..example", "https://%61.example", "https://a.example/<x>"));

TEST(Url, DoesNotRepeatUserInformation) {
  EXPECT_THAT(Url::parse("https://user:secret@a.example").error().text(), testing::Not(testing::HasSubstr("secret")));
}

TEST(Url, LeavesItsOwnPortOutOfTheHostHeaderOnly) {
  const auto url = *Url::parse("https://[fd00::1]/");
  EXPECT_EQ(url.host_header(), "[fd00::1]");
  EXPECT_EQ(url.authority(), "[fd00::1]:443");
}

} // namespace
} // namespace runtime_agent::http
