#include "transport/x509/identity.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/support/certificates.hpp"

namespace runtime_agent::x509 {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct Parts {
  test::CertificateAuthority authority;
  KeyPtr key = test::make_rsa_key();
  std::string certificate = authority.issue_pem(*key, {}, "Zürich, runtime");
  std::string chain = certificate + authority.pem();
  Secret key_pem = test::to_pem(*key);

  Result<IdentityPtr> identity() const { return make_identity(certificate, chain, key_pem, authority.pem()); }
};

TEST(Identity, HoldsEveryPartAsGiven) {
  const Parts parts;
  const auto identity = parts.identity();
  ASSERT_TRUE(identity) << identity.error().text();
  EXPECT_EQ((*identity)->certificate_pem, parts.certificate);
  EXPECT_EQ((*identity)->chain_pem, parts.chain);
  EXPECT_EQ((*identity)->key_pem, parts.key_pem);
  EXPECT_EQ((*identity)->ca_pem, parts.authority.pem());
}

TEST(Identity, ShowsSerialAndSubject) {
  const auto identity = Parts().identity();
  ASSERT_TRUE(identity);
  EXPECT_EQ((*identity)->serial, "02");
  EXPECT_EQ((*identity)->subject, "CN=Zürich\\, runtime");
}

TEST(Identity, ReadsTheValidityToTheSecond) {
  Parts parts;
  const TimePoint start(1'700'000'000s);
  parts.certificate = parts.authority.issue_pem(*parts.key, {.not_before = start, .not_after = start + 90 * 24h});
  parts.chain = parts.certificate;
  const auto identity = parts.identity();
  ASSERT_TRUE(identity);
  EXPECT_EQ((*identity)->validity, (Validity{start, start + 90 * 24h}));
}

TEST(Identity, IsMadeWithoutACaCertificateWhereItsSecretIsMissing) {
  const Parts parts;
  EXPECT_TRUE(make_identity(parts.certificate, parts.chain, parts.key_pem, ""));
}

TEST(Identity, RefusesAKeyOfAnotherCertificate) {
  Parts parts;
  parts.key_pem = test::to_pem(*test::make_rsa_key());
  const auto identity = parts.identity();
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, FailureKind::malformed);
  EXPECT_THAT(identity.error().what, HasSubstr("not the certificate's"));
}

TEST(Identity, NamesThePartThatDoesNotParse) {
  const Parts good;
  const auto broken = [&](auto change) {
    Parts parts;
    parts.certificate = good.certificate;
    parts.chain = good.chain;
    parts.key_pem = good.key_pem;
    std::string ca = good.authority.pem();
    change(parts, ca);
    const auto identity = make_identity(parts.certificate, parts.chain, parts.key_pem, ca);
    return identity ? std::string() : identity.error().where;
  };
  EXPECT_EQ(broken([](Parts& parts, std::string&) { parts.certificate = "x"; }), "client certificate");
  EXPECT_EQ(broken([](Parts& parts, std::string&) { parts.chain.clear(); }), "certificate chain");
  EXPECT_EQ(broken([](Parts& parts, std::string&) { parts.chain += "-----BEGIN CERTIFICATE-----\nAAAA\n"; }),
            "certificate chain");
  EXPECT_EQ(broken([](Parts& parts, std::string&) { parts.key_pem = Secret("x"); }), "private key");
  EXPECT_EQ(broken([](Parts&, std::string& ca) { ca = "x"; }), "CA certificate");
}

TEST(Identity, RefusesAKeyWithAPassphraseWithoutAskingForIt) {
  Parts parts;
  const BioPtr bio(BIO_new(BIO_s_mem()));
  std::string passphrase = "secret";
  PEM_write_bio_PrivateKey(bio.get(), parts.key.get(), EVP_aes_128_cbc(),
                           reinterpret_cast<const unsigned char*>(passphrase.data()),
                           static_cast<int>(passphrase.size()), nullptr, nullptr);
  parts.key_pem = Secret(test::pem_of(bio));
  const auto identity = parts.identity();
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().where, "private key");
}

TEST(ValidityLeft, IsTheShareThatIsStillToCome) {
  const Validity validity{TimePoint(1000h), TimePoint(1100h)};
  const std::vector<std::pair<TimePoint, double>> cases{
      {TimePoint(1000h), 1.0}, {TimePoint(1070h), 0.3}, {TimePoint(1100h), 0.0},
      {TimePoint(900h), 1.0},  {TimePoint(1200h), 0.0},
  };
  for (const auto& [at, left] : cases)
    EXPECT_NEAR(validity_left(validity, at), left, 1e-9);
}

TEST(ValidityLeft, OfAnEmptyOrReversedValidityIsNothing) {
  EXPECT_EQ(validity_left({TimePoint(5h), TimePoint(5h)}, TimePoint(1h)), 0.0);
  EXPECT_EQ(validity_left({TimePoint(6h), TimePoint(5h)}, TimePoint(1h)), 0.0);
}

TEST(ValidityLeft, TakesTheExtremesOfTheClock) {
  EXPECT_NEAR(validity_left({TimePoint::min(), TimePoint::max()}, TimePoint(0h)), 0.5, 1e-6);
}

TEST(Identity, AcceptsACertificateWithoutAnEnd) {
  Parts parts;
  const CertificatePtr certificate =
      parts.authority.issue(*test::CertificateAuthority::make_name("client"), *parts.key, {});
  ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate.get()), "99991231235959Z");
  parts.certificate = test::to_pem(*certificate); // its signature is stale, which is not looked at here
  parts.chain = parts.certificate;
  const auto identity = parts.identity();
  ASSERT_TRUE(identity) << identity.error().text();
  EXPECT_EQ((*identity)->validity.not_after, TimePoint::max());
}

} // namespace
} // namespace runtime_agent::x509
