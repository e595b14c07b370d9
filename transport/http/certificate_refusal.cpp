#include "transport/http/certificate_refusal.hpp"

#include <ctime>
#include <memory>

#include <openssl/asn1.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>

#include "transport/http/status.hpp"
#include "transport/rfc3339.hpp"

namespace runtime_agent::http {
namespace {

std::string name_text(const X509_NAME* name) {
  std::string text(512, '\0');
  X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
  return excerpt(text.c_str());
}

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1)
    return "an unreadable time";
  return rfc3339(std::chrono::system_clock::from_time_t(::timegm(&parts)));
}

/// The names that the certificate is for.
std::string alternative_names(X509* certificate) {
  struct Free {
    void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
  };
  const std::unique_ptr<GENERAL_NAMES, Free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()) && text.size() < 200; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS)
      continue;
    const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
    text += (text.empty() ? "" : ", ") + excerpt({data, size}, 100);
  }
  return text.empty() ? "" : " but for " + text;
}

std::string times(const X509* certificate) {
  return fmt::format(", it is good from {} to {} and this clock says {}", time_text(X509_get0_notBefore(certificate)),
                     time_text(X509_get0_notAfter(certificate)), rfc3339(std::chrono::system_clock::now()));
}

std::string cause(long result, const std::string& host, X509* certificate) {
  const std::string said = X509_verify_cert_error_string(result);
  switch (result) {
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_CERT_UNTRUSTED:
    return "unknown authority, " + said;
  case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    return "it is signed with another key than the CA certificate of that name has, " + said;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return fmt::format("{}, it is not for {}{}", said, host, alternative_names(certificate));
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return said + times(certificate);
  default:
    return said;
  }
}

} // namespace

std::string certificate_refusal(long result, const std::string& host, X509* certificate) {
  if (certificate == nullptr)
    return X509_verify_cert_error_string(result);
  return fmt::format("{} (its subject {}, its issuer {})", cause(result, host, certificate),
                     name_text(X509_get_subject_name(certificate)), name_text(X509_get_issuer_name(certificate)));
}

} // namespace runtime_agent::http
