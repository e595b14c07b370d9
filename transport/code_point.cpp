#include "transport/code_point.hpp"

#include <array>

namespace runtime_agent {

std::optional<CodePoint> first_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  if (byte(0) < 0x80)
    return CodePoint{byte(0), 1};
  const std::size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length)
    return std::nullopt;
  std::uint32_t value = byte(0) & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return std::nullopt;
    value = (value << 6) | (byte(i) & 0x3f);
  }
  constexpr std::array<std::uint32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  if (value < least.at(length) || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
    return std::nullopt;
  return CodePoint{value, length};
}

} // namespace runtime_agent
