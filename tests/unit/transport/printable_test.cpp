#include "transport/printable.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace runtime_agent {
namespace {

// One of each kind: ESC and CSI of both spellings, BEL, CR, NUL, C1, DEL, bidi, what takes no place, tags.
const std::string_view all_kinds("a\x1b[31m\x07\rb\0c\xc2\x9b"
                                 "31md\x7f"
                                 "e\xe2\x80\xae"
                                 "f\xe2\x81\xa6g\xe2\x81\xa9h\xe2\x80\x8bi\xef\xbb\xbfj\xd8\x9ck\xf3\xa0\x81\x81l\n",
                                 48);

TEST(PrintableText, HoldsNothingThatIsObeyed) {
  EXPECT_EQ(printable("a\x1b[31m\x07\rb"), "a\xef\xbf\xbd[31m\xef\xbf\xbd b");
  for (const auto& shown : {printable(all_kinds), printable_lines(all_kinds)})
    for (const char* const piece : {"\x1b", "\x07", "\r", "\xc2\x9b", "\x7f", "\xe2\x80\xae", "\xe2\x81\xa6",
                                    "\xe2\x81\xa9", "\xe2\x80\x8b", "\xef\xbb\xbf", "\xd8\x9c", "\xf3\xa0\x81\x81"})
      EXPECT_EQ(shown.find(piece), std::string::npos) << shown;
  EXPECT_EQ(printable(all_kinds).find('\0'), std::string::npos);
}

TEST(PrintableText, KeepsItsLinesWhereItHasSome) {
  EXPECT_EQ(printable("a\nb"), "a b");
  EXPECT_EQ(printable_lines("a\nb\x1b\n"), "a\nb\xef\xbf\xbd\n");
}

TEST(PrintableText, SaysTheSameAsJson) {
  const nlohmann::json document{{"text", std::string(all_kinds)}};
  const auto shown = printable_json(document.dump(2));
  for (const char c : shown)
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << shown;
  for (const char* const piece : {"\xc2\x9b", "\x7f", "\xe2\x80\xae", "\xe2\x81\xa6", "\xf3\xa0\x81\x81"})
    EXPECT_EQ(shown.find(piece), std::string::npos) << shown;
  EXPECT_EQ(nlohmann::json::parse(shown), document);
}

} // namespace
} // namespace runtime_agent
