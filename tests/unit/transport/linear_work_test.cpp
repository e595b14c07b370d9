#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/support/growth.hpp"
#include "transport/encoding.hpp"
#include "transport/json_cost.hpp"
#include "transport/printable.hpp"
#include "transport/utf8.hpp"

namespace runtime_agent {
namespace {

// Texts that make each part of the work as dear as it can be: twice as much of them takes twice the time.
TEST(LinearWork, OnTextsFromOutside) {
  struct Work {
    const char* name;
    std::function<std::size_t(const std::string&)> run;
  };
  const Work works[] = {
      {"printable", [](const std::string& text) { return printable(text).size(); }},
      {"printable_lines", [](const std::string& text) { return printable_lines(text).size(); }},
      {"printable_json", [](const std::string& text) { return printable_json(text).size(); }},
      {"bounded", [](const std::string& text) { return bounded(text, text.size() / 2).size(); }},
      {"trimmed", [](const std::string& text) { return trimmed(text).size(); }},
      {"json_parsing_cost", [](const std::string& text) { return json_parsing_cost(text); }},
      {"base64", [](const std::string& text) { return base64_decode(base64_encode(text)).value_or("").size(); }},
      {"append_json_string",
       [](const std::string& text) {
         std::string out;
         append_json_string(out, text);
         return out.size();
       }},
  };
  for (const char c : {'a', '\x1b', '\xe2', ' ', '"', '['})
    for (const Work& work : works)
      EXPECT_LT(tests::growth_per_doubling(
                    4'000, [c](std::size_t size) { return std::string(size, c); },
                    [&](const std::string& text) {
                      volatile auto size = work.run(text);
                      static_cast<void>(size);
                    }),
                tests::about_linear)
          << work.name << " of " << static_cast<int>(c);
}

} // namespace
} // namespace runtime_agent
