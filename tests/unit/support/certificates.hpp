#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "transport/secret.hpp"
#include "transport/x509/openssl.hpp"

/// A certificate authority for tests: certificates of any validity, for any key. Header only, so that each suite takes
/// it without a library of its own.
namespace runtime_agent::test {

using x509::TimePoint;

inline std::string pem_of(const x509::BioPtr& bio) {
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

inline std::string to_pem(X509& certificate) {
  const x509::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), &certificate);
  return pem_of(bio);
}

/// PKCS#1 for an RSA key, SEC1 for an EC key.
inline Secret to_pem(EVP_PKEY& key) {
  const x509::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey_traditional(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
  return Secret(pem_of(bio));
}

/// Made in a millisecond.
inline x509::KeyPtr make_ec_key() {
  return x509::KeyPtr(EVP_EC_gen("P-256"));
}

/// 1,024 bits: some milliseconds, and far too few for anything but tests.
inline x509::KeyPtr make_rsa_key(unsigned bits = 1024) {
  return x509::KeyPtr(EVP_RSA_gen(bits));
}

struct CertificateSpec {
  TimePoint not_before = std::chrono::system_clock::now() - std::chrono::hours(1);
  TimePoint not_after = std::chrono::system_clock::now() + std::chrono::hours(24);
  bool is_ca = false;
};

class CertificateAuthority {
public:
  explicit CertificateAuthority(const std::string& common_name = "Test CA",
                                const CertificateAuthority* parent = nullptr)
      : key_(make_ec_key()), name_(make_name(common_name)) {
    CertificateSpec spec;
    spec.not_before = {};
    spec.not_after = TimePoint(std::chrono::hours(24 * 365 * 100));
    spec.is_ca = true;
    certificate_ = (parent ? *parent : *this).issue(*name_, *key_, spec);
  }

  std::string pem() const { return to_pem(*certificate_); }

  x509::CertificatePtr issue(const X509_NAME& subject, EVP_PKEY& key, const CertificateSpec& spec) const {
    x509::CertificatePtr certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), ++serial_);
    X509_set_subject_name(certificate.get(), &subject);
    X509_set_issuer_name(certificate.get(), name_.get());
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), std::chrono::system_clock::to_time_t(spec.not_before));
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), std::chrono::system_clock::to_time_t(spec.not_after));
    X509_set_pubkey(certificate.get(), &key);
    if (X509_EXTENSION* extension =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, spec.is_ca ? "CA:TRUE" : "CA:FALSE")) {
      X509_add_ext(certificate.get(), extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(certificate.get(), key_.get(), EVP_sha256());
    return certificate;
  }

  /// The PEM of a client certificate for `key`.
  std::string issue_pem(EVP_PKEY& key, const CertificateSpec& spec = {},
                        const std::string& common_name = "client") const {
    return to_pem(*issue(*make_name(common_name), key, spec));
  }

  /// Signs a request as the Connector does: its subject and its key. Empty where it is no PKCS#10 PEM.
  std::string sign_pem(const std::string& csr_pem, const CertificateSpec& spec = {}) const {
    const x509::BioPtr bio(BIO_new_mem_buf(csr_pem.data(), static_cast<int>(csr_pem.size())));
    const x509::RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
    if (!request || X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())) != 1)
      return {};
    return to_pem(*issue(*X509_REQ_get_subject_name(request.get()), *X509_REQ_get0_pubkey(request.get()), spec));
  }

  static x509::NamePtr make_name(const std::string& common_name) {
    x509::NamePtr name(X509_NAME_new());
    X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.data()),
                               static_cast<int>(common_name.size()), -1, 0);
    return name;
  }

private:
  x509::KeyPtr key_;
  x509::NamePtr name_;
  mutable long serial_ = 0;
  x509::CertificatePtr certificate_;
};

} // namespace runtime_agent::test
