#include "tests/e2e/support/credentials.hpp"

#include <algorithm>
#include <memory>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tests/sandbox/compass/certificate_authority.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::e2e {
namespace {

using Bio = std::unique_ptr<BIO, void (*)(BIO*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;
using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;

Bio reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free_all};
}

Certificate first_certificate(const std::string& pem) {
  const Bio bio = reader(pem);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
  ERR_clear_error();
  return certificate;
}

Key private_key(const std::string& pem) {
  const Bio bio = reader(pem);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  return key;
}

} // namespace

std::string data_of(const std::optional<nlohmann::json>& secret, const std::string& key) {
  if (!secret || !secret->contains("data") || !(*secret)["data"].contains(key))
    return {};
  return base64_decode((*secret)["data"][key].get<std::string>()).value_or("");
}

std::optional<nlohmann::json> secret(World& world, const std::string& name, const std::string& namespace_) {
  return world.sandbox_server()->object("secrets", namespace_, name);
}

std::string serial_in(const std::string& pem) {
  const Certificate certificate = first_certificate(pem);
  return certificate ? sandbox::compass::serial_of(certificate.get()) : std::string();
}

bool nothing_is_pending(World& world) {
  return !secret(world, pending_secret);
}

std::string wrong_with_pair(World& world, const std::optional<nlohmann::json>& certificates) {
  if (!certificates)
    return "there is no certificates Secret";
  const Certificate certificate = first_certificate(data_of(certificates, "crt"));
  const Key key = private_key(data_of(certificates, "key"));
  if (!certificate || !key)
    return "the certificates Secret holds no pair";
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return "the key does not belong to the certificate";
  }
  const std::string serial = sandbox::compass::serial_of(certificate.get());
  if (serial_in(data_of(certificates, "crtChain")) != serial)
    return "the chain is another certificate's";
  const auto issued = world.compass().certificates();
  if (std::none_of(issued.begin(), issued.end(), [&](const auto& one) { return one.serial == serial; }))
    return "Compass has not signed the certificate";
  return {};
}

std::string wrong_with_credentials(World& world) {
  if (const auto wrong = wrong_with_pair(world, secret(world, certificates_secret)); !wrong.empty())
    return wrong;
  const std::string ca = data_of(secret(world, ca_secret, "istio-system"), "cacert");
  return ca.find(world.compass().client_ca_pem()) == std::string::npos ? "the CA Secret does not hold Compass' CA" : "";
}

} // namespace runtime_agent::e2e
