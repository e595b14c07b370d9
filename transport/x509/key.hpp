#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "transport/call.hpp"
#include "transport/failure.hpp"
#include "transport/secret.hpp"

namespace runtime_agent::x509 {

/// No key is made with fewer bits, whatever is asked for. Source: contract §2.
inline constexpr unsigned least_key_bits = 4096;
/// More would take minutes.
inline constexpr unsigned most_key_bits = 8192;

/// Bits of an RSA key as `keyAlgorithm` ("rsa2048", any case) wants it, 4,096 to 8,192: never fewer than asked for.
/// Failure (malformed): no RSA, no number, or more than 8,192.
Result<unsigned> key_bits(std::string_view algorithm);

/// Where private keys come from. Thread-safe; blocks (4,096 bits: 0.4 to 2.5 s), so on I/O threads only.
class KeySource {
public:
  virtual ~KeySource() = default;
  /// PKCS#1 PEM ("RSA PRIVATE KEY"), another one for each that asks. Failures: cancelled; internal, with OpenSSL's
  /// reason. What a call that was cancelled has begun goes on for the next one that asks for as many bits.
  virtual Result<Secret> generate(unsigned bits, const CancelToken& cancel) = 0;
};

/// Makes a new RSA key each time.
std::shared_ptr<KeySource> make_key_source();

/// For tests only: hands out the files *.pem of `folder`, in the order of their names, over and over, whatever number
/// of bits is asked for, so that campaigns do not spend their time on prime numbers. Failure (configuration): none
/// there.
std::shared_ptr<KeySource> make_fixture_key_source(const std::string& folder);

} // namespace runtime_agent::x509
