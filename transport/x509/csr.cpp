#include "transport/x509/csr.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "transport/x509/openssl.hpp"

namespace runtime_agent::x509 {
namespace {

/// Puts the value in as it is: OpenSSL's own table would refuse values that are longer than X.520's bounds, which the
/// Connector's need not be shorter than, and would choose the string type by the content.
bool append(X509_NAME& name, const SubjectAttribute& attribute) {
  using EntryPtr = std::unique_ptr<X509_NAME_ENTRY, Freer<&X509_NAME_ENTRY_free>>;
  const int type = attribute.type == "C" ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
  const EntryPtr entry(X509_NAME_ENTRY_create_by_txt(nullptr, attribute.type.c_str(), type,
                                                     reinterpret_cast<const unsigned char*>(attribute.value.data()),
                                                     static_cast<int>(attribute.value.size())));
  return entry && X509_NAME_add_entry(&name, entry.get(), -1, 0) == 1;
}

bool fill(X509_REQ& request, const Subject& subject, EVP_PKEY& key) {
  const NamePtr name(X509_NAME_new());
  if (!name)
    return false;
  for (const auto& attribute : subject)
    if (!append(*name, attribute))
      return false;
  return X509_REQ_set_version(&request, X509_REQ_VERSION_1) == 1 &&
         X509_REQ_set_subject_name(&request, name.get()) == 1 && X509_REQ_set_pubkey(&request, &key) == 1 &&
         X509_REQ_sign(&request, &key, EVP_sha256()) > 0;
}

} // namespace

Result<std::string> make_csr(const Subject& subject, const Secret& key_pem) {
  const auto key = read_private_key(key_pem, "private key");
  if (!key)
    return failed(key.error());
  const RequestPtr request(X509_REQ_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!request || !bio || !fill(*request, subject, **key) || PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1)
    return failed(Failure{.kind = FailureKind::internal,
                          .where = "certificate signing request",
                          .what = "cannot be made: " + take_openssl_error()});
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

} // namespace runtime_agent::x509
