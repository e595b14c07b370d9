#include "tests/sandbox/kubernetes/serving_certificate.hpp"

#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace runtime_agent::sandbox::kube {
namespace {

constexpr long day = 24 * 60 * 60;

/// A failure here is a bug or a machine out of memory: nothing in it comes from outside.
void demand(bool fine, const char* what) {
  if (!fine)
    throw std::runtime_error(std::string("OpenSSL: ") + what);
}

Key make_key() {
  return {EVP_EC_gen("P-256"), EVP_PKEY_free};
}

void add_extension(X509& certificate, X509& issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  demand(extension && X509_add_ext(&certificate, extension, -1) == 1, "X509_add_ext");
  X509_EXTENSION_free(extension);
}

Certificate make_certificate(const char* name, const Key& key) {
  Certificate certificate(X509_new(), X509_free);
  demand(certificate && key, "X509_new");
  unsigned char serial[8];
  demand(RAND_bytes(serial, sizeof serial) == 1, "RAND_bytes");
  serial[0] = static_cast<unsigned char>(serial[0] & 0x7F);
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -day);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3650 * day);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return certificate;
}

void sign(X509& certificate, X509& issuer, const Key& key) {
  X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer));
  demand(X509_sign(&certificate, key.get(), EVP_sha256()) > 0, "X509_sign");
}

std::string pem_of(X509& certificate) {
  std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  demand(bio && PEM_write_bio_X509(bio.get(), &certificate) == 1, "PEM_write_bio_X509");
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

} // namespace

ServingCertificate make_serving_certificate() {
  const auto ca_key = make_key();
  const auto ca = make_certificate("sandbox-kubernetes-ca", ca_key);
  add_extension(*ca, *ca, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(*ca, *ca, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(*ca, *ca, NID_subject_key_identifier, "hash");
  sign(*ca, *ca, ca_key);

  ServingCertificate made;
  made.key = make_key();
  made.certificate = make_certificate("sandbox-kubernetes", made.key);
  add_extension(*made.certificate, *ca, NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost");
  add_extension(*made.certificate, *ca, NID_key_usage, "critical,digitalSignature");
  add_extension(*made.certificate, *ca, NID_ext_key_usage, "serverAuth");
  add_extension(*made.certificate, *ca, NID_authority_key_identifier, "keyid");
  sign(*made.certificate, *ca, ca_key);
  made.ca_pem = pem_of(*ca);
  return made;
}

} // namespace runtime_agent::sandbox::kube
