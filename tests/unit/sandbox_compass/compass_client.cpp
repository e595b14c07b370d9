#include "tests/unit/sandbox_compass/compass_client.hpp"

#include <gtest/gtest.h>

#include "tests/sandbox/compass/base64.hpp"

namespace runtime_agent::sandbox {
namespace {

compass::CertificateHandle read_certificate(const std::string& pem) {
  const compass::BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return compass::CertificateHandle(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

} // namespace

nlohmann::json Reply::data(const std::string& field) const {
  const auto parsed = json();
  return parsed.is_object() && parsed.contains("data") && parsed["data"].is_object()
             ? parsed["data"].value(field, nlohmann::json())
             : nlohmann::json();
}

std::string Reply::message() const {
  const auto parsed = json();
  return parsed.is_object() && parsed.contains("errors") ? parsed["errors"][0]["message"].get<std::string>() : "";
}

EVP_PKEY* test_key() {
  static const compass::KeyHandle key(EVP_RSA_gen(2048));
  return key.get();
}

std::string make_csr(const compass::Subject& subject, EVP_PKEY* key) {
  const compass::RequestHandle request(X509_REQ_new());
  auto* name = X509_REQ_get_subject_name(request.get());
  for (const auto& [attribute, value] : subject)
    X509_NAME_add_entry_by_txt(name, attribute.c_str(), MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1, 0);
  X509_REQ_set_pubkey(request.get(), key);
  X509_REQ_sign(request.get(), key, EVP_sha256());
  const compass::BioHandle bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  return compass::content(bio.get());
}

CompassClient::CompassClient(const CompassServer& server, const std::string& url, const TestIdentity* identity) {
  const auto host = url.find("//") + 2;
  const auto colon = url.find(':', host);
  path_ = url.substr(url.find('/', host));
  const auto name = url.substr(host, colon - host);
  const int port = std::stoi(url.substr(colon + 1));
  client_ = identity == nullptr
                ? std::make_unique<httplib::SSLClient>(name, port)
                : std::make_unique<httplib::SSLClient>(name, port, identity->certificate.get(), test_key());
  if (identity != nullptr) {
    const auto rest = identity->chain_pem.substr(identity->chain_pem.find("-----BEGIN", 1));
    SSL_CTX_add1_chain_cert(client_->ssl_context(), read_certificate(rest).get());
  }
  const auto root = read_certificate(server.server_ca_pem());
  const compass::StoreHandle store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), root.get());
  SSL_CTX_set1_verify_cert_store(client_->ssl_context(), store.get());
  client_->enable_server_certificate_verification(true);
  client_->set_keep_alive(true);
  client_->set_tcp_nodelay(true);
  client_->set_read_timeout(std::chrono::seconds(10));
}

Reply CompassClient::post(const std::string& document, const nlohmann::json& variables,
                          const httplib::Headers& headers) {
  return post_text(nlohmann::json{{"query", document}, {"variables", variables}}.dump(), headers);
}

Reply CompassClient::post_text(const std::string& body, const httplib::Headers& headers) {
  const auto result = client_->Post(path_, headers, body, "application/json");
  return result ? Reply{result->status, result.error(), result->body, result->headers}
                : Reply{0, result.error(), "", {}};
}

httplib::Headers token_header(const std::string& token) {
  return {{"Connector-Token", token}};
}
httplib::Headers tenant_header(const CompassServer& server) {
  return {{"Tenant", server.tenant()}};
}

Reply ask_configuration(const CompassServer& server, const std::string& token) {
  return CompassClient(server, server.token_connector_url()).post(configuration_query, {}, token_header(token));
}

Reply ask_signature(const CompassServer& server, const std::string& token, const std::string& csr_pem) {
  return CompassClient(server, server.token_connector_url())
      .post(sign_mutation, {{"csr", compass::base64(csr_pem)}}, token_header(token));
}

TestIdentity identity_from(const Reply& reply) {
  const auto result = reply.data("signCertificateSigningRequest");
  if (!result.is_object()) {
    ADD_FAILURE() << "no certificate: " << reply.status << " " << reply.body;
    return {};
  }
  return {read_certificate(compass::from_base64(result["clientCertificate"].get<std::string>()).value()),
          compass::from_base64(result["certificateChain"].get<std::string>()).value(),
          compass::from_base64(result["caCertificate"].get<std::string>()).value()};
}

TestIdentity pair(CompassServer& server) {
  const auto configuration = ask_configuration(server, server.issue_token()).data("configuration");
  if (!configuration.is_object()) {
    ADD_FAILURE() << "no configuration";
    return {};
  }
  const auto subject =
      compass::parse_subject(configuration["certificateSigningRequestInfo"]["subject"].get<std::string>());
  return identity_from(
      ask_signature(server, configuration["token"]["token"].get<std::string>(), make_csr(subject.value())));
}

} // namespace runtime_agent::sandbox
