#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/x509.h>
#include <tl/expected.hpp>

namespace runtime_agent::sandbox::compass {

/// Attributes in their order: short name ("CN", "OU") and value in UTF-8.
using Subject = std::vector<std::pair<std::string, std::string>>;

/// Reads `O=Org,OU=Unit\, East,CN=id`: backslash escapes of one character or of two hexadecimal digits (RFC 2253).
/// Error: what is wrong with it.
tl::expected<Subject, std::string> parse_subject(std::string_view text);

/// The attributes of a certificate's or CSR's name, in its order.
Subject subject_of(const X509_NAME* name);

/// For messages, with the escapes that `parse_subject` reads.
std::string print(const Subject& subject);

/// The first value of that attribute; empty where there is none.
std::string attribute(const Subject& subject, std::string_view name);

} // namespace runtime_agent::sandbox::compass
