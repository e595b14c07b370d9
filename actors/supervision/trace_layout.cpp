#include "actors/supervision/trace_layout.hpp"

#include <bit>
#include <cstring>

namespace runtime_agent::supervision::layout {
namespace {

/// Not cryptographic: it tells records that were torn or never written from whole ones.
template <std::size_t N>
std::uint32_t mixed(const std::array<std::uint64_t, N>& words) noexcept {
  std::uint64_t state = 0x9e3779b97f4a7c15u;
  for (const std::uint64_t word : words) {
    state = (state ^ word) * 0xbf58476d1ce4e5b9u;
    state ^= state >> 32;
  }
  return static_cast<std::uint32_t>(state) | 1; // never 0: zeros are no record
}

} // namespace

std::uint64_t key_of(const std::array<std::uint8_t, 16>& trace) noexcept {
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), trace.data(), trace.size());
  const std::uint64_t key = halves[0] ^ (halves[1] * 0x9e3779b97f4a7c15u);
  return key == 0 ? 1 : key;
}

std::uint32_t checksum_of(SpanRecord record) noexcept {
  record.checksum = 0;
  return mixed(std::bit_cast<std::array<std::uint64_t, record_words>>(record));
}

std::uint32_t checksum_of(const Header& header) noexcept {
  std::array<std::uint64_t, offsetof(Header, checksum) / sizeof(std::uint64_t)> words{};
  std::memcpy(words.data(), &header, sizeof words);
  return mixed(words);
}

} // namespace runtime_agent::supervision::layout
