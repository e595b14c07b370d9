#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include <malloc.h>
#include <openssl/crypto.h>
#include <sys/mman.h>

// Memory is wiped when it is given back, for whatever held a secret on its way: a request's text, an answer, a JSON
// string, the buffer that a key was parsed from. `Secret` wipes its own; these are copies in libraries that know
// nothing of it. Left out where a sanitizer has its own allocator, which checks how memory is given back.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t large = 32 * page;

/// Of a large buffer whole pages are given back to the kernel, which empties them. A parser's is mostly untouched: to
/// overwrite it would first bring all of it in.
void wipe(char* memory, std::size_t size) noexcept {
  if (size >= large) {
    const std::size_t head = (page - reinterpret_cast<std::uintptr_t>(memory) % page) % page;
    const std::size_t whole = (size - head) / page * page;
    if (madvise(memory + head, whole, MADV_DONTNEED) == 0) {
      explicit_bzero(memory, head);
      explicit_bzero(memory + head + whole, size - head - whole);
      return;
    }
  }
  explicit_bzero(memory, size);
}

void wipe_and_free(void* memory) noexcept {
  if (memory == nullptr)
    return;
  const int error = errno; // stays, as free() promises it
  wipe(static_cast<char*>(memory), malloc_usable_size(memory));
  std::free(memory);
  errno = error;
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
