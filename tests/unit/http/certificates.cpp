#include "tests/unit/http/certificates.hpp"

#include <atomic>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace runtime_agent::http::test {
namespace {

template <class Write>
std::string to_pem(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

} // namespace

std::string Certificate::pem() const {
  return to_pem([&](BIO* bio) { PEM_write_bio_X509(bio, x509.get()); });
}

std::string Certificate::key_pem() const {
  return to_pem(
      [&](BIO* bio) { PEM_write_bio_PrivateKey_traditional(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

Certificate make_certificate(const CertificateRequest& request, const Certificate* issuer) {
  static std::atomic<long> serial{1};
  Certificate made{{X509_new(), Free{}}, {EVP_EC_gen("P-256"), Free{}}};
  X509* certificate = made.x509.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), request.valid_from_now);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(request.common_name.c_str()), -1, -1, 0);
  X509* signer = issuer != nullptr ? issuer->x509.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  add_extension(certificate, signer, NID_basic_constraints, request.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  add_extension(certificate, signer, NID_subject_key_identifier, "hash");
  if (!request.alternative_names.empty())
    add_extension(certificate, signer, NID_subject_alt_name, request.alternative_names);
  X509_sign(certificate, (issuer != nullptr ? issuer->key : made.key).get(), EVP_sha256());
  return made;
}

x509::IdentityPtr make_test_identity(const Certificate& leaf, const std::vector<const Certificate*>& others) {
  auto identity = std::make_shared<x509::Identity>();
  identity->certificate_pem = leaf.pem();
  identity->chain_pem = leaf.pem();
  for (const auto* other : others)
    identity->chain_pem += other->pem();
  identity->key_pem = Secret(leaf.key_pem());
  return identity;
}

} // namespace runtime_agent::http::test
