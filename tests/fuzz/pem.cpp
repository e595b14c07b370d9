#include <algorithm>
#include <string>

#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/memory.hpp"
#include "transport/x509/check.hpp"
#include "transport/x509/identity.hpp"
#include "transport/x509/openssl.hpp"

/// Certificates come from the Connector, keys and certificates from Secrets that anybody may have written: read or
/// refused, and what is wrong is said.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace runtime_agent;
  fuzz::count_openssl();
  static const bool warm = x509::read_certificates("-----BEGIN CERTIFICATE-----\n", "once").has_value(); // its tables
  fuzz::require(!warm);
  const std::string pem(fuzz::text_of(data, size));
  const fuzz::MemoryBound bound(size);
  const auto certificates = x509::read_certificates(pem, "chain");
  if (!certificates)
    fuzz::require(!certificates.error().what.empty());
  else
    fuzz::require(!certificates->empty());
  const auto identity =
      x509::check_certificate({.certificate_pem = pem, .chain_pem = pem, .ca_pem = pem}, Secret(pem), {}, {});
  if (!identity)
    fuzz::require(!identity.error().what.empty());
  return 0;
}
