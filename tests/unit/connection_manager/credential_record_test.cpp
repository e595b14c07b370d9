#include "actors/connection_manager/credential_record.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/connection_manager/secret_objects.hpp"
#include "tests/unit/support/certificates.hpp"
#include "tests/unit/support/fake_api.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::connection_manager {
namespace {

using kubernetes::Json;
using testing::HasSubstr;
using tests::FakeApi;

const Access access_of_runtime{"runtime-1", "tenant-1", "https://connector/secured", "https://director/graphql"};

class CredentialRecordTest : public testing::Test {
protected:
  Credentials make_credentials() {
    const auto key = test::make_rsa_key();
    const std::string certificate = authority_.issue_pem(*key);
    return {.identity =
                *x509::make_identity(certificate, certificate + authority_.pem(), test::to_pem(*key), authority_.pem()),
            .access = access_of_runtime,
            .reconnect_served = "absence-1"};
  }
  Record read() { return *record_.read(CredentialRecord::Parts::all, context_); }
  Json stored(const SecretName& name) { return *api_->object(kubernetes::secrets(name.namespace_), name.name); }
  void put(const SecretName& name, const Json& object) { api_->put(kubernetes::secrets(name.namespace_), object); }

  test::CertificateAuthority authority_;
  std::shared_ptr<FakeApi> api_ = std::make_shared<FakeApi>();
  CredentialRecord record_{api_, {"kyma-system", "certs"}, {"istio-system", "ca"}};
  CallContext context_;
};

TEST_F(CredentialRecordTest, IsEmptyWhereNothingIsThere) {
  const Record record = read();
  EXPECT_FALSE(record.credentials || record.problem || record.pending || record.urls);
  EXPECT_EQ(record.certificates_version + record.ca_version + record.pending_version, "");
}

TEST_F(CredentialRecordTest, ReadsWhatItWrote) {
  const Credentials credentials = make_credentials();
  ASSERT_TRUE(record_.write_certificates(credentials, "", context_));
  ASSERT_TRUE(record_.write_ca(credentials.identity->ca_pem, "", context_));
  const Record record = read();
  ASSERT_TRUE(record.credentials);
  EXPECT_TRUE(same_certificates(*record.credentials, credentials));
  EXPECT_EQ(record.credentials->identity->ca_pem, credentials.identity->ca_pem);
}

TEST_F(CredentialRecordTest, WritesTheKeysOfTheContract) {
  const Credentials credentials = make_credentials();
  ASSERT_TRUE(record_.write_certificates(credentials, "", context_));
  ASSERT_TRUE(record_.write_ca(credentials.identity->ca_pem, "", context_));
  const Json secret = stored(record_.certificates());
  EXPECT_EQ(secret["data"]["crt"], base64_encode(credentials.identity->certificate_pem));
  EXPECT_EQ(secret["data"]["key"], base64_encode(credentials.identity->key_pem.reveal()));
  EXPECT_EQ(secret["data"]["crtChain"], base64_encode(credentials.identity->chain_pem));
  EXPECT_EQ(secret["data"].size(), 3u);
  const Json& annotations = secret["metadata"]["annotations"];
  EXPECT_EQ(annotations["runtime-agent.kyma-project.io/runtime-id"], "runtime-1");
  EXPECT_EQ(annotations["runtime-agent.kyma-project.io/tenant"], "tenant-1");
  EXPECT_EQ(annotations["runtime-agent.kyma-project.io/connector-url"], "https://connector/secured");
  EXPECT_EQ(annotations["runtime-agent.kyma-project.io/director-url"], "https://director/graphql");
  EXPECT_EQ(stored(record_.ca())["data"], (Json{{"cacert", base64_encode(credentials.identity->ca_pem)}}));
}

TEST_F(CredentialRecordTest, LeavesOtherKeysLabelsAndAnnotationsAlone) {
  Json secret = new_secret("kyma-system", "certs");
  secret["data"] = {{"other", "b3RoZXI="}};
  secret["metadata"]["labels"] = {{"mine", "yes"}};
  secret["metadata"]["annotations"] = {{"note", "keep"}};
  secret["type"] = "example.com/special";
  put(record_.certificates(), secret);
  ASSERT_TRUE(record_.write_certificates(make_credentials(), read().certificates_version, context_));
  const Json after = stored(record_.certificates());
  EXPECT_EQ(after["data"]["other"], "b3RoZXI=");
  EXPECT_EQ(after["data"].size(), 4u);
  EXPECT_EQ(after["metadata"]["labels"], (Json{{"mine", "yes"}}));
  EXPECT_EQ(after["metadata"]["annotations"]["note"], "keep");
  EXPECT_EQ(after["type"], "example.com/special");
}

TEST_F(CredentialRecordTest, RefusesToWriteOntoAnotherVersionThanItRead) {
  const Credentials credentials = make_credentials();
  const auto version = record_.write_certificates(credentials, "", context_);
  Json edited = stored(record_.certificates());
  edited["metadata"]["labels"] = {{"mine", "yes"}};
  put(record_.certificates(), edited);
  const auto written = record_.write_certificates(make_credentials(), *version, context_);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, FailureKind::conflict);
  EXPECT_TRUE(same_certificates(*read().credentials, credentials));
}

TEST_F(CredentialRecordTest, CallsItAConflictWhereSomebodyMadeOrDeletedTheSecretMeanwhile) {
  const auto version = record_.write_ca("x", "", context_);
  EXPECT_EQ(record_.write_ca("y", "", context_).error().kind, FailureKind::conflict);
  api_->erase(kubernetes::secrets("istio-system"), "ca");
  EXPECT_EQ(record_.write_ca("y", *version, context_).error().kind, FailureKind::conflict);
}

TEST_F(CredentialRecordTest, SaysThatANamespaceIsMissing) {
  api_->refuse = [](const FakeApi::Call& call) -> std::optional<Failure> {
    if (call.verb == "create")
      return FakeApi::failure(FailureKind::not_found, call.path);
    return std::nullopt;
  };
  const auto written = record_.write_ca("x", "", context_);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().text(), "Secret istio-system/ca: namespace istio-system does not exist; waiting for it");
}

TEST_F(CredentialRecordTest, NeverUsesAPairThatDoesNotMatch) {
  ASSERT_TRUE(record_.write_certificates(make_credentials(), "", context_));
  Json secret = stored(record_.certificates());
  secret["data"]["key"] = base64_encode(test::to_pem(*test::make_rsa_key()).reveal());
  put(record_.certificates(), secret);
  const Record record = read();
  EXPECT_FALSE(record.credentials);
  ASSERT_TRUE(record.problem);
  EXPECT_EQ(record.problem->text(),
            "Secret kyma-system/certs, client certificate: the private key is not the certificate's");
}

TEST_F(CredentialRecordTest, TakesTheCaOfAnotherPairingForNone) {
  const Credentials credentials = make_credentials();
  ASSERT_TRUE(record_.write_certificates(credentials, "", context_));
  ASSERT_TRUE(record_.write_ca(test::CertificateAuthority("Another").pem(), "", context_));
  const Record record = read();
  ASSERT_TRUE(record.credentials);
  EXPECT_EQ(record.credentials->identity->ca_pem, "");
  EXPECT_NE(record.ca_pem, "");
}

TEST_F(CredentialRecordTest, AdoptsTodaysSecretWithTheUrlsOfTheCompassConnection) {
  const Credentials credentials = make_credentials();
  ASSERT_TRUE(record_.write_certificates(credentials, "", context_));
  ASSERT_TRUE(record_.write_ca(credentials.identity->ca_pem, "", context_));
  Json secret = stored(record_.certificates());
  secret["metadata"].erase("annotations");
  put(record_.certificates(), secret);
  api_->put(kubernetes::compass_connections(),
            Json{{"metadata", {{"name", "compass-connection"}}},
                 {"spec", {{"managementInfo", {{"connectorUrl", "https://c"}, {"directorUrl", "https://d"}}}}}});
  const Record record = read();
  ASSERT_TRUE(record.credentials);
  EXPECT_EQ(record.credentials->access, Access());
  EXPECT_EQ(record.credentials->identity->ca_pem, credentials.identity->ca_pem);
  EXPECT_EQ(record.urls, (compass::ManagementPlaneInfo{"https://d", "https://c"}));
}

TEST_F(CredentialRecordTest, KeepsEveryFieldOfAPendingPairing) {
  const auto key = test::make_rsa_key();
  Pending pending;
  pending.step = Step::signing;
  pending.key_pem = test::to_pem(*key);
  pending.key_bits = 6000;
  pending.subject = "O=Ümlaut\\, Inc,CN=x";
  pending.key_algorithm = "rsa6000";
  pending.sign_url = "https://connector/token";
  pending.token = Secret("second");
  pending.token_time = WallTime(std::chrono::seconds(1'700'000'000));
  pending.token_sha256 = "abc";
  pending.reconnect_id = "absence-1";
  pending.access = access_of_runtime;
  ASSERT_TRUE(record_.write_pending(pending, "", context_));
  const Record record = read();
  ASSERT_TRUE(record.pending);
  EXPECT_EQ(record.pending->step, Step::signing);
  EXPECT_EQ(record.pending->key_pem, pending.key_pem);
  EXPECT_EQ(record.pending->key_bits, 6000u);
  EXPECT_EQ(record.pending->subject, pending.subject);
  EXPECT_EQ(record.pending->key_algorithm, pending.key_algorithm);
  EXPECT_EQ(record.pending->sign_url, pending.sign_url);
  EXPECT_EQ(record.pending->token, pending.token);
  EXPECT_EQ(record.pending->token_time, pending.token_time);
  EXPECT_EQ(record.pending->token_sha256, "abc");
  EXPECT_EQ(record.pending->reconnect_id, "absence-1");
  EXPECT_EQ(record.pending->access, pending.access);
}

TEST_F(CredentialRecordTest, RemovesThePendingSecretOnlyAsItWasRead) {
  Pending pending;
  pending.key_pem = Secret("key");
  const auto first = record_.write_pending(pending, "", context_);
  pending.key_bits = 1;
  const auto second = record_.write_pending(pending, *first, context_);
  EXPECT_EQ(record_.remove_pending(*first, context_).error().kind, FailureKind::conflict);
  EXPECT_TRUE(record_.remove_pending(*second, context_));
  EXPECT_TRUE(record_.remove_pending(*second, context_)) << "gone already";
}

TEST_F(CredentialRecordTest, DoesNotBelieveThatThePendingSecretIsGoneWhileItIsThere) {
  const auto version = record_.write_pending({}, "", context_);
  api_->refuse = [](const FakeApi::Call& call) -> std::optional<Failure> {
    return call.verb == "delete" ? std::optional(FakeApi::failure(FailureKind::not_found, "a proxy")) : std::nullopt;
  };
  EXPECT_EQ(record_.remove_pending(*version, context_).error().kind, FailureKind::conflict);
}

TEST_F(CredentialRecordTest, TakesDamagedSecretsForNone) {
  const Credentials credentials = make_credentials();
  Pending pending;
  pending.step = Step::issued;
  pending.key_pem = credentials.identity->key_pem;
  pending.access = access_of_runtime;
  pending.identity = credentials.identity;
  Json secret = new_secret("n", "s");
  put_pending(secret, pending);
  put_certificates(secret, credentials);
  put_ca(secret, credentials.identity->ca_pem);
  std::mt19937_64 random(3);
  for (int run = 0; run < 200; ++run) {
    Json damaged = secret;
    auto& data = damaged["data"];
    auto member = data.begin();
    std::advance(member, static_cast<std::ptrdiff_t>(random() % data.size()));
    switch (random() % 4) {
    case 0:
      *member = Json::array({1, nullptr});
      break;
    case 1:
      *member = "%%%";
      break;
    case 2:
      *member = base64_encode(std::string(random() % 50, static_cast<char>(random())));
      break;
    default:
      damaged[random() % 2 == 0 ? "data" : "metadata"] = run;
    }
    const auto read_pair = read_certificates(damaged, read_ca(damaged));
    EXPECT_TRUE(read_pair || !read_pair.error().what.empty());
    read_pending(damaged);
  }
}

} // namespace
} // namespace runtime_agent::connection_manager
