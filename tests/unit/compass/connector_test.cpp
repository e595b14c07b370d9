#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/graphql/fake_http_client.hpp"
#include "transport/compass/make_clients.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::compass {
namespace {

using http::test::FakeClient;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const std::string url = "https://compass.example/connector/graphql";
const std::string pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

json whole_configuration() {
  return {{"configuration",
           {{"token", {{"token", "second"}}},
            {"certificateSigningRequestInfo", {{"subject", "CN=runtime"}, {"keyAlgorithm", "rsa4096"}}},
            {"managementPlaneInfo",
             {{"directorURL", "https://director.example/graphql"},
              {"certificateSecuredConnectorURL", "https://connector.example/graphql"}}}}}};
}

json whole_certificate() {
  return {{"signCertificateSigningRequest",
           {{"certificateChain", base64_encode(pem + pem)},
            {"caCertificate", base64_encode(pem)},
            {"clientCertificate", base64_encode(pem)}}}};
}

/// A Connector that always answers this.
struct FakeConnector {
  std::shared_ptr<FakeClient> http;
  std::shared_ptr<ConnectorClient> client;
  std::vector<http::ClientOptions> made;

  explicit FakeConnector(const json& data) : FakeConnector(200, json{{"data", data}}.dump()) {}
  FakeConnector(int status, const std::string& body) : http(std::make_shared<FakeClient>(status, body)) {
    ClientSettings settings;
    settings.make_http = [this](http::ClientOptions options) {
      made.push_back(std::move(options));
      return http;
    };
    client = make_connector_client(settings);
  }
  json variables() const { return json::parse(http->requests().front().body)["variables"]; }
};

TEST(Connector, ReadsTheConfigurationForAToken) {
  FakeConnector connector(whole_configuration());
  const auto configuration = connector.client->configuration(url, Secret("first"), {});
  ASSERT_TRUE(configuration) << configuration.error().text();
  EXPECT_EQ(configuration->token, Secret("second"));
  EXPECT_EQ(configuration->signing.subject, "CN=runtime");
  EXPECT_EQ(configuration->signing.key_algorithm, "rsa4096");
  EXPECT_EQ(configuration->management.director_url, "https://director.example/graphql");
  EXPECT_EQ(configuration->management.certificate_secured_connector_url, "https://connector.example/graphql");
}

TEST(Connector, SendsTheTokenAsAHeader) {
  FakeConnector connector(whole_configuration());
  ASSERT_TRUE(connector.client->configuration(url, Secret("first"), {}));
  EXPECT_EQ(http::header(connector.http->requests().front().headers, "Connector-Token"), "first");
  EXPECT_EQ(connector.made.front().identity, nullptr);
}

TEST(Connector, UsesTheIdentityAndNoTokenOverMutualTls) {
  FakeConnector connector(whole_configuration());
  const auto identity = std::make_shared<x509::Identity>();
  ASSERT_TRUE(connector.client->configuration(url, x509::IdentityPtr(identity), {}));
  EXPECT_EQ(http::header(connector.http->requests().front().headers, "Connector-Token"), "");
  EXPECT_EQ(connector.made.front().identity, identity);
}

TEST(Connector, AsksOnlyOnceWhateverComesBack) {
  FakeConnector connector(500, "oops");
  EXPECT_FALSE(connector.client->configuration(url, Secret("first"), {}));
  EXPECT_EQ(connector.http->requests().size(), 1u);
}

struct MissingCase {
  const char* field;
  const char* value;
  bool with_token_too; ///< also a Failure of the call with a token
  bool with_identity_too;
};

class MissingPart : public testing::TestWithParam<MissingCase> {
protected:
  json data() const {
    auto data = whole_configuration();
    data["configuration"][json::json_pointer(GetParam().field)] = json::parse(GetParam().value);
    return data;
  }
};

TEST_P(MissingPart, IsNamedWhereItIsNeededWithAToken) {
  FakeConnector connector(data());
  const auto result = connector.client->configuration(url, Secret("first"), {});
  ASSERT_EQ(result.has_value(), !GetParam().with_token_too);
  if (!result) {
    EXPECT_EQ(result.error().kind, FailureKind::malformed);
    EXPECT_TRUE(result.error().maybe_processed); // the token is spent
    EXPECT_THAT(result.error().what, HasSubstr("configuration."));
  }
}

TEST_P(MissingPart, IsNamedWhereItIsNeededOverMutualTls) {
  FakeConnector connector(data());
  const auto result = connector.client->configuration(url, x509::IdentityPtr(), {});
  EXPECT_EQ(result.has_value(), !GetParam().with_identity_too);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MissingPart,
    testing::Values(MissingCase{"/token", "null", true, false}, MissingCase{"/token/token", "\" \"", true, false},
                    MissingCase{"/token/token", "null", true, true},
                    MissingCase{"/certificateSigningRequestInfo", "null", true, false},
                    MissingCase{"/certificateSigningRequestInfo/subject", "\"\"", true, false},
                    MissingCase{"/certificateSigningRequestInfo/keyAlgorithm", "\"\"", true, false},
                    MissingCase{"/managementPlaneInfo", "null", false, true},
                    MissingCase{"/managementPlaneInfo/directorURL", "null", false, true},
                    MissingCase{"/managementPlaneInfo/directorURL", "\" \"", false, true},
                    MissingCase{"/managementPlaneInfo/certificateSecuredConnectorURL", "null", false, true},
                    MissingCase{"/managementPlaneInfo/directorURL", "\"nonsense\"", true, true},
                    MissingCase{"/managementPlaneInfo/directorURL", "7", true, true}));

TEST(Connector, SendsTheCsrAsBase64) {
  FakeConnector connector(whole_certificate());
  ASSERT_TRUE(connector.client->sign(url, Secret("second"), "the CSR", {}));
  EXPECT_EQ(connector.variables(), (json{{"csr", base64_encode("the CSR")}}));
  EXPECT_EQ(http::header(connector.http->requests().front().headers, "Connector-Token"), "second");
}

TEST(Connector, DecodesTheCertificates) {
  FakeConnector connector(whole_certificate());
  const auto signed_certificate = connector.client->sign(url, x509::IdentityPtr(), "the CSR", {});
  ASSERT_TRUE(signed_certificate) << signed_certificate.error().text();
  EXPECT_EQ(signed_certificate->chain_pem, pem + pem);
  EXPECT_EQ(signed_certificate->ca_pem, pem);
  EXPECT_EQ(signed_certificate->client_pem, pem);
}

TEST(Connector, NamesTheCertificateThatIsWrong) {
  for (const char* field : {"certificateChain", "caCertificate", "clientCertificate"})
    for (const json& value : {json(nullptr), json(""), json("%%%"), json(base64_encode("no PEM")), json(7)}) {
      auto data = whole_certificate();
      data["signCertificateSigningRequest"][field] = value;
      FakeConnector connector(data);
      const auto result = connector.client->sign(url, Secret("second"), "the CSR", {});
      ASSERT_FALSE(result) << field << value;
      EXPECT_EQ(result.error().kind, FailureKind::malformed);
      EXPECT_THAT(result.error().what, HasSubstr(field));
      EXPECT_TRUE(result.error().maybe_processed);
    }
}

TEST(Connector, NeverShowsTheTokenThatTheServerEchoes) {
  FakeConnector connector(200, R"({"errors":[{"message":"bad token sec-ret"}]})");
  const auto result = connector.client->configuration(url, Secret("sec-ret"), {});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().text(), Not(HasSubstr("sec-ret")));
}

struct TooLong {
  const char* field; ///< of the whole answer
  std::string value;
  std::size_t bytes; ///< as the cluster would have to keep it
  std::size_t most;
};

/// The Failure that an answer gives in which that field has that value.
Failure too_long(json data, const TooLong& one, bool signing) {
  data[json::json_pointer(one.field)] = one.value;
  FakeConnector connector(data);
  if (signing) {
    const auto result = connector.client->sign(url, Secret("second"), "the CSR", {});
    return result ? Failure{} : result.error();
  }
  const auto result = connector.client->configuration(url, Secret("first"), {});
  return result ? Failure{} : result.error();
}

void expect_named(const Failure& failure, const TooLong& one) {
  EXPECT_EQ(failure.kind, FailureKind::malformed) << one.field;
  EXPECT_TRUE(failure.maybe_processed) << one.field;
  const std::string path(one.field);
  for (const auto& said : {path.substr(path.rfind('/') + 1), std::to_string(one.bytes) + " bytes",
                           std::to_string(one.most), std::string("nothing of the answer is used")})
    EXPECT_THAT(failure.text(), HasSubstr(said)) << one.field;
  EXPECT_LT(failure.text().size(), 500u) << "it is said, not shown";
}

TEST(Connector, RefusesWhatTheClusterCannotStore) {
  std::string subject;
  for (int i = 0; i < 200'000; ++i)
    subject += "O=a,";
  for (const TooLong& one :
       {TooLong{"/configuration/managementPlaneInfo/directorURL", "https://d.example/" + std::string(400'000, 'a'),
                400'018, 8192},
        TooLong{"/configuration/managementPlaneInfo/certificateSecuredConnectorURL",
                "https://c.example/" + std::string(8175, 'a'), 8193, 8192},
        TooLong{"/configuration/token/token", std::string(8193, 't'), 8193, 8192},
        TooLong{"/configuration/certificateSigningRequestInfo/subject", subject, 800'000, 16384},
        TooLong{"/configuration/certificateSigningRequestInfo/keyAlgorithm", std::string(65, 'r'), 65, 64}})
    expect_named(too_long(whole_configuration(), one, false), one);
}

TEST(Connector, RefusesCertificatesThatTheClusterCannotStore) {
  std::string chain; // 1,300 of a usual size
  for (int i = 0; i < 1300; ++i)
    chain += "-----BEGIN CERTIFICATE-----\n" + std::string(1900, 'M') + "\n-----END CERTIFICATE-----\n";
  const std::string certificate = pem + std::string(64 * 1024, ' ');
  for (const TooLong& one :
       {TooLong{"/signCertificateSigningRequest/certificateChain", base64_encode(chain), chain.size(), 256 * 1024},
        TooLong{"/signCertificateSigningRequest/caCertificate", base64_encode(chain), chain.size(), 256 * 1024},
        TooLong{"/signCertificateSigningRequest/clientCertificate", base64_encode(certificate), certificate.size(),
                64 * 1024}})
    expect_named(too_long(whole_certificate(), one, true), one);
}

} // namespace
} // namespace runtime_agent::compass
