#include "tests/sandbox/kubernetes/base64.hpp"

#include <algorithm>
#include <cstdint>

namespace runtime_agent::sandbox::kube {
namespace {

constexpr std::string_view standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view for_urls = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encoded(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char byte : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(byte);
    for (bits += 8; bits >= 6; bits -= 6)
      text += alphabet[(buffer >> (bits - 6)) & 63U];
  }
  if (bits > 0)
    text += alphabet[(buffer << (6 - bits)) & 63U];
  return text;
}

} // namespace

std::string base64_encoded(std::string_view bytes) {
  auto text = encoded(bytes, standard);
  while (text.size() % 4 != 0)
    text += '=';
  return text;
}

std::string base64url_encoded(std::string_view bytes) {
  return encoded(bytes, for_urls);
}

std::optional<std::string> base64url_decoded(std::string_view text) {
  std::string bytes;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char c : text) {
    const auto value = for_urls.find(c);
    if (value == std::string_view::npos)
      return std::nullopt;
    buffer = (buffer << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>((buffer >> bits) & 255U);
    }
  }
  return bytes;
}

std::optional<std::size_t> base64_error(std::string_view text) {
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r')
      continue;
    if (c == '=') {
      if (digits % 4 < 2 || ++padding > 4 - digits % 4)
        return i;
    } else if (padding > 0 || standard.find(c) == std::string_view::npos) {
      return i;
    } else {
      ++digits;
    }
  }
  return (digits + padding) % 4 == 0 ? std::nullopt : std::optional(text.size());
}

std::size_t base64_decoded_size(std::string_view text) {
  const auto digits =
      std::count_if(text.begin(), text.end(), [](char c) { return c != '=' && c != '\n' && c != '\r'; });
  return static_cast<std::size_t>(digits) * 3 / 4;
}

} // namespace runtime_agent::sandbox::kube
