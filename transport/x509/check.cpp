#include "transport/x509/check.hpp"

#include <algorithm>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "transport/rfc3339.hpp"
#include "transport/x509/openssl.hpp"

namespace runtime_agent::x509 {
namespace {

bool issued_by(X509& certificate, X509& issuer) {
  const bool by_name = X509_check_issued(&issuer, &certificate) == X509_V_OK;
  const bool signed_by = by_name && X509_verify(&certificate, X509_get0_pubkey(&issuer)) == 1;
  ERR_clear_error();
  return signed_by;
}

/// In any order behind the first: an unrelated CA certificate in it harms nobody. `identity` has been parsed before.
std::optional<std::string> chain_problem(const Identity& identity) {
  const auto certificate = read_certificates(identity.certificate_pem, "");
  const auto chain = read_certificates(identity.chain_pem, "");
  const auto ca = read_certificates(identity.ca_pem, "");
  X509& client = *certificate->front();
  if (X509_cmp(chain->front().get(), &client) != 0)
    return "does not begin with the client certificate";
  const auto is_issuer = [&](const CertificatePtr& candidate) { return issued_by(client, *candidate); };
  const bool linked = std::any_of(chain->begin() + 1, chain->end(), is_issuer) ||
                      (ca && std::any_of(ca->begin(), ca->end(), is_issuer));
  if (!linked)
    return "does not contain the certificate that signed the client certificate";
  return std::nullopt;
}

} // namespace

Result<IdentityPtr> check_certificate(const IssuedCertificate& issued, const Secret& key_pem, TimePoint now,
                                      std::chrono::seconds skew) {
  const auto malformed = [](const char* where, const std::string& what) {
    return failed(Failure{.kind = FailureKind::malformed, .where = where, .what = what});
  };
  if (issued.ca_pem.empty())
    return malformed("CA certificate", "is empty");
  auto identity = make_identity(issued.certificate_pem, issued.chain_pem, key_pem, issued.ca_pem);
  if (!identity)
    return identity;
  if (const auto problem = chain_problem(**identity))
    return malformed("certificate chain", *problem);
  if (const auto problem = outside_validity((*identity)->validity, now, skew))
    return malformed("client certificate", *problem);
  return identity;
}

std::optional<std::string> outside_validity(const Validity& validity, TimePoint now, std::chrono::seconds skew) {
  const auto clock = ": the clock here says " + rfc3339(now) + ", its validity ";
  // Differences in seconds: those of extreme times do not fit the clock's own unit.
  const auto seconds = [](TimePoint time) {
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  };
  if (seconds(now) + skew.count() < seconds(validity.not_before))
    return "not yet valid" + clock + "begins " + rfc3339(validity.not_before);
  if (seconds(now) - skew.count() >= seconds(validity.not_after))
    return "expired" + clock + "ended " + rfc3339(validity.not_after);
  return std::nullopt;
}

} // namespace runtime_agent::x509
