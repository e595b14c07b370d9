#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/servers.hpp"

namespace runtime_agent::http::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Certificate& server_ca() {
  static const auto made = make_certificate({.common_name = "server CA", .alternative_names = "", .is_ca = true});
  return made;
}
const Certificate& client_ca() {
  static const auto made = make_certificate({.common_name = "client CA", .alternative_names = "", .is_ca = true});
  return made;
}
Certificate server_certificate(const std::string& names = "IP:127.0.0.1,DNS:localhost", long valid = 3600) {
  return make_certificate(
      {.common_name = "server", .alternative_names = names, .is_ca = false, .valid_from_now = valid}, &server_ca());
}

void serve(Peer& peer, int) {
  while (!peer.read_request().empty())
    peer.send(ok);
}

Result<Response> call(const Url& url, Trust trust, x509::IdentityPtr identity = nullptr) {
  Request request;
  request.path = "/";
  const auto client =
      make_client({.origin = url, .target = "director", .identity = std::move(identity), .trust = std::move(trust)});
  return client->send(request, within(ample));
}

Trust trusted() {
  return Trust::exactly(server_ca().pem());
}

FailureKind kind_of(const Result<Response>& result) {
  return result ? FailureKind::internal : result.error().kind;
}

TEST(TlsClient, BelievesACertificateOfTheGivenCa) {
  const ServerTls tls{server_certificate()};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), trusted());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "ok");
}

TEST(TlsClient, KeepsTheConnectionAliveInSpiteOfSessionTickets) {
  const ServerTls tls{server_certificate()};
  RawServer server(serve, &tls);
  const auto client = make_client({.origin = server.url(), .target = "director", .trust = trusted()});
  Request request;
  request.path = "/";
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(client->send(request, within(ample)));
  EXPECT_EQ(server.connections(), 1);
}

TEST(TlsClient, ChecksHostNames) {
  const ServerTls tls{server_certificate()};
  RawServer server(serve, &tls);
  const auto response = call(server.url("localhost"), trusted());
  EXPECT_TRUE(response) << response.error().text();
}

TEST(TlsClient, ChecksAnotherNameWhereOneIsGiven) {
  const ServerTls tls{server_certificate("DNS:api.example.com")};
  RawServer server(serve, &tls);
  for (const auto* name : {"api.example.com", "other.example.com"}) {
    const auto client =
        make_client({.origin = server.url(), .target = "kubernetes", .trust = trusted(), .server_name = name});
    Request request;
    request.path = "/";
    EXPECT_EQ(client->send(request, within(ample)).has_value(), std::string(name) == "api.example.com") << name;
  }
}

TEST(TlsClient, RefusesAnotherHostName) {
  const ServerTls tls{server_certificate("DNS:elsewhere.example.com,IP:127.0.0.1")};
  RawServer server(serve, &tls);
  const auto response = call(server.url("localhost"), trusted());
  ASSERT_EQ(kind_of(response), FailureKind::tls);
  EXPECT_THAT(response.error().what, HasSubstr("hostname mismatch"));
}

TEST(TlsClient, RefusesAnAddressThatIsNotAmongTheAlternativeNames) {
  const ServerTls tls{server_certificate("DNS:localhost,IP:127.0.0.2")};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), trusted());
  ASSERT_EQ(kind_of(response), FailureKind::tls);
  EXPECT_THAT(response.error().what, HasSubstr("IP address mismatch"));
}

TEST(TlsClient, RefusesACertificateOfAnotherCaAndNamesItsIssuer) {
  const ServerTls tls{server_certificate()};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), Trust::exactly(client_ca().pem()));
  ASSERT_EQ(kind_of(response), FailureKind::tls);
  EXPECT_THAT(response.error().what, HasSubstr("CN=server CA"));
  EXPECT_FALSE(response.error().maybe_processed);
}

TEST(TlsClient, RefusesAnExpiredCertificate) {
  const ServerTls tls{server_certificate("IP:127.0.0.1", -60)};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), trusted());
  ASSERT_EQ(kind_of(response), FailureKind::tls);
  EXPECT_THAT(response.error().what, HasSubstr("expired"));
}

TEST(TlsClient, ReadsTheSystemsCertificatesFromSslCertFile) {
  const auto file = std::filesystem::temp_directory_path() / fmt::format("tls_test_{}.pem", ::getpid());
  std::ofstream(file) << server_ca().pem();
  ::setenv("SSL_CERT_FILE", file.c_str(), 1);
  const ServerTls tls{server_certificate()};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), Trust{});
  ::unsetenv("SSL_CERT_FILE");
  std::filesystem::remove(file);
  EXPECT_TRUE(response) << response.error().text();
}

TEST(TlsClient, ReadsPlainlyNamedFilesOfSslCertDir) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("tls_test_{}", ::getpid());
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "ca.crt") << server_ca().pem();
  ::setenv("SSL_CERT_DIR", folder.c_str(), 1);
  const ServerTls tls{server_certificate()};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), Trust{});
  ::unsetenv("SSL_CERT_DIR");
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(response) << response.error().text();
}

TEST(TlsClient, TheSystemsCertificatesDoNotIncludeOurTestCa) {
  const ServerTls tls{server_certificate()};
  RawServer server(serve, &tls);
  EXPECT_EQ(kind_of(call(server.url(), Trust{})), FailureKind::tls);
}

TEST(TlsClient, GivenCasDoNotIncludeTheSystems) {
  const auto file = std::filesystem::temp_directory_path() / fmt::format("tls_strict_{}.pem", ::getpid());
  std::ofstream(file) << server_ca().pem();
  ::setenv("SSL_CERT_FILE", file.c_str(), 1);
  const ServerTls tls{server_certificate()};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), Trust::exactly(client_ca().pem()));
  ::unsetenv("SSL_CERT_FILE");
  std::filesystem::remove(file);
  EXPECT_EQ(kind_of(response), FailureKind::tls);
}

TEST(TlsClient, BelievesAnythingWhereChecksAreOff) {
  const ServerTls tls{server_certificate("DNS:elsewhere.example.com", -60)};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), Trust::unchecked());
  EXPECT_TRUE(response) << response.error().text();
}

TEST(TlsClient, SpeaksTls12) {
  const ServerTls tls{server_certificate(), nullptr, TLS1_2_VERSION};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), trusted());
  EXPECT_TRUE(response) << response.error().text();
}

TEST(TlsClient, RefusesTls11) {
  const ServerTls tls{server_certificate(), nullptr, TLS1_1_VERSION};
  RawServer server(serve, &tls);
  EXPECT_EQ(kind_of(call(server.url(), trusted())), FailureKind::tls);
}

TEST(TlsClient, ReportsAServerThatDoesNotSpeakTls) {
  RawServer server([](Peer& peer, int) {
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.wait_for_close();
  });
  auto url = server.url();
  url.scheme = "https";
  const auto response = call(url, trusted());
  ASSERT_EQ(kind_of(response), FailureKind::tls);
  EXPECT_THAT(response.error().what, HasSubstr("does not speak TLS"));
}

TEST(TlsClient, ReportsCaCertificatesThatDoNotParse) {
  const auto response = call({.scheme = "https", .host = "127.0.0.1", .port = 1}, Trust::exactly("nonsense"));
  EXPECT_EQ(kind_of(response), FailureKind::configuration);
}

TEST(MutualTls, SendsTheClientCertificate) {
  const ServerTls tls{server_certificate(), &client_ca()};
  RawServer server(serve, &tls);
  const auto leaf = make_certificate({.common_name = "client", .alternative_names = ""}, &client_ca());
  const auto response = call(server.url(), trusted(), make_test_identity(leaf, {&client_ca()}));
  EXPECT_TRUE(response) << response.error().text();
}

TEST(MutualTls, SendsIntermediateCertificatesOfTheChain) {
  const ServerTls tls{server_certificate(), &client_ca()};
  RawServer server(serve, &tls);
  const auto middle =
      make_certificate({.common_name = "intermediate", .alternative_names = "", .is_ca = true}, &client_ca());
  const auto leaf = make_certificate({.common_name = "client", .alternative_names = ""}, &middle);
  const auto response = call(server.url(), trusted(), make_test_identity(leaf, {&middle, &client_ca()}));
  EXPECT_TRUE(response) << response.error().text();
}

/// What a client with a certificate of a CA that the server does not know gets.
Result<Response> refused_call(int highest_version) {
  const ServerTls tls{server_certificate(), &client_ca(), highest_version};
  RawServer server(serve, &tls);
  const auto leaf = make_certificate({.common_name = "client", .alternative_names = ""}, &server_ca());
  return call(server.url(), trusted(), make_test_identity(leaf, {}));
}

TEST(MutualTls, TellsARefusedCertificateUnderTls12) {
  const auto response = refused_call(TLS1_2_VERSION);
  ASSERT_EQ(kind_of(response), FailureKind::certificate_refused) << response.error().text();
  EXPECT_FALSE(response.error().maybe_processed);
}

TEST(MutualTls, TellsARefusedCertificateUnderTls13) {
  for (int i = 0; i < 20; ++i) { // the alert races with the end of the connection
    const auto response = refused_call(TLS1_3_VERSION);
    ASSERT_EQ(kind_of(response), FailureKind::certificate_refused) << response.error().text();
    EXPECT_FALSE(response.error().maybe_processed);
  }
}

TEST(MutualTls, TellsARefusedCertificateByTheHandshakeAloneWhereTheAlertIsLost) {
  // The first connection is reset without a word, as when the reset overtakes the alert.
  const ServerTls tls{server_certificate(), &client_ca(), TLS1_3_VERSION, 2};
  RawServer server(
      [](Peer& peer, int) {
        peer.read_request();
        peer.reset();
      },
      &tls);
  const auto leaf = make_certificate({.common_name = "client", .alternative_names = ""}, &server_ca());
  const auto response = call(server.url(), trusted(), make_test_identity(leaf, {}));
  EXPECT_EQ(kind_of(response), FailureKind::certificate_refused);
  EXPECT_EQ(server.connections(), 2);
}

TEST(MutualTls, TellsThatACertificateIsMissing) {
  const ServerTls tls{server_certificate(), &client_ca()};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), trusted());
  ASSERT_EQ(kind_of(response), FailureKind::certificate_refused);
  EXPECT_THAT(response.error().what, HasSubstr("asks for a client certificate"));
}

TEST(MutualTls, DoesNotTakeABrokenConnectionForARefusal) {
  const ServerTls tls{server_certificate(), &client_ca()};
  RawServer server([](Peer& peer, int) { peer.read_request(); }, &tls);
  const auto leaf = make_certificate({.common_name = "client", .alternative_names = ""}, &client_ca());
  const auto response = call(server.url(), trusted(), make_test_identity(leaf, {}));
  ASSERT_EQ(kind_of(response), FailureKind::network) << response.error().text();
  EXPECT_TRUE(response.error().maybe_processed);
}

TEST(MutualTls, RefusesAKeyThatIsNotTheCertificates) {
  const auto leaf = make_certificate({.common_name = "client", .alternative_names = ""}, &client_ca());
  auto identity = std::make_shared<x509::Identity>(*make_test_identity(leaf, {}));
  identity->key_pem = Secret(client_ca().key_pem());
  const ServerTls tls{server_certificate()};
  RawServer server(serve, &tls);
  const auto response = call(server.url(), trusted(), identity);
  EXPECT_EQ(kind_of(response), FailureKind::configuration);
}

} // namespace
} // namespace runtime_agent::http::test
