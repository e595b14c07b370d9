#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/unit/connection_model/diagram.hpp"

namespace runtime_agent::connection_model {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// With RUNTIME_AGENT_DRAW=1 the diagram is written there instead.
TEST(ConnectionDiagram, InContributingIsWhatTheMachineDoes) {
  const std::string path = std::string(RUNTIME_AGENT_SOURCE_DIR) + "/CONTRIBUTING.md";
  const std::string drawn = diagram(explore({WorldModel(""), WorldModel("t0")}, 1));
  std::string text = content_of(path);
  const auto begin = text.find(drawn.substr(0, drawn.find('\n')));
  const std::string last = drawn.substr(drawn.rfind('\n', drawn.size() - 2) + 1);
  const auto end = text.find(last);
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos) << path << " has no place for the diagram";
  if (std::getenv("RUNTIME_AGENT_DRAW") != nullptr)
    std::ofstream(path, std::ios::binary) << text.replace(begin, end + last.size() - begin, drawn);
  else
    EXPECT_EQ(text.substr(begin, end + last.size() - begin), drawn)
        << "draw it anew: RUNTIME_AGENT_DRAW=1 build/debug/tests/connection_model --gtest_filter=ConnectionDiagram.*";
}

} // namespace
} // namespace runtime_agent::connection_model
