#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace runtime_agent {

/// A character of Unicode and how many bytes it takes in UTF-8.
struct CodePoint {
  std::uint32_t value; ///< 0 to 0x10ffff, no surrogate
  std::size_t length;  ///< 1 to 4
};

/// The well-formed code point at the beginning of `text`, which is not empty; nullopt where its first byte begins none.
std::optional<CodePoint> first_code_point(std::string_view text);

} // namespace runtime_agent
