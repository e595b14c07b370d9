#include <cstdlib>
#include <cstring>
#include <new>

#include <malloc.h>
#include <openssl/crypto.h>

// Memory is wiped when it is given back, for whatever held a secret on its way: a request's text, an answer, a JSON
// string, the buffer that a key was parsed from. `Secret` wipes its own; these are copies in libraries that know
// nothing of it. Left out where a sanitizer has its own allocator, which checks how memory is given back.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

void wipe_and_free(void* memory) noexcept {
  if (memory == nullptr)
    return;
  explicit_bzero(memory, malloc_usable_size(memory));
  std::free(memory);
}

void* openssl_allocate(std::size_t size, const char*, int) {
  return std::malloc(size);
}

void* openssl_reallocate(void* memory, std::size_t size, const char*, int) {
  if (memory == nullptr)
    return std::malloc(size);
  const std::size_t present = malloc_usable_size(memory);
  if (size != 0 && size <= present)
    return memory;
  void* moved = size == 0 ? nullptr : std::malloc(size); // realloc itself would leave the old place as it was
  if (moved != nullptr)
    std::memcpy(moved, memory, present);
  if (moved != nullptr || size == 0)
    wipe_and_free(memory);
  return moved;
}

void openssl_free(void* memory, const char*, int) {
  wipe_and_free(memory);
}

// Before anything is allocated there, else OpenSSL refuses.
[[maybe_unused]] const int openssl_wipes = CRYPTO_set_mem_functions(openssl_allocate, openssl_reallocate, openssl_free);

} // namespace

// The standard library's forms for arrays call these.
void operator delete(void* memory) noexcept {
  wipe_and_free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  wipe_and_free(memory);
}

#endif
