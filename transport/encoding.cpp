#include "transport/encoding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <memory>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace runtime_agent {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view white_space = " \t\r\n\v\f";

std::string digest_hex(const EVP_MD* algorithm, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm, nullptr);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(std::size_t{2} * size);
  for (unsigned int i = 0; i < size; ++i) {
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

} // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // EVP_EncodeBlock ends with a NUL
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (;;) {
    const auto special = std::find_if(
        text.begin(), text.end(), [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
    out.append(text.begin(), special);
    if (special == text.end())
      break;
    if (*special == '"' || *special == '\\')
      (out += '\\') += *special;
    else
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(*special));
    text = std::string_view(special + 1, text.end());
  }
  out += '"';
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  int digits = 0;
  int padding = 0;
  bool ended = false; // by padding: nothing but white space may follow
  for (const char c : text) {
    if (white_space.find(c) != std::string_view::npos)
      continue;
    if (ended)
      return std::nullopt;
    const auto value = alphabet.find(c);
    if (c == '=' && digits >= 2)
      ++padding;
    else if (value == std::string_view::npos || padding > 0)
      return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(c == '=' ? 0 : value);
    if (++digits < 4)
      continue;
    for (int i = 0; i < 3 - padding; ++i)
      bytes += static_cast<char>((group >> (16 - 8 * i)) & 0xff);
    group = 0;
    digits = 0;
    ended = padding > 0;
  }
  return digits == 0 ? std::optional(std::move(bytes)) : std::nullopt;
}

std::string sha256_hex(std::string_view bytes) {
  return digest_hex(EVP_sha256(), bytes);
}
std::string sha1_hex(std::string_view bytes) {
  // Looked up once: EVP_sha1() would be searched for among the providers with each call.
  static const std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> sha1(EVP_MD_fetch(nullptr, "SHA1", nullptr), EVP_MD_free);
  return digest_hex(sha1.get(), bytes);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

} // namespace runtime_agent
