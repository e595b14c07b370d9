#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "transport/failure.hpp"

namespace runtime_agent::x509 {

struct SubjectAttribute {
  std::string type;  ///< "CN" "O" "OU" "L" "ST" "C"
  std::string value; ///< UTF-8, without escapes, not empty
  bool operator==(const SubjectAttribute&) const = default;
};

/// A distinguished name in the order given; a type may come more than once.
using Subject = std::vector<SubjectAttribute>;

/// Bytes of a subject as text, and attributes in it: more than any CA signs, and little enough for a CSR and a Secret.
inline constexpr std::size_t longest_subject = 16u << 10;
inline constexpr std::size_t most_attributes = 200;

/// Reads "O=Org,OU=Unit\, East,CN=id" (contract §2): comma-separated K=V; a value may be in double quotes, may hold `=`
/// and `+` as they are, and escapes as in RFC 4514 (backslash and a special character, or and two hexadecimal digits).
/// Blanks around types and values do not count. Failure (malformed): what is wrong, and at which byte, from 0; or which
/// of the two bounds is passed.
Result<Subject> parse_subject(std::string_view text);

} // namespace runtime_agent::x509
