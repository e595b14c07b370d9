#include <string>

#include <gtest/gtest.h>

#include "tests/unit/support/growth.hpp"
#include "transport/x509/openssl.hpp"
#include "transport/x509/subject.hpp"

namespace runtime_agent::x509 {
namespace {

TEST(LinearWork, OnSubjects) {
  for (const char* const piece : {"O=a,", "a", "\\,", "=", "\"", " ", "\\41"}) {
    const auto input = [&](std::size_t size) {
      std::string text = "CN=";
      while (text.size() < size)
        text += piece;
      return text;
    };
    EXPECT_LT(
        tests::growth_per_doubling(1'900, input, [](const std::string& text) { parse_subject(text).has_value(); }),
        tests::about_linear)
        << piece;
  }
}

TEST(LinearWork, OnPem) {
  for (const char* const piece :
       {"-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nMA==\n-----END X-----\n", "a\n", "-",
        "-----BEGIN CERTIFICATE-----\nMAAA"}) {
    const auto input = [&](std::size_t size) {
      std::string text;
      while (text.size() < size)
        text += piece;
      return text;
    };
    EXPECT_LT(tests::growth_per_doubling(30'000, input,
                                         [](const std::string& text) { read_certificates(text, "chain").has_value(); }),
              tests::about_linear)
        << piece;
  }
}

} // namespace
} // namespace runtime_agent::x509
