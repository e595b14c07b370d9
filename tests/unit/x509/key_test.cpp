#include "transport/x509/key.hpp"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/support/certificates.hpp"

namespace runtime_agent::x509 {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(KeyBits, AreNeverFewerThanAskedForAndNeverFewerThan4096) {
  const std::pair<std::string_view, unsigned> cases[] = {{"rsa2048", 4096}, {"rsa4096", 4096}, {"RSA4096", 4096},
                                                         {"rsa8192", 8192}, {"rsa6000", 6000}, {"rsa0", 4096}};
  for (const auto& [algorithm, bits] : cases) {
    const auto read = key_bits(algorithm);
    ASSERT_TRUE(read) << algorithm;
    EXPECT_EQ(*read, bits) << algorithm;
  }
}

TEST(KeyBits, OfAnythingButRsaAreAFailure) {
  for (const std::string_view algorithm : {"", "rs", "rsa", "rsa-2048", "rsa 2048", "rsa2048x", "rsa20 48", "ec256",
                                           "ed25519", "2048", "rsa16384", "rsa99999999999999999999", "\xff\xff\xff"}) {
    const auto read = key_bits(algorithm);
    ASSERT_FALSE(read) << algorithm;
    EXPECT_EQ(read.error().kind, FailureKind::malformed);
    EXPECT_THAT(read.error().where, StartsWith("key algorithm"));
  }
}

TEST(KeySource, MakesPkcs1PemOfTheBitsAskedFor) {
  const auto pem = make_key_source()->generate(1024, {});
  ASSERT_TRUE(pem) << pem.error().text();
  EXPECT_THAT(pem->reveal(), StartsWith("-----BEGIN RSA PRIVATE KEY-----\n"));
  const auto key = read_private_key(*pem, "key");
  ASSERT_TRUE(key) << key.error().text();
  EXPECT_EQ(EVP_PKEY_get_bits(key->get()), 1024);
}

TEST(KeySource, EndsASearchThatIsCancelled) {
  const CancelToken cancel;
  std::thread canceller([&] { cancel.cancel(); });
  const auto started = std::chrono::steady_clock::now();
  const auto pem = make_key_source()->generate(16384, cancel); // minutes, if it were not cancelled
  canceller.join();
  ASSERT_FALSE(pem);
  EXPECT_EQ(pem.error().kind, FailureKind::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(30));
}

class FixtureKeys : public testing::Test {
protected:
  FixtureKeys() { std::filesystem::create_directories(folder_); }
  ~FixtureKeys() override { std::filesystem::remove_all(folder_); }
  void put(const std::string& name, const std::string& content) { std::ofstream(folder_ / name) << content; }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      ("fixture-keys-" + std::to_string(std::hash<std::thread::id>()(std::this_thread::get_id())));
};

TEST_F(FixtureKeys, AreHandedOutInOrderOverAndOver) {
  const Secret first = test::to_pem(*test::make_rsa_key());
  const Secret second = test::to_pem(*test::make_rsa_key());
  put("b.pem", second.reveal());
  put("a.pem", first.reveal());
  put("readme.txt", "no key");
  const auto source = make_fixture_key_source(folder_.string());
  EXPECT_EQ(*source->generate(4096, {}), first);
  EXPECT_EQ(*source->generate(4096, {}), second);
  EXPECT_EQ(*source->generate(4096, {}), first);
}

TEST_F(FixtureKeys, AreAFailureWhereThereAreNone) {
  for (const auto& folder : {folder_.string(), folder_.string() + "-missing"}) {
    const auto key = make_fixture_key_source(folder)->generate(4096, {});
    ASSERT_FALSE(key);
    EXPECT_THAT(key.error().what, HasSubstr(folder));
  }
}

} // namespace
} // namespace runtime_agent::x509
