#include "transport/x509/key.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <thread>
#include <vector>

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

TEST(KeySource, KeepsWhatAnAttemptThatWasGivenUpHasFound) {
  const auto source = make_key_source();
  // Attempts far shorter than the search: each that begins anew would lose what the one before has done.
  Result<Secret> key = failed(Failure{});
  int given_up = 0;
  for (; !key && given_up < 10'000; ++given_up) {
    const CancelToken attempt;
    std::thread limit([&] { attempt.wait_for(std::chrono::milliseconds(5)), attempt.cancel(); });
    key = source->generate(4096, attempt);
    limit.join();
    if (!key) {
      ASSERT_EQ(key.error().kind, FailureKind::cancelled);
    }
  }
  ASSERT_TRUE(key) << key.error().text();
  EXPECT_GT(given_up, 3);
}

TEST(KeySource, GivesEachThatAsksAKeyOfItsOwn) {
  const auto source = make_key_source();
  std::array<std::optional<Result<Secret>>, 4> keys;
  std::vector<std::thread> askers;
  for (auto& key : keys)
    askers.emplace_back([&] { key = source->generate(1024, {}); });
  for (std::thread& asker : askers)
    asker.join();
  std::set<std::string> texts;
  for (const auto& key : keys) {
    ASSERT_TRUE(*key);
    texts.insert((*key)->reveal());
  }
  EXPECT_EQ(texts.size(), keys.size());
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
