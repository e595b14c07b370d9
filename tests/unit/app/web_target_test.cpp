#include <gmock/gmock.h>

#include "app/web_target.hpp"

namespace runtime_agent::app {
namespace {

using Query = std::map<std::string, std::string>;

struct TargetCase {
  const char* target;
  const char* path;
  Query query;
};

TEST(WebTarget, IsDecoded) {
  const TargetCase cases[] = {
      {"/tracez", "/tracez", {}},
      {"/tracez?", "/tracez", {}},
      {"/tracez?last=synchronize&format=json", "/tracez", {{"last", "synchronize"}, {"format", "json"}}},
      {"/a%2Fb+c?d=%41+%2b", "/a/b+c", {{"d", "A +"}}},
      {"/?a=1&a=2", "/", {{"a", "1"}}},
      {"/?a&=b&c==", "/", {{"a", ""}, {"c", "="}}},
      {"/?&&", "/", {}},
      {"/%", "/%", {}},
      {"/%4", "/%4", {}},
      {"/%zz?%4x=%-1", "/%zz", {{"%4x", "%-1"}}},
      {"", "", {}},
      {"*", "*", {}},
  };
  for (const TargetCase& expected : cases) {
    const WebTarget target = read_target(expected.target);
    EXPECT_EQ(target.path, expected.path) << expected.target;
    EXPECT_THAT(target.query, testing::ContainerEq(expected.query)) << expected.target;
  }
}

} // namespace
} // namespace runtime_agent::app
