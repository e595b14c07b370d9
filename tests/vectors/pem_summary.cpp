#include "tests/vectors/pem_summary.hpp"

#include <memory>
#include <regex>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace runtime_agent::vectors {

namespace {

using Json = nlohmann::ordered_json;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

std::unique_ptr<BIO, Free> reader(const std::string& text) {
  return std::unique_ptr<BIO, Free>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string first_subject(const std::string& pem) {
  const auto input = reader(pem);
  const std::unique_ptr<X509, Free> certificate(PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr));
  if (!certificate)
    return "<no certificate>";
  const std::unique_ptr<BIO, Free> output(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(output.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long length = BIO_get_mem_data(output.get(), &text);
  return "subject=" + std::string(text, static_cast<std::size_t>(length));
}

Json key_bits(const std::string& pem) {
  const auto input = reader(pem);
  // The empty pass phrase: an encrypted key must not ask on the terminal.
  const std::unique_ptr<EVP_PKEY, Free> key(
      PEM_read_bio_PrivateKey(input.get(), nullptr, nullptr, const_cast<char*>("")));
  return key ? Json(EVP_PKEY_get_bits(key.get())) : Json("<no private key>");
}

} // namespace

Json pem_summary(const std::string& pem) {
  static const std::regex block("-----BEGIN ([A-Z0-9 ]+)-----");
  Json blocks = Json::array();
  for (std::sregex_iterator found(pem.begin(), pem.end(), block), end; found != end; ++found)
    blocks.push_back((*found)[1].str());
  if (blocks.empty())
    return "<no PEM>";
  Json summary = Json::object();
  const std::string first = blocks.front();
  summary["blocks"] = std::move(blocks);
  if (first == "CERTIFICATE")
    summary["first"] = first_subject(pem);
  else
    summary["bits"] = key_bits(pem);
  ERR_clear_error();
  return summary;
}

} // namespace runtime_agent::vectors
