#include <gtest/gtest.h>

#include "transport/utf8.hpp"

namespace runtime_agent {
namespace {

TEST(Utf8, IsCutBetweenCharacters) {
  const std::string text = "aü€😀"; // 1, 2, 3 and 4 bytes
  const std::string_view beginnings[] = {"", "a", "a", "aü", "aü", "aü", "aü€", "aü€", "aü€", "aü€", "aü€😀", "aü€😀"};
  for (std::size_t limit = 0; limit < std::size(beginnings); ++limit)
    EXPECT_EQ(utf8_prefix(text, limit), beginnings[limit]) << limit;
}

TEST(Utf8, SaysThatSomethingWasCut) {
  EXPECT_EQ(bounded("shop", 4), "shop");
  EXPECT_EQ(bounded("shops", 4), "shop…");
  EXPECT_EQ(bounded("shoü", 4), "sho…");
}

} // namespace
} // namespace runtime_agent
