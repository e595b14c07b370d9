#include "transport/x509/subject.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/support/certificates.hpp"
#include "transport/x509/csr.hpp"

namespace runtime_agent::x509 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string print(const Result<Subject>& subject) {
  if (!subject)
    return "! " + subject.error().what;
  std::string text;
  for (const auto& [type, value] : *subject)
    text += "[" + type + "|" + value + "]";
  return text;
}

struct Case {
  std::string_view text;
  std::string_view expected;
};

TEST(Subject, ReadsEveryFormThatTheConnectorMaySend) {
  const Case cases[] = {
      {"CN=id", "[CN|id]"},
      {"O=Org,OU=Unit,L=City,ST=Land,C=DE,CN=id", "[O|Org][OU|Unit][L|City][ST|Land][C|DE][CN|id]"},
      {"CN=id,C=DE,O=Org", "[CN|id][C|DE][O|Org]"},
      {"OU=a,OU=b,CN=x,OU=c,CN=y", "[OU|a][OU|b][CN|x][OU|c][CN|y]"},
      {"O=Org\\, Inc,CN=id", "[O|Org, Inc][CN|id]"},
      {"CN=a=b==,O=c", "[CN|a=b==][O|c]"},
      {"CN=a\\=b", "[CN|a=b]"},
      {"CN=a+b", "[CN|a+b]"},
      {R"(CN=a\\b\"c\+d\<e\>f\;g\#h)", R"([CN|a\b"c+d<e>f;g#h])"},
      {R"(CN="a,b=c\"d\\e",O=f)", R"([CN|a,b=c"d\e][O|f])"},
      {R"(CN=the "best" one)", R"([CN|the "best" one])"},
      {"CN=\\C3\\BC", "[CN|ü]"},
      {"CN=Z\xc3\xbcrich\\2C Nord", "[CN|Zürich, Nord]"},
      {"L=\xe6\x9d\xb1\xe4\xba\xac", "[L|東京]"},
      {"CN=\xf0\x9f\x9a\x80", "[CN|🚀]"},
      {" cn = id , Ou = unit ", "[CN|id][OU|unit]"},
      {"CN=a\\ ", "[CN|a ]"},
      {"CN=\\ a  ", "[CN| a]"},
      {"CN=\" a \" ,O=b", "[CN| a ][O|b]"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(print(parse_subject(text)), expected) << text;
}

TEST(Subject, SaysWhatIsMalformedAndWhere) {
  const Case cases[] = {
      {"", "! an attribute like CN=… is missing at byte 0"},
      {"   ", "! an attribute like CN=… is missing at byte 3"},
      {"CN", "! the attribute has no = at byte 2"},
      {"CN,O=a", "! the attribute has no = at byte 2"},
      {"=a", "! an attribute like CN=… is missing at byte 0"},
      {"O=Org,=,CN", "! an attribute like CN=… is missing at byte 6"},
      {"CN=a,", "! an attribute like CN=… is missing at byte 5"},
      {"CN=a,,O=b", "! an attribute like CN=… is missing at byte 5"},
      {"CN=", "! the value is empty at byte 3"},
      {"CN=,O=b", "! the value is empty at byte 3"},
      {"CN=\"\"", "! the value is empty at byte 3"},
      {"DC=a", "! the attribute is none of CN O OU L ST C at byte 0"},
      {"CN=a,emailAddress=b", "! the attribute is none of CN O OU L ST C at byte 5"},
      {"CN=a\\", "! the backslash escapes nothing at byte 4"},
      {"CN=a\\x", "! the backslash is followed by neither a special character nor two hexadecimal digits at byte 4"},
      {"CN=a\\4", "! the backslash is followed by neither a special character nor two hexadecimal digits at byte 4"},
      {"CN=\"a", "! the quotes are not closed at byte 3"},
      {"CN=\"a\"b", "! there is text behind the closing quotes at byte 6"},
      {"CN=\\ff", "! the value is no UTF-8 at byte 3"},
      {"CN=a\xc3", "! the value is no UTF-8 at byte 3"},
      {"CN=\xc0\xaf", "! the value is no UTF-8 at byte 3"},
      {"CN=\xed\xa0\x80", "! the value is no UTF-8 at byte 3"},
      {"CN=a\\00b", "! the value holds a NUL at byte 3"},
      {"CN=a,C=DEU", "! the country is not of two letters at byte 7"},
      {"C=1\xc3", "! the value is no UTF-8 at byte 2"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(print(parse_subject(text)), expected) << text;
}

TEST(Subject, IsAFailureForNothingWorseThanRandomBytes) {
  std::mt19937_64 random(7);
  const std::string_view likely = "CN=,OUST\\\"+ LC#\xc3\xbc";
  for (int run = 0; run < 20'000; ++run) {
    std::string text;
    for (auto size = random() % 40; size > 0; --size)
      text += random() % 4 == 0 ? static_cast<char>(random()) : likely[random() % likely.size()];
    const auto subject = parse_subject(text);
    EXPECT_THAT(subject ? " at byte " : subject.error().what, HasSubstr(" at byte "));
    EXPECT_FALSE(subject && subject->empty());
  }
}

/// What a reader of the request sees: type, value and ASN.1 string type of each attribute.
std::vector<std::string> subject_of(const std::string& csr_pem) {
  const BioPtr bio(BIO_new_mem_buf(csr_pem.data(), static_cast<int>(csr_pem.size())));
  const RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  std::vector<std::string> attributes;
  const X509_NAME* name = X509_REQ_get_subject_name(request.get());
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const auto* entry = X509_NAME_get_entry(name, i);
    const auto* value = X509_NAME_ENTRY_get_data(entry);
    attributes.push_back(std::string(OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)))) + "=" +
                         std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                     static_cast<std::size_t>(ASN1_STRING_length(value))));
    EXPECT_EQ(X509_NAME_ENTRY_set(entry), i) << "one relative name each";
  }
  return attributes;
}

TEST(Csr, HasExactlyTheSubjectInItsOrder) {
  const auto csr = make_csr(*parse_subject("OU=b,O=Org\\, Inc,OU=a,C=DE,L=Zürich,ST=x=y,CN=id,CN=id2"),
                            test::to_pem(*test::make_rsa_key()));
  ASSERT_TRUE(csr) << csr.error().text();
  EXPECT_THAT(subject_of(*csr),
              ElementsAre("OU=b", "O=Org, Inc", "OU=a", "C=DE", "L=Zürich", "ST=x=y", "CN=id", "CN=id2"));
}

TEST(Csr, TakesValuesBeyondTheBoundsOfX520) {
  const std::string name(300, 'n');
  const auto csr = make_csr({{"CN", name}}, test::to_pem(*test::make_rsa_key()));
  ASSERT_TRUE(csr) << csr.error().text();
  EXPECT_THAT(subject_of(*csr), ElementsAre("CN=" + name));
}

TEST(Csr, IsSignedByItsOwnKeyWithSha256) {
  const auto key = test::make_rsa_key();
  const auto csr = make_csr({{"CN", "id"}}, test::to_pem(*key));
  ASSERT_TRUE(csr) << csr.error().text();
  const BioPtr bio(BIO_new_mem_buf(csr->data(), static_cast<int>(csr->size())));
  const RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  ASSERT_TRUE(request);
  EXPECT_EQ(X509_REQ_verify(request.get(), key.get()), 1);
  EXPECT_EQ(X509_REQ_get_signature_nid(request.get()), NID_sha256WithRSAEncryption);
}

TEST(Csr, IsAFailureForAKeyThatIsNone) {
  const auto csr = make_csr({{"CN", "id"}}, Secret("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"));
  ASSERT_FALSE(csr);
  EXPECT_EQ(csr.error().where, "private key");
}

TEST(Subject, HasBoundsThatAreNamed) {
  std::string many = "O=a";
  for (std::size_t i = 1; i < most_attributes; ++i)
    many += ",O=a";
  EXPECT_TRUE(parse_subject(many));
  const auto one_more = parse_subject(many + ",O=a");
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().text(), "subject of the CSR: has 201 attributes or more, and the limit is 200; it has to "
                                     "become shorter in Compass");
  std::string longest = "CN=";
  longest.resize(longest_subject, 'a');
  EXPECT_TRUE(parse_subject(longest));
  const auto longer = parse_subject(longest + "a");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().what, "has 16385 bytes or more, and the limit is 16384");
}

} // namespace
} // namespace runtime_agent::x509
