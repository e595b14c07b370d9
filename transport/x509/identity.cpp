#include "transport/x509/identity.hpp"

#include <algorithm>

#include <openssl/bn.h>
#include <openssl/err.h>

#include "transport/x509/openssl.hpp"

namespace runtime_agent::x509 {
namespace {

std::string serial_of(const X509& certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr);
  char* text = number ? BN_bn2hex(number) : nullptr;
  std::string serial = text ? text : "";
  OPENSSL_free(text);
  BN_free(number);
  return serial;
}

std::string subject_of(const X509& certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  // UTF-8 as it is, instead of RFC 2253's escapes of every byte over 127.
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(&certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

} // namespace

Result<IdentityPtr> make_identity(const std::string& certificate_pem, const std::string& chain_pem,
                                  const Secret& key_pem, const std::string& ca_pem) {
  const auto certificates = read_certificates(certificate_pem, "client certificate");
  if (!certificates)
    return failed(certificates.error());
  if (const auto chain = read_certificates(chain_pem, "certificate chain"); !chain)
    return failed(chain.error());
  // Empty where the CA Secret is missing: the identity is good all the same, and renewal brings the CA (contract §2).
  if (!ca_pem.empty())
    if (const auto ca = read_certificates(ca_pem, "CA certificate"); !ca)
      return failed(ca.error());
  const auto key = read_private_key(key_pem, "private key");
  if (!key)
    return failed(key.error());
  const X509& certificate = *certificates->front();
  const bool match = X509_check_private_key(&certificate, key->get()) == 1;
  ERR_clear_error();
  if (!match)
    return failed(Failure{.kind = FailureKind::malformed,
                          .where = "client certificate",
                          .what = "the private key is not the certificate's"});
  return std::make_shared<const Identity>(Identity{.certificate_pem = certificate_pem,
                                                   .chain_pem = chain_pem,
                                                   .key_pem = key_pem,
                                                   .ca_pem = ca_pem,
                                                   .validity = validity_of(certificate),
                                                   .serial = serial_of(certificate),
                                                   .subject = subject_of(certificate)});
}

double validity_left(const Validity& validity, TimePoint now) {
  // In floating point: the differences of extreme times do not fit the clock's integer.
  const auto seconds = [](TimePoint time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); };
  const double whole = seconds(validity.not_after) - seconds(validity.not_before);
  if (whole <= 0)
    return 0;
  return std::clamp((seconds(validity.not_after) - seconds(now)) / whole, 0.0, 1.0);
}

} // namespace runtime_agent::x509
