#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// What libFuzzer calls with each input; each source of this folder is a program of its own (./dev fuzz).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace runtime_agent::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A property that has to hold for every input; libFuzzer keeps the input that breaks it.
inline void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace runtime_agent::fuzz
