// Whom the client believes: several CAs of one subject, host names, the operator's files.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/servers.hpp"

namespace runtime_agent::http::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

Certificate make_ca(const std::string& name = "cluster CA") {
  return make_certificate({.common_name = name, .alternative_names = "", .is_ca = true});
}
Certificate make_server(const Certificate& ca, const std::string& name = "server",
                        const std::string& names = "IP:127.0.0.1,DNS:localhost") {
  return make_certificate({.common_name = name, .alternative_names = names}, &ca);
}

void serve_trusted(Peer& peer, int) {
  while (!peer.read_request().empty())
    peer.send(ok);
}

Result<Response> call_trusting(const Url& url, Trust trust) {
  Request request;
  request.path = "/";
  return make_client({.origin = url, .target = "director", .trust = std::move(trust)})->send(request, within(ample));
}

/// The machine's own settings are none of these tests'.
class TrustOfAServer : public testing::Test {
protected:
  TrustOfAServer() {
    for (auto& [variable, value] : before_)
      if (const char* given = std::getenv(variable)) {
        value = given;
        ::unsetenv(variable);
      }
  }
  ~TrustOfAServer() override {
    for (const auto& [variable, value] : before_)
      value ? ::setenv(variable, value->c_str(), 1) : ::unsetenv(variable);
  }

private:
  std::map<const char*, std::optional<std::string>> before_{{"SSL_CERT_FILE", {}}, {"SSL_CERT_DIR", {}}};
};

/// A file that SSL_CERT_FILE names while this lives.
class Named {
public:
  explicit Named(const std::string& content) {
    std::ofstream(path_) << content;
    ::setenv("SSL_CERT_FILE", path_.c_str(), 1);
  }
  ~Named() {
    ::unsetenv("SSL_CERT_FILE");
    std::filesystem::remove(path_);
  }
  Named(const Named&) = delete;
  Named& operator=(const Named&) = delete;
  void write(const std::string& content) const {
    const auto before = std::filesystem::last_write_time(path_);
    std::ofstream(path_) << content;
    std::filesystem::last_write_time(path_, before + 1s);
  }
  std::string path() const { return path_; }

private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / fmt::format("trust_test_{}.pem", ::getpid());
};

TEST_F(TrustOfAServer, FindsTheRightOneOfSeveralCasOfOneSubjectInEitherOrder) {
  const auto old_ca = make_ca();
  const auto new_ca = make_ca();
  for (const auto* signer : {&old_ca, &new_ca})
    for (const auto& bundle : {old_ca.pem() + new_ca.pem(), new_ca.pem() + old_ca.pem()}) {
      const ServerTls tls{make_server(*signer)};
      RawServer server(serve_trusted, &tls);
      const auto response = call_trusting(server.url(), Trust::exactly(bundle));
      EXPECT_TRUE(response) << response.error().text();
    }
}

TEST_F(TrustOfAServer, SubjectsThatAgreeAreNotEnough) {
  const ServerTls tls{make_server(make_ca())};
  RawServer server(serve_trusted, &tls);
  const auto response = call_trusting(server.url(), Trust::exactly(make_ca().pem() + make_ca().pem()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::tls);
}

TEST_F(TrustOfAServer, TakesHostNamesFromTheAlternativeNamesOnly) {
  const auto ca = make_ca();
  for (const auto* names : {"", "DNS:elsewhere.example.com", "IP:127.0.0.1"}) {
    const ServerTls tls{make_server(ca, "localhost", names)};
    RawServer server(serve_trusted, &tls);
    const auto response = call_trusting(server.url("localhost"), Trust::exactly(ca.pem()));
    ASSERT_FALSE(response) << names;
    EXPECT_EQ(response.error().kind, FailureKind::tls) << names;
  }
}

TEST_F(TrustOfAServer, ADotAtTheEndOfAHostNameIsForTheResolver) {
  const auto ca = make_ca();
  const ServerTls tls{make_server(ca, "server", "DNS:api.example.com")};
  RawServer server(serve_trusted, &tls);
  Request request;
  request.path = "/";
  const auto client = make_client({.origin = server.url(),
                                   .target = "director",
                                   .trust = Trust::exactly(ca.pem()),
                                   .server_name = "api.example.com."});
  const auto response = client->send(request, within(ample));
  EXPECT_TRUE(response) << response.error().text();
}

TEST_F(TrustOfAServer, UsesWhatIsGoodOfABundleWithABrokenBlock) {
  const auto ca = make_ca();
  const std::string broken = "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
  const std::string torn = "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n";
  const ServerTls tls{make_server(ca)};
  RawServer server(serve_trusted, &tls);
  for (const auto& content : {broken + ca.pem(), torn + ca.pem(), ca.pem() + broken, ca.pem() + torn}) {
    const Named file(content);
    const auto response = call_trusting(server.url(), Trust{});
    EXPECT_TRUE(response) << content << response.error().text();
  }
}

TEST_F(TrustOfAServer, NamesTheBrokenBlockWhereAServerIsNotBelieved) {
  const Named file(make_ca("another CA").pem() +
                   "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n");
  const ServerTls tls{make_server(make_ca())};
  RawServer server(serve_trusted, &tls);
  const auto response = call_trusting(server.url(), Trust{});
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().what,
              AllOf(HasSubstr("is not accepted"), HasSubstr("block 2 of SSL_CERT_FILE=" + file.path())));
}

TEST_F(TrustOfAServer, NamesAFileThatHoldsNothingOrCannotBeRead) {
  const ServerTls tls{make_server(make_ca())};
  RawServer server(serve_trusted, &tls);
  {
    const Named file("no PEM at all\n");
    const auto response = call_trusting(server.url(), Trust{});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::configuration);
    EXPECT_THAT(response.error().what, HasSubstr("SSL_CERT_FILE=" + file.path() + " holds no certificate in PEM"));
  }
  ::setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1);
  const auto response = call_trusting(server.url(), Trust{});
  ::unsetenv("SSL_CERT_FILE");
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().what, HasSubstr("SSL_CERT_FILE=/nowhere/ca.pem cannot be read: No such file"));
}

TEST_F(TrustOfAServer, ReadsTheFileAgainForANewClientWhenItHasChanged) {
  const auto ca = make_ca();
  const Named file(make_ca().pem());
  const ServerTls tls{make_server(ca)};
  RawServer server(serve_trusted, &tls);
  Request request;
  request.path = "/";
  const auto kept = make_client({.origin = server.url(), .target = "director"}); // keeps the store in use
  ASSERT_FALSE(kept->send(request, within(ample)));
  file.write(ca.pem());
  const auto response = call_trusting(server.url(), Trust{});
  EXPECT_TRUE(response) << response.error().text();
}

TEST_F(TrustOfAServer, ReadsTheFileAgainForAKeptClientWhenItHasChanged) {
  const auto ca = make_ca();
  const Named file(make_ca().pem());
  const ServerTls tls{make_server(ca)};
  RawServer server(serve_trusted, &tls);
  Request request;
  request.path = "/";
  const auto kept = make_client({.origin = server.url(), .target = "director"});
  ASSERT_FALSE(kept->send(request, within(ample)));
  file.write(ca.pem());
  for (int i = 0; i < 2; ++i) {
    const auto response = kept->send(request, within(ample));
    ASSERT_TRUE(response) << response.error().text();
  }
  file.write("half of a fi"); // what works goes on
  ASSERT_TRUE(kept->send(request, within(ample)));
  file.write(make_ca("the next CA").pem()); // not on the connection either that was believed before
  const auto response = kept->send(request, within(ample));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().what, HasSubstr("unknown authority"));
}

struct RefusalCase {
  const char* name;
  CertificateRequest certificate;
  std::string believed; ///< the name of the CA that is believed: "cluster CA" is the name of the signer, not the signer
  bool signer_is_believed;
  std::vector<std::string> said;
};

class RefusedServer : public testing::TestWithParam<RefusalCase> {};

TEST_P(RefusedServer, IsToldByItsCause) {
  const auto& [name, wanted, believed, signer_is_believed, said] = GetParam();
  const auto ca = make_ca();
  const ServerTls tls{make_certificate(wanted, &ca)};
  RawServer server(serve_trusted, &tls);
  const auto trusted = signer_is_believed ? ca.pem() : make_ca(believed).pem();
  const auto response = call_trusting(server.url("localhost"), Trust::exactly(trusted));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::tls);
  EXPECT_THAT(response.error().what, testing::StartsWith("the server's certificate is not accepted: "));
  for (const auto& words : said)
    EXPECT_THAT(response.error().what, HasSubstr(words));
}

INSTANTIATE_TEST_SUITE_P(
    Http, RefusedServer,
    testing::Values(RefusalCase{"UnknownAuthority",
                                {.common_name = "server", .alternative_names = "DNS:localhost"},
                                "another CA",
                                false,
                                {"unknown authority", "its subject /CN=server, its issuer /CN=cluster CA"}},
                    RefusalCase{"AnotherKeyOfThatName",
                                {.common_name = "server", .alternative_names = "DNS:localhost"},
                                "cluster CA",
                                false,
                                {"signed with another key", "its issuer /CN=cluster CA"}},
                    RefusalCase{"AnotherHost",
                                {.common_name = "server", .alternative_names = "DNS:a.example.com,DNS:b.example.com"},
                                "",
                                true,
                                {"hostname mismatch, it is not for localhost but for a.example.com, b.example.com"}},
                    RefusalCase{"Expired",
                                {.common_name = "server", .alternative_names = "DNS:localhost", .valid_from_now = -60},
                                "",
                                true,
                                {"has expired, it is good from 20", " and this clock says 20"}}),
    [](const auto& each) { return std::string(each.param.name); });

} // namespace
} // namespace runtime_agent::http::test
