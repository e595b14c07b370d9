#include "transport/http/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runtime_agent::http {
namespace {

using namespace std::chrono_literals;

Failure failure_of(int status, std::string body = "", Headers headers = {}) {
  return failure_from_status({status, std::move(headers), std::move(body)}, "Director");
}

TEST(FailureFromStatus, NamesTheKindOfEachStatus) {
  const std::pair<int, FailureKind> cases[] = {
      {400, FailureKind::refused},     {401, FailureKind::unauthorized}, {403, FailureKind::forbidden},
      {404, FailureKind::not_found},   {409, FailureKind::conflict},     {410, FailureKind::gone},
      {418, FailureKind::refused},     {422, FailureKind::refused},      {429, FailureKind::rate_limited},
      {500, FailureKind::unavailable}, {503, FailureKind::unavailable},  {599, FailureKind::unavailable},
      {302, FailureKind::malformed},   {103, FailureKind::malformed},    {700, FailureKind::malformed},
  };
  for (const auto& [status, kind] : cases) {
    EXPECT_EQ(failure_of(status).kind, kind) << status;
    EXPECT_EQ(failure_of(status).http_status, status);
  }
}

TEST(FailureFromStatus, SaysStatusPhraseAndBody) {
  EXPECT_EQ(failure_of(429, "slow down\n").text(), "Director: 429 Too Many Requests: slow down");
}

TEST(FailureFromStatus, CarriesRetryAfter) {
  EXPECT_EQ(failure_of(429, "", {{"retry-after", "40"}}).retry_after, 40s);
  EXPECT_EQ(failure_of(429).retry_after, std::nullopt);
}

TEST(FailureFromStatus, SaysWhereRetryAfterAsksForMoreThanIsWaited) {
  const auto failure = failure_of(503, "busy", {{"Retry-After", "86400"}});
  EXPECT_EQ(failure.retry_after, 15min);
  EXPECT_EQ(failure.what,
            "503 Service Unavailable: busy; Retry-After asks for more than 15 minutes, which is what is waited");
  EXPECT_THAT(failure_of(503, "", {{"Retry-After", "900"}}).what, testing::Not(testing::HasSubstr("Retry-After")));
}

TEST(FailureFromStatus, SaysWhereARedirectPointsWithoutWhatMayBeSecret) {
  const auto what = [](const std::string& location) { return failure_of(302, "", {{"Location", location}}).what; };
  EXPECT_EQ(what("/login"), "302 Found: it points to /login");
  EXPECT_EQ(what("https://sso.example.com:8443/auth?token=t0p&x=1"),
            "302 Found: it points to https://sso.example.com:8443/auth?…");
  EXPECT_EQ(what("https://sso.example.com#t0p"), "302 Found: it points to https://sso.example.com#…");
  EXPECT_EQ(what("https://user:t0p@sso.example.com/a@b"), "302 Found: it points to https://sso.example.com/a@b");
  EXPECT_EQ(what("//user:t0p@sso.example.com/"), "302 Found: it points to //sso.example.com/");
  EXPECT_EQ(what("https:\\\\user:t0p@sso.example.com"), "302 Found: it points to https:\\\\sso.example.com");
  EXPECT_EQ(what("/a\x1b[31m\nb"), "302 Found: it points to /a [31m b");
  EXPECT_LT(what("/" + std::string(5000, 'x')).size(), 260u);
  EXPECT_EQ(what(""), "302 Found");
  EXPECT_EQ(failure_of(404, "", {{"Location", "/x"}}).what, "404 Not Found");
}

TEST(FailureFromStatus, SaysThatAServerErrorMayHaveBeenCarriedOut) {
  EXPECT_TRUE(failure_of(502).maybe_processed);
  EXPECT_FALSE(failure_of(429).maybe_processed);
}

TEST(Excerpt, KeepsOnlyTheTitleOfHtml) {
  EXPECT_EQ(excerpt("<!DOCTYPE html><html><head><title>502 Bad\n Gateway</title><style>p{}</style></head>"
                    "<body><h1>nginx</h1></body></html>"),
            "502 Bad Gateway");
}

TEST(Excerpt, KnowsHtmlWithoutItsOutermostElement) {
  EXPECT_EQ(excerpt("  <head><meta charset=utf-8><title>Log in</title></head><body>…"), "Log in");
  EXPECT_EQ(excerpt("<body><p>Log in</p></body>"), "Log in");
  EXPECT_EQ(excerpt("a <title> of nothing"), "a <title> of nothing");
}

TEST(Excerpt, KeepsTheFirstWordsOfHtmlWithoutTitle) {
  EXPECT_EQ(excerpt("<html><head><script>var x = '<b>';</script></head><body><h1>Bad</h1><p>Gateway</body></html>"),
            "Bad Gateway");
}

TEST(Excerpt, SurvivesHtmlThatIsCutOff) {
  EXPECT_EQ(excerpt("<html><body>Bad <b"), "Bad");
  EXPECT_EQ(excerpt("<html><head><title>x"), "");
  EXPECT_EQ(excerpt("<html><script>never closed"), "");
}

TEST(Excerpt, DropsControlCharacters) {
  EXPECT_EQ(excerpt("a\x1b[31m\r\n\tb\x7f\xc2\x85"
                    "c"),
            "a [31m b c");
}

TEST(Excerpt, DropsWhatIsNotUtf8) {
  EXPECT_EQ(excerpt("a\xff\xc0\x80"
                    "b\xc3\xa4"),
            "a bä");
}

TEST(Excerpt, IsBoundedAndNeverCutsACharacter) {
  std::string umlauts;
  for (int i = 0; i < 200; ++i)
    umlauts += "ä";
  const auto text = excerpt(umlauts);
  EXPECT_LE(text.size(), 200u);
  EXPECT_TRUE(text.ends_with("ä…"));
}

TEST(Excerpt, KeepsAShortTextWhole) {
  EXPECT_EQ(excerpt("  exactly this  "), "exactly this");
}

} // namespace
} // namespace runtime_agent::http
