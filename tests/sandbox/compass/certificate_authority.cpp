#include "tests/sandbox/compass/certificate_authority.hpp"

#include <cctype>
#include <ctime>
#include <stdexcept>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/rand.h>

namespace runtime_agent::sandbox::compass {
namespace {

constexpr auto ten_years = std::chrono::hours(24 * 3650);

void require(bool done, const char* what) {
  if (!done)
    throw std::runtime_error(std::string("sandbox certification authority: ") + what);
}

KeyHandle make_key() {
  KeyHandle key(EVP_EC_gen("P-256"));
  require(key != nullptr, "no EC key");
  return key;
}

ValidityPeriod long_lived() {
  const auto now = std::chrono::system_clock::now();
  return {now - std::chrono::hours(1), now + ten_years};
}

void set_validity(X509* certificate, const ValidityPeriod& validity) {
  const auto seconds = [](TimePoint time) { return std::chrono::system_clock::to_time_t(time); };
  require(ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(validity.not_before)) != nullptr &&
              ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(validity.not_after)) != nullptr,
          "no validity");
}

void set_random_serial(X509* certificate) {
  unsigned char bytes[16];
  require(RAND_bytes(bytes, sizeof bytes) == 1, "no random bytes");
  bytes[0] &= 0x7F; // a serial is positive
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr, "an extension is malformed");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_to_name(X509* certificate, const char* attribute, const std::string& value) {
  require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), attribute, MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1, 0) == 1,
          "no name");
}

bool ip_address(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

RequestHandle read_request(const std::string& pem) {
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  RequestHandle request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return request;
}

} // namespace

std::string serial_of(const X509* certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* text = BN_bn2hex(number);
  std::string out = text;
  OPENSSL_free(text);
  BN_free(number);
  return out;
}

std::string pem_of(X509* certificate) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(bio.get(), certificate) == 1, "no PEM");
  return content(bio.get());
}

CertificateAuthority::CertificateAuthority(const std::string& name) : root_key_(make_key()), key_(make_key()) {
  root_ = make(name + " Root CA", root_key_.get(), nullptr, long_lived());
  intermediate_ = make(name + " CA", key_.get(), root_.get(), long_lived());
  for (auto* certificate : {root_.get(), intermediate_.get()}) {
    X509* issuer = root_.get();
    add_extension(certificate, issuer, NID_basic_constraints,
                  certificate == root_.get() ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0");
    add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    if (certificate != issuer)
      add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
    require(X509_sign(certificate, root_key_.get(), EVP_sha256()) > 0, "not signed");
  }
  root_pem_ = pem_of(root_.get());
  intermediate_pem_ = pem_of(intermediate_.get());
}

/// Unsigned and without extensions; `issuer` null: self-issued. An empty name leaves the subject to the caller.
CertificateHandle CertificateAuthority::make(const std::string& common_name, EVP_PKEY* key, X509* issuer,
                                             const ValidityPeriod& validity) const {
  CertificateHandle certificate(X509_new());
  require(certificate != nullptr, "no certificate");
  X509_set_version(certificate.get(), X509_VERSION_3);
  set_random_serial(certificate.get());
  set_validity(certificate.get(), validity);
  if (!common_name.empty()) {
    add_to_name(certificate.get(), "O", "Compass");
    add_to_name(certificate.get(), "CN", common_name);
  }
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer != nullptr ? issuer : certificate.get()));
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

StoreHandle CertificateAuthority::client_store() const {
  StoreHandle store(X509_STORE_new());
  require(X509_STORE_add_cert(store.get(), root_.get()) == 1 &&
              X509_STORE_add_cert(store.get(), intermediate_.get()) == 1,
          "no store");
  return store;
}

ServerCertificate CertificateAuthority::server_certificate(const std::vector<std::string>& hosts) const {
  ServerCertificate server;
  server.key = make_key();
  server.certificate =
      make(hosts.empty() ? "server" : hosts.front(), server.key.get(), intermediate_.get(), long_lived());
  std::string names;
  for (const auto& host : hosts)
    names += (names.empty() ? "" : ",") + std::string(ip_address(host) ? "IP:" : "DNS:") + host;
  auto* certificate = server.certificate.get();
  add_extension(certificate, intermediate_.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, intermediate_.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate, intermediate_.get(), NID_subject_alt_name, names);
  add_extension(certificate, intermediate_.get(), NID_authority_key_identifier, "keyid:always");
  require(X509_sign(certificate, key_.get(), EVP_sha256()) > 0, "not signed");
  server.intermediate.reset(X509_dup(intermediate_.get()));
  return server;
}

ClientCertificate CertificateAuthority::client_certificate(const X509_NAME* name, EVP_PKEY* key,
                                                           const ValidityPeriod& validity) const {
  const auto certificate = make("", key, intermediate_.get(), validity);
  require(X509_set_subject_name(certificate.get(), name) == 1, "no subject");
  add_extension(certificate.get(), intermediate_.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), intermediate_.get(), NID_key_usage, "critical,digitalSignature,keyEncipherment");
  add_extension(certificate.get(), intermediate_.get(), NID_ext_key_usage, "clientAuth");
  add_extension(certificate.get(), intermediate_.get(), NID_authority_key_identifier, "keyid:always");
  require(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0, "not signed");
  return {pem_of(certificate.get()), serial_of(certificate.get()), subject_of(name), validity};
}

tl::expected<ClientCertificate, std::string> CertificateAuthority::sign(const std::string& csr_pem,
                                                                        const Subject& offered, int least_bits,
                                                                        const ValidityPeriod& validity) const {
  const auto request = read_request(csr_pem);
  if (request == nullptr)
    return tl::unexpected(std::string("the CSR is not the PEM of a PKCS#10 request"));
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
    ERR_clear_error();
    return tl::unexpected(std::string("the CSR's signature is wrong"));
  }
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
    return tl::unexpected(std::string("the CSR's key is no RSA key"));
  if (EVP_PKEY_get_bits(key) < least_bits)
    return tl::unexpected("the CSR's key has " + std::to_string(EVP_PKEY_get_bits(key)) + " bits, " +
                          std::to_string(least_bits) + " are asked for");
  const auto* name = X509_REQ_get_subject_name(request.get());
  if (const auto given = subject_of(name); given != offered)
    return tl::unexpected("CSR: Invalid subject provided: \"" + print(given) + "\" instead of \"" + print(offered) +
                          "\"");
  return client_certificate(name, key, validity);
}

ClientCertificate CertificateAuthority::sign_foreign_key(const Subject& subject, const ValidityPeriod& validity) const {
  const std::unique_ptr<X509_NAME, Release<&X509_NAME_free>> name(X509_NAME_new());
  for (const auto& [key, value] : subject)
    require(X509_NAME_add_entry_by_txt(name.get(), key.c_str(), MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1, 0) == 1,
            "no name");
  const KeyHandle key(EVP_RSA_gen(2048));
  return client_certificate(name.get(), key.get(), validity);
}

} // namespace runtime_agent::sandbox::compass
