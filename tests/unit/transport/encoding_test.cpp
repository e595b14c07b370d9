#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "transport/encoding.hpp"

namespace runtime_agent {
namespace {

TEST(Base64, EncodesAndDecodesTheVectorsOfRfc4648) {
  for (const auto& [bytes, text] : {std::pair("", ""), std::pair("f", "Zg=="), std::pair("fo", "Zm8="),
                                    std::pair("foo", "Zm9v"), std::pair("foobar", "Zm9vYmFy")}) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64, SkipsWhiteSpaceAndRefusesEverythingElse) {
  EXPECT_EQ(base64_decode("Zm9v\n YmFy\r\n"), "foobar");
  for (const char* text : {"Z", "Zg", "Zg=", "=", "====", "Zg==Zg==", "Zm9v!", "Zm-v", "Z=g="})
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
}

TEST(Base64, KeepsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i)
    bytes += static_cast<char>(i);
  EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
}

TEST(Digest, IsHexadecimal) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(JsonString, ReadsBackAsTheText) {
  std::string every;
  for (int i = 0; i < 128; ++i)
    every += static_cast<char>(i);
  for (const std::string& text : {std::string(), std::string("plain"), every, every + "\"", std::string("\\\"\\"),
                                  std::string("gr\u00fc\u00dfe \U0001f600")}) {
    std::string out = "before";
    append_json_string(out, text);
    EXPECT_EQ(nlohmann::json::parse(out.substr(6)).get<std::string>(), text);
    EXPECT_EQ(out.substr(0, 6), "before");
  }
}

TEST(Trimmed, TakesWhiteSpaceFromBothEndsOnly) {
  EXPECT_EQ(trimmed(" \t a b \r\n"), "a b");
  EXPECT_EQ(trimmed(" \n"), "");
  EXPECT_EQ(trimmed(""), "");
}

} // namespace
} // namespace runtime_agent
