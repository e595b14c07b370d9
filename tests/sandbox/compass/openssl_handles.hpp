#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace runtime_agent::sandbox::compass {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* handle) const {
    release(handle);
  }
};

using KeyHandle = std::unique_ptr<EVP_PKEY, Release<&EVP_PKEY_free>>;
using CertificateHandle = std::unique_ptr<X509, Release<&X509_free>>;
using RequestHandle = std::unique_ptr<X509_REQ, Release<&X509_REQ_free>>;
using StoreHandle = std::unique_ptr<X509_STORE, Release<&X509_STORE_free>>;
using BioHandle = std::unique_ptr<BIO, Release<&BIO_free_all>>;

/// What was written to a memory BIO.
inline std::string content(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

} // namespace runtime_agent::sandbox::compass
