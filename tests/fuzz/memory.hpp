#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <malloc.h>
#include <openssl/crypto.h>

#include "tests/fuzz/fuzz.hpp"

/// What a program of this folder takes while it looks at one input. Included by its one source.
namespace runtime_agent::fuzz {

inline std::size_t held = 0;
inline std::size_t peak = 0;

inline void* take(std::size_t bytes) {
  void* block = std::malloc(bytes);
  held += block != nullptr ? malloc_usable_size(block) : 0;
  peak = std::max(peak, held);
  return block;
}
inline void give_back(void* block) {
  held -= block != nullptr ? malloc_usable_size(block) : 0;
  std::free(block);
}

/// While it lives the program may take so much more: a megabyte, and for each byte of the input what the dearest JSON
/// object takes (`{"":1}`: room for ten members). More is an input that kills a pod.
class MemoryBound {
public:
  explicit MemoryBound(std::size_t input) : most_(held + (std::size_t{1} << 20) + 256 * input) { peak = held; }
  ~MemoryBound() { require(peak <= most_); }
  MemoryBound(const MemoryBound&) = delete;
  MemoryBound& operator=(const MemoryBound&) = delete;

private:
  std::size_t most_;
};

/// OpenSSL's allocations count as well; to be called before it is used.
inline void count_openssl() {
  static const bool counted = CRYPTO_set_mem_functions([](std::size_t bytes, const char*, int) { return take(bytes); },
                                                       [](void* block, std::size_t bytes, const char*, int) {
                                                         held -= block != nullptr ? malloc_usable_size(block) : 0;
                                                         block = std::realloc(block, bytes);
                                                         held += block != nullptr ? malloc_usable_size(block) : 0;
                                                         peak = std::max(peak, held);
                                                         return block;
                                                       },
                                                       [](void* block, const char*, int) { give_back(block); }) == 1;
  require(counted);
}

} // namespace runtime_agent::fuzz

void* operator new(std::size_t bytes) {
  void* block = runtime_agent::fuzz::take(bytes);
  if (block == nullptr)
    throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept {
  runtime_agent::fuzz::give_back(block);
}
void operator delete(void* block, std::size_t) noexcept {
  runtime_agent::fuzz::give_back(block);
}
