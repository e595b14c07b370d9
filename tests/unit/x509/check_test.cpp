#include "transport/x509/check.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/support/certificates.hpp"
#include "transport/rfc3339.hpp"

namespace runtime_agent::x509 {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const TimePoint now = TimePoint(std::chrono::sys_days{std::chrono::year{2026} / 7 / 1}) + 12h;

class CheckCertificate : public testing::Test {
protected:
  static std::string problem(const IssuedCertificate& issued, const Secret& key, TimePoint at = now) {
    const auto identity = check_certificate(issued, key, at);
    return identity ? "" : identity.error().text();
  }

  test::CertificateAuthority root_{"Root"};
  test::CertificateAuthority intermediate_{"Intermediate", &root_};
  KeyPtr key_ = test::make_rsa_key();
  Secret key_pem_ = test::to_pem(*key_);
  std::string client_ = intermediate_.issue_pem(*key_, {.not_before = now, .not_after = now + 90 * 24h});
  IssuedCertificate good_{client_, client_ + intermediate_.pem() + root_.pem(), root_.pem()};
};

TEST_F(CheckCertificate, AcceptsWhatBelongsTogether) {
  EXPECT_EQ(problem(good_, key_pem_), "");
}

TEST_F(CheckCertificate, FindsTheIssuerInTheChainOrInTheCa) {
  EXPECT_EQ(problem({client_, client_ + intermediate_.pem(), root_.pem()}, key_pem_), "");
  EXPECT_EQ(problem({client_, client_, intermediate_.pem() + root_.pem()}, key_pem_), "");
  EXPECT_EQ(problem({client_, client_ + root_.pem() + intermediate_.pem(), root_.pem()}, key_pem_), "");
}

TEST_F(CheckCertificate, RefusesACertificateForAnotherKey) {
  EXPECT_THAT(problem(good_, test::to_pem(*test::make_rsa_key())), HasSubstr("not the certificate's"));
}

TEST_F(CheckCertificate, RefusesAChainWithoutTheIssuer) {
  const test::CertificateAuthority other("Other");
  EXPECT_THAT(problem({client_, client_ + other.pem(), other.pem()}, key_pem_), HasSubstr("does not contain"));
}

TEST_F(CheckCertificate, RefusesAnIssuerThatOnlyHasTheName) {
  const test::CertificateAuthority impostor("Intermediate");
  EXPECT_THAT(problem({client_, client_ + impostor.pem(), impostor.pem()}, key_pem_), HasSubstr("does not contain"));
}

TEST_F(CheckCertificate, RefusesAChainThatBeginsWithAnotherCertificate) {
  EXPECT_THAT(problem({client_, root_.pem() + client_, root_.pem()}, key_pem_), HasSubstr("does not begin"));
}

TEST_F(CheckCertificate, RefusesEveryPartThatIsEmptyOrGarbage) {
  for (const std::string garbage : {"", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    EXPECT_NE(problem({garbage, good_.chain_pem, good_.ca_pem}, key_pem_), "");
    EXPECT_NE(problem({good_.certificate_pem, garbage, good_.ca_pem}, key_pem_), "");
    EXPECT_NE(problem({good_.certificate_pem, good_.chain_pem, garbage}, key_pem_), "");
    EXPECT_NE(problem(good_, Secret(garbage)), "");
  }
}

TEST_F(CheckCertificate, AllowsForAClockThatIsFiveMinutesWrong) {
  EXPECT_EQ(problem(good_, key_pem_, now - 5min), "");
  EXPECT_EQ(problem(good_, key_pem_, now + 90 * 24h + 4min), "");
}

TEST_F(CheckCertificate, SaysTheClocksTimeWhereItIsNotYetValid) {
  EXPECT_EQ(problem(good_, key_pem_, now - 6h),
            "client certificate: not yet valid: the clock here says 2026-07-01T06:00:00Z, its validity begins "
            "2026-07-01T12:00:00Z");
}

TEST_F(CheckCertificate, SaysTheClocksTimeWhereItHasExpired) {
  EXPECT_EQ(problem(good_, key_pem_, now + 365 * 24h),
            "client certificate: expired: the clock here says 2027-07-01T12:00:00Z, its validity ended "
            "2026-09-29T12:00:00Z");
}

TEST_F(CheckCertificate, IsAFailureForNothingWorseThanDamagedBytes) {
  std::mt19937_64 random(11);
  const auto damaged = [&](std::string text) {
    for (auto changes = 1 + random() % 4; changes > 0 && !text.empty(); --changes)
      switch (const auto at = random() % text.size(); random() % 3) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, random() % 80);
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 80));
      }
    return text;
  };
  for (int run = 0; run < 500; ++run) {
    const IssuedCertificate issued{damaged(good_.certificate_pem), damaged(good_.chain_pem), damaged(good_.ca_pem)};
    const auto identity = check_certificate(issued, Secret(damaged(key_pem_.reveal())), now);
    EXPECT_TRUE(identity || !identity.error().what.empty());
  }
}

TEST(Rfc3339, IsInUtcWithWholeSeconds) {
  EXPECT_EQ(rfc3339(now + 1'999ms), "2026-07-01T12:00:01Z");
  EXPECT_EQ(rfc3339(TimePoint(-1ms)), "1969-12-31T23:59:59Z");
}

} // namespace
} // namespace runtime_agent::x509
