#include "transport/memory.hpp"

#include <cstdint>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace runtime_agent {
namespace {

constexpr int large_bytes = 128 * 1024; // glibc's own beginning; left alone, it would grow to 32 MB

/// Unmaps the pages of an object that nothing ever writes to: they are read again from its file.
int unmap_pages(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0)
      continue; // relocated addresses lie in segments that may be written
    const auto begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const auto end = (object->dlpi_addr + segment.p_vaddr + segment.p_memsz + page - 1) & ~(page - 1);
    // The loader gives addresses as numbers. Of no consequence where it fails.
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED); // NOLINT(performance-no-int-to-ptr)
  }
  return 0;
}

} // namespace

void use_little_memory() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, large_bytes);
  mallopt(M_TRIM_THRESHOLD, large_bytes);
  dl_iterate_phdr(unmap_pages, nullptr);
}

} // namespace runtime_agent
