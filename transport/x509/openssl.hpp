#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "transport/failure.hpp"
#include "transport/secret.hpp"
#include "transport/x509/identity.hpp"

/// OpenSSL's objects with an owner, and the reading that every file of this room needs.
namespace runtime_agent::x509 {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using CertificatePtr = std::unique_ptr<X509, Freer<&X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<&EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<&BIO_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Freer<&X509_REQ_free>>;
using NamePtr = std::unique_ptr<X509_NAME, Freer<&X509_NAME_free>>;

/// The oldest entry of this thread's OpenSSL error queue in words, and empties the queue; "no reason given" where
/// there is none.
std::string take_openssl_error();

/// Every certificate of `pem`, in order; text between them is skipped. Failure (malformed): none, or one that does not
/// parse; `part` is its `where`.
Result<std::vector<CertificatePtr>> read_certificates(std::string_view pem, const std::string& part);

/// A private key without a passphrase (one with a passphrase is a Failure, never a prompt).
Result<KeyPtr> read_private_key(const Secret& pem, const std::string& part);

/// Times outside what TimePoint can hold (the year 9999) become its least or greatest value.
Validity validity_of(const X509& certificate);

} // namespace runtime_agent::x509
