#include "actors/config_watcher/pasted_text.hpp"

#include <gmock/gmock.h>

#include "actors/config_watcher/configuration_object.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::config_watcher {
namespace {

using kubernetes::Json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;

const std::string token = "Zm9-vQ_dmF4NTk2Zi1hYmNkZWYwMTIzNDU2Nzg5";

TEST(PastedText, IsTrimmedOfWhatCannotBeSeenAtItsEnds) {
  for (const char* edge : {" ",      "\n",     "\r\n",   "\t",         "\v",
                           "\u0085", "\u00a0", "\u00ad", "\u1680",     "\u180e",
                           "\u2003", "\u200b", "\u200d", "\u200e",     "\u2028",
                           "\u202a", "\u202f", "\u205f", "\u2060",     "\u2066",
                           "\u3000", "\ufe0f", "\ufeff", "\U000e0020", "\ufeff \u200b\u00a0\n"}) {
    EXPECT_EQ(without_invisible_ends(edge + token), token);
    EXPECT_EQ(without_invisible_ends(token + edge), token);
    EXPECT_EQ(without_invisible_ends(edge), "");
  }
  for (const char* kept : {"a b", "\u00e9t\u00e9", "\u6771\u4eac", "\U0001f600", "\xff", "a\x80", "\xe2\x80", ""})
    EXPECT_EQ(without_invisible_ends(kept), kept);
}

TEST(PastedText, NamesWhatCannotBeSeenWithinByPositionAndCodePoint) {
  EXPECT_THAT(invisible_within("abc\u200bd"), Optional(HasSubstr("U+200B at position 4")));
  EXPECT_THAT(invisible_within("\u00e9\u00a0x"), Optional(HasSubstr("U+00A0 at position 2")));
  EXPECT_THAT(invisible_within("a\ufeff"), Optional(HasSubstr("U+FEFF at position 2")));
  EXPECT_THAT(invisible_within("a\u2060b"), Optional(HasSubstr("U+2060 at position 2")));
  EXPECT_THAT(invisible_within("a\U000e0041b"), Optional(HasSubstr("U+E0041 at position 2")));
  EXPECT_THAT(invisible_within("a\nb"), Optional(HasSubstr("control character")));
  EXPECT_THAT(invisible_within(std::string("a\0b", 3)), Optional(HasSubstr("U+0000 at position 2")));
  for (const char* broken : {"a\xff", "a\xc0\x80", "a\xed\xa0\x80", "a\xf4\x90\x80\x80", "a\xe2\x80"})
    EXPECT_THAT(invisible_within(broken), Optional(HasSubstr("not valid UTF-8 at character 2"))) << broken;
  for (const char* fine : {"", "a b", "\u00e9t\u00e9", "\u6771\u4eac", "\U0001f600"})
    EXPECT_EQ(invisible_within(fine), std::nullopt) << fine;
}

TEST(PastedText, NamesQuotesAroundAValue) {
  for (const char* value : {"\"a\"", "'a'", "`a`", "\u201ca\u201d", "\u00aba\u00bb", "\"a", "a'"})
    EXPECT_THAT(quotes_around(value), Optional(HasSubstr("without quotes"))) << value;
  EXPECT_EQ(quotes_around("it's"), std::nullopt);
}

TEST(PastedText, NamesATokenThatIsMoreThanTheToken) {
  for (const std::string& output :
       {"apiVersion: v1\ndata:\n  TOKEN: " + token, std::string("NAME  TYPE\nx  Opaque"), "TOKEN:" + token,
        "TOKEN=" + token, R"({"token":")" + token + "\"}", token + " " + token, "Connector-Token: " + token})
    EXPECT_THAT(no_bare_token(output), Optional(HasSubstr("the whole output of a command"))) << output;
  EXPECT_THAT(no_bare_token(base64_encode(token)), Optional(HasSubstr("encoded twice")));
  EXPECT_THAT(no_bare_token(base64_encode(token + "\n")), Optional(HasSubstr("encoded twice")));
  EXPECT_THAT(no_bare_token(base64_encode(R"({"token":"x","connectorURL":"https://c"})")),
              Optional(HasSubstr("rawEncoded")));
}

TEST(PastedText, TakesWhatATokenMayBe) {
  const std::string bytes("\x01\xfe\x80\x10zzzzzzzz\xc0\x01", 14);
  for (const std::string& fine :
       {token, std::string("one-time"), std::string("abcd"), base64_encode(bytes),
        std::string("0123456789abcdef0123456789abcdef"), std::string("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.")})
    EXPECT_EQ(no_bare_token(fine), std::nullopt) << fine;
}

TEST(PastedText, IsAConfigurationErrorOfItsKeyThatNeverShowsTheToken) {
  const Source given{ObjectKind::config_map, "compass-system", "compass-agent-configuration"};
  const Json good = {{"data",
                      {{"CONNECTOR_URL", "\ufeffhttps://compass.example.com/graphql\u200b"},
                       {"RUNTIME_ID", "\u00a01ae04041"},
                       {"TENANT", "\u00a0tenant"},
                       {"TOKEN", token + "\u200b"}}}};
  const auto read = read_configuration(good, given, false);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->token.reveal(), token);
  EXPECT_EQ(read->tenant, "tenant");
  for (const char* key : {"CONNECTOR_URL", "RUNTIME_ID", "TENANT", "TOKEN"})
    for (const std::string& value : {"https://a\u200b" + token, "\"" + token + "\""}) {
      Json object = good;
      object["data"][key] = value;
      const auto refused = read_configuration(object, given, false);
      ASSERT_FALSE(refused) << key;
      EXPECT_EQ(refused.error().kind, FailureKind::configuration);
      EXPECT_THAT(refused.error().what, AllOf(testing::StartsWith(key), Not(HasSubstr(token))));
    }
}

} // namespace
} // namespace runtime_agent::config_watcher
