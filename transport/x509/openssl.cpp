#include "transport/x509/openssl.hpp"

#include <array>
#include <climits>
#include <ctime>

#include <openssl/err.h>
#include <openssl/pem.h>

namespace runtime_agent::x509 {
namespace {

Failure malformed(const std::string& part, std::string what) {
  return Failure{.kind = FailureKind::malformed, .where = part, .what = std::move(what)};
}

/// Reads from memory that it does not own.
BioPtr reader(std::string_view text) {
  if (text.size() > INT_MAX)
    return nullptr;
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool at_end_of_pem() {
  const auto error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/// OpenSSL's own asks on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

TimePoint to_time_point(const ASN1_TIME* time) {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1)
    return TimePoint::min();
  const auto seconds = std::chrono::seconds(timegm(&parts));
  if (seconds >= std::chrono::duration_cast<std::chrono::seconds>(TimePoint::max().time_since_epoch()))
    return TimePoint::max();
  if (seconds <= std::chrono::duration_cast<std::chrono::seconds>(TimePoint::min().time_since_epoch()))
    return TimePoint::min();
  return TimePoint(seconds);
}

} // namespace

std::string take_openssl_error() {
  const auto error = ERR_get_error();
  ERR_clear_error();
  if (error == 0)
    return "no reason given";
  // The reason alone reads better than "error:0909006C:PEM routines:…"; some have none.
  if (const char* reason = ERR_reason_error_string(error))
    return reason;
  std::array<char, 256> text{};
  ERR_error_string_n(error, text.data(), text.size());
  return text.data();
}

Result<std::vector<CertificatePtr>> read_certificates(std::string_view pem, const std::string& part) {
  ERR_clear_error();
  std::vector<CertificatePtr> certificates;
  const auto bio = reader(pem);
  while (bio) {
    CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!certificate)
      break;
    certificates.push_back(std::move(certificate));
  }
  const bool whole = at_end_of_pem();
  const std::string reason = take_openssl_error();
  if (certificates.empty())
    return failed(malformed(part, whole ? "holds no PEM certificate" : "is no PEM certificate: " + reason));
  if (!whole)
    return failed(malformed(part, "certificate " + std::to_string(certificates.size() + 1) +
                                      " in it is no PEM certificate: " + reason));
  return certificates;
}

Result<KeyPtr> read_private_key(const Secret& pem, const std::string& part) {
  ERR_clear_error();
  const auto bio = reader(pem.reveal());
  KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  const std::string reason = take_openssl_error();
  if (!key)
    return failed(malformed(part, "is no PEM private key without a passphrase: " + reason));
  return key;
}

Validity validity_of(const X509& certificate) {
  return {to_time_point(X509_get0_notBefore(&certificate)), to_time_point(X509_get0_notAfter(&certificate))};
}

} // namespace runtime_agent::x509
