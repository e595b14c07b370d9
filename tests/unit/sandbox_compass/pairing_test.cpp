#include "tests/unit/sandbox_compass/compass_client.hpp"

#include <gtest/gtest.h>

namespace runtime_agent::sandbox {
namespace {

const char* const runtime_query = "query R($id: ID!) { runtime(id: $id) { labels } }";

TEST(Pairing, LeadsFromATokenToTheDirector) {
  CompassServer server;
  const auto identity = pair(server);
  CompassClient director(server, server.director_url(), &identity);
  const auto reply = director.post(runtime_query, {{"id", server.runtime_id()}}, tenant_header(server));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.data("runtime"), (nlohmann::json{{"labels", nlohmann::json::object()}})) << reply.body;
}

TEST(Pairing, OffersTheUrlsAndTheSubjectInTheirOrder) {
  CompassServer server;
  const auto configuration = ask_configuration(server, server.issue_token()).data("configuration");
  EXPECT_EQ(configuration["managementPlaneInfo"]["directorURL"], server.director_url());
  EXPECT_EQ(configuration["managementPlaneInfo"]["certificateSecuredConnectorURL"], server.connector_url());
  EXPECT_EQ(configuration["certificateSigningRequestInfo"]["subject"],
            "O=Org,OU=OrgUnit,L=Locality,ST=State,C=DE,CN=" + server.runtime_id());
}

TEST(Pairing, RefusesASpentToken) {
  CompassServer server;
  const auto token = server.issue_token();
  ask_configuration(server, token);
  const auto reply = ask_configuration(server, token);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.json()["errors"][0]["extensions"]["error_code"], 26) << reply.body;
}

TEST(Pairing, SpendsTheTokenOnAnAnswerThatIsLost) {
  CompassServer server;
  compass::Fault fault;
  fault.service = "connector-token";
  fault.action = "http-500";
  server.add_fault(fault);
  const auto token = server.issue_token();
  EXPECT_EQ(ask_configuration(server, token).status, 500);
  EXPECT_NE(ask_configuration(server, token).message(), "");
}

TEST(Pairing, SparesTheTokenWhereTheFaultStrikesBefore) {
  CompassServer server;
  compass::Fault fault;
  fault.service = "connector-token";
  fault.action = "http-503";
  fault.before = true;
  server.add_fault(fault);
  const auto token = server.issue_token();
  EXPECT_EQ(ask_configuration(server, token).status, 503);
  EXPECT_EQ(ask_configuration(server, token).message(), "");
}

TEST(Pairing, RefusesAnExpiredToken) {
  CompassServer server;
  const auto reply = ask_configuration(server, server.issue_token("", std::chrono::milliseconds(-1)));
  EXPECT_NE(reply.message().find("expired"), std::string::npos) << reply.body;
}

TEST(Pairing, RefusesASubjectInAnotherOrder) {
  CompassServer server;
  const auto token =
      ask_configuration(server, server.issue_token()).data("configuration")["token"]["token"].get<std::string>();
  const compass::Subject subject = {{"CN", server.runtime_id()}, {"O", "Org"},    {"OU", "OrgUnit"},
                                    {"L", "Locality"},           {"ST", "State"}, {"C", "DE"}};
  const auto reply = ask_signature(server, token, make_csr(subject));
  EXPECT_NE(reply.message().find("Invalid subject"), std::string::npos) << reply.body;
  EXPECT_TRUE(server.certificates().empty());
}

TEST(Pairing, AcceptsEscapedCommasRepeatedAttributesAndUtf8) {
  CompassOptions options;
  options.connector.subject = "CN={runtime},OU=East\\, Unit,OU=Käufer,O=a\\=b";
  CompassServer server(options);
  const auto identity = pair(server);
  ASSERT_NE(identity.certificate, nullptr);
  const compass::Subject expected = {{"CN", server.runtime_id()}, {"OU", "East, Unit"}, {"OU", "Käufer"}, {"O", "a=b"}};
  EXPECT_EQ(compass::subject_of(X509_get_subject_name(identity.certificate.get())), expected);
}

TEST(Pairing, RefusesAKeyShorterThanOffered) {
  CompassOptions options;
  options.connector.key_algorithm = "rsa4096";
  CompassServer server(options);
  const auto configuration = ask_configuration(server, server.issue_token()).data("configuration");
  const auto subject =
      compass::parse_subject(configuration["certificateSigningRequestInfo"]["subject"].get<std::string>());
  const auto reply =
      ask_signature(server, configuration["token"]["token"].get<std::string>(), make_csr(subject.value()));
  EXPECT_NE(reply.message().find("2048 bits"), std::string::npos) << reply.body;
}

TEST(Pairing, RefusesACsrThatIsNotBase64) {
  CompassServer server;
  const auto token = server.issue_token();
  const auto reply = CompassClient(server, server.token_connector_url())
                         .post(sign_mutation, {{"csr", "-----BEGIN"}}, token_header(token));
  EXPECT_NE(reply.message().find("decoding"), std::string::npos) << reply.body;
}

TEST(Pairing, GivesAChainThatVerifiesAgainstTheRoot) {
  CompassServer server;
  const auto identity = pair(server);
  const compass::BioHandle bio(BIO_new_mem_buf(identity.chain_pem.data(), static_cast<int>(identity.chain_pem.size())));
  std::vector<compass::CertificateHandle> chain;
  while (auto* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    chain.emplace_back(certificate);
  ASSERT_EQ(chain.size(), 3u);
  EXPECT_EQ(X509_check_issued(chain[1].get(), chain[0].get()), X509_V_OK);
  EXPECT_EQ(X509_check_issued(chain[2].get(), chain[1].get()), X509_V_OK);
  EXPECT_EQ(identity.ca_pem, compass::pem_of(chain[1].get()) + compass::pem_of(chain[2].get()));
}

TEST(Pairing, SignsForTheValidityThatIsConfigured) {
  CompassServer server;
  server.set_certificate_validity(std::chrono::seconds(90));
  pair(server);
  const auto validity = server.certificates().at(0).validity;
  EXPECT_EQ(validity.not_after - validity.not_before, std::chrono::seconds(90));
}

TEST(MutualTls, IsNeededByTheDirector) {
  CompassServer server;
  CompassClient client(server, server.director_url());
  EXPECT_EQ(client.post("{ __typename }").status, 0);
}

TEST(MutualTls, RefusesACertificateOfAnotherAuthority) {
  CompassServer server;
  CompassServer stranger;
  const auto identity = pair(stranger);
  CompassClient client(server, server.connector_url(), &identity);
  EXPECT_EQ(client.post(configuration_query).status, 0);
  EXPECT_NE(server.requests().back().reason, "");
}

TEST(MutualTls, RefusesAnExpiredCertificate) {
  CompassServer server;
  compass::Fault fault;
  fault.action = "expired-certificate";
  fault.field = "signCertificateSigningRequest";
  server.add_fault(fault);
  const auto identity = pair(server);
  CompassClient client(server, server.connector_url(), &identity);
  EXPECT_EQ(client.post(configuration_query).status, 0);
  EXPECT_EQ(server.requests().back().reason, "certificate has expired");
}

TEST(MutualTls, RenewsACertificate) {
  CompassServer server;
  const auto identity = pair(server);
  CompassClient client(server, server.connector_url(), &identity);
  const auto configuration = client.post(configuration_query).data("configuration");
  const auto subject =
      compass::parse_subject(configuration["certificateSigningRequestInfo"]["subject"].get<std::string>());
  // base64 of the PEM, as an agent sends it
  const auto pem = make_csr(subject.value());
  std::string encoded(pem.size() * 2, '\0');
  encoded.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                                          reinterpret_cast<const unsigned char*>(pem.data()),
                                                          static_cast<int>(pem.size()))));
  const auto renewed = identity_from(client.post(sign_mutation, {{"csr", encoded}}));
  ASSERT_NE(renewed.certificate, nullptr);
  EXPECT_TRUE(server.certificates().at(1).over_mutual_tls);
}

TEST(MutualTls, RefusesARevokedCertificateOnAnOpenConnectionAndInTheHandshake) {
  CompassServer server;
  const auto identity = pair(server);
  CompassClient client(server, server.connector_url(), &identity);
  ASSERT_EQ(client.post(configuration_query).status, 200);
  ASSERT_TRUE(server.revoke(server.certificates().at(0).serial));
  EXPECT_EQ(client.post(configuration_query).status, 0);
  EXPECT_EQ(CompassClient(server, server.connector_url(), &identity).post(configuration_query).status, 0);
}

TEST(MutualTls, AnswersARevokedCertificateWith403WhereToldTo) {
  CompassOptions options;
  options.revoked = CompassOptions::Refusal::forbidden;
  CompassServer server(options);
  const auto identity = pair(server);
  CompassClient client(server, server.connector_url(), &identity);
  EXPECT_EQ(client.post("mutation { revokeCertificate }").data("revokeCertificate"), true);
  EXPECT_EQ(client.post(configuration_query).status, 403);
}

TEST(MutualTls, SpeaksTls12Only) {
  CompassOptions options;
  options.tls_1_2_only = true;
  CompassServer server(options);
  const auto identity = pair(server);
  EXPECT_EQ(CompassClient(server, server.connector_url(), &identity).post(configuration_query).status, 200);
}

TEST(ServerCertificate, ForAnotherHostIsRefusedByAClientThatChecks) {
  CompassOptions options;
  options.certificate_hosts = {"compass.example.com"};
  CompassServer server(options);
  EXPECT_EQ(ask_configuration(server, server.issue_token()).error, httplib::Error::SSLServerVerification);
}

} // namespace
} // namespace runtime_agent::sandbox
