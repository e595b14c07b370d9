#include "app/presentation/text_table.hpp"

#include <gmock/gmock.h>

namespace runtime_agent::app {
namespace {

struct Case {
  const char* text;
  const char* shown;
};

class Printable : public testing::TestWithParam<Case> {};

TEST_P(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(printable(GetParam().text), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(Texts, Printable,
                         testing::Values(Case{"plain", "plain"},
                                         Case{"caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac"},
                                         Case{"two\nlines\tand a tab", "two lines and a tab"},
                                         Case{"\x1b[31mred\x1b[0m", "\xef\xbf\xbd[31mred\xef\xbf\xbd[0m"},
                                         Case{"\xc2\x9b"
                                              "31m",
                                              "\xef\xbf\xbd"
                                              "31m"},
                                         Case{"a\xe2\x80\xae"
                                              "b",
                                              "a\xef\xbf\xbd"
                                              "b"},
                                         Case{"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
                                         Case{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
                                         Case{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                                         Case{"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"}));

TEST(TextTable, AlignsItsColumnsByCharacters) {
  TextTable table({"NAME", "STATE"});
  table.row({"caf\xc3\xa9-backend", "applied"});
  table.row({"x", "failed"});
  EXPECT_EQ(table.text(), "NAME          STATE\n"
                          "caf\xc3\xa9-backend  applied\n"
                          "x             failed\n");
}

TEST(TextTable, LeavesNoSpacesAtTheEndOfALine) {
  TextTable table({"NAME", "REASON"});
  table.row({"x"});
  EXPECT_EQ(table.text("  "), "  NAME  REASON\n  x\n");
}

TEST(TextTable, ShowsNoControlCharacterOfACell) {
  TextTable table({"NAME"});
  table.row({"a\x1b]0;title\x07"});
  EXPECT_THAT(table.text(), testing::Not(testing::AnyOf(testing::HasSubstr("\x1b"), testing::HasSubstr("\x07"))));
}

} // namespace
} // namespace runtime_agent::app
