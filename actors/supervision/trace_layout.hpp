#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "actors/supervision/span.hpp"

/// How the trace ring lies in memory, which may be a mapped file: header, names, cells, counts of cycles, retained
/// cycles. All numbers are the machine's own; a file is read on the kind of machine that wrote it. Zeros are valid
/// everywhere: a fresh file needs nothing but its header.
namespace runtime_agent::supervision::layout {

inline constexpr std::array<char, 8> magic{'R', 'A', 'T', 'R', 'A', 'C', 'E', '\n'};
/// Goes up with every change of what is below, or of SpanRecord.
inline constexpr std::uint32_t version = 1;

inline constexpr std::size_t names = 1024;
inline constexpr std::size_t name_size = 64;
/// Sets of four: a cycle keeps its count until four younger ones fall on the same set.
inline constexpr std::size_t count_sets = 512;
inline constexpr std::size_t ways = 4;

inline constexpr std::size_t record_words = sizeof(SpanRecord) / sizeof(std::uint64_t);

/// Why the process ended, as far as it could say so.
struct End {
  std::atomic<std::uint32_t> length; ///< of the text; 0: nothing was said
  std::atomic<std::int32_t> exit_code;
  std::atomic<std::int64_t> time; ///< nanoseconds since 1970
  std::array<char, 2000> text;
};

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t record_size;
  std::array<std::uint8_t, 16> boot; ///< the machine's boot id
  std::uint64_t process;             ///< its id
  std::int64_t started;              ///< nanoseconds since 1970
  std::uint64_t cells;
  std::uint64_t retained; ///< cycles
  std::uint64_t spans_per_retained;
  std::uint32_t checksum; ///< of the fields above
  std::atomic<std::uint32_t> name_count;
  End end;
};
inline constexpr std::size_t header_size = 4096;
static_assert(sizeof(Header) <= header_size);

/// One place of the ring.
struct Cell {
  std::atomic<std::uint64_t> version; ///< odd while it is being written
  std::array<std::atomic<std::uint64_t>, record_words> content;
};

enum CountFlags : std::uint32_t { failing = 1 };

/// What is known of one cycle.
struct Count {
  std::atomic<std::uint64_t> key;   ///< see `key_of`; 0: free
  std::atomic<std::uint64_t> used;  ///< sequence of its last span
  std::atomic<std::int64_t> begin;  ///< of its first span, nanoseconds since 1970
  std::atomic<std::int64_t> end;    ///< of its last span
  std::atomic<std::uint32_t> spans; ///< those over the limit included
  std::atomic<std::uint32_t> kept;  ///< `spans` when it was last copied to the retained cycles
  std::atomic<std::uint32_t> flags;
};

/// Head of one retained cycle; its spans lie behind it.
struct Retained {
  std::atomic<std::uint64_t> version; ///< odd while it is being written
  std::array<std::uint8_t, 16> trace;
  std::int64_t stored;   ///< nanoseconds since 1970; 0: free
  std::uint32_t counted; ///< spans that the cycle had
  std::uint32_t spans;   ///< of them, those that lie here
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free &&
              std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 && sizeof(std::atomic<std::uint32_t>) == 4);

/// Where the parts lie, in bytes from the beginning.
struct Places {
  std::size_t names, cells, counts, retained, retained_stride, size;

  Places(std::uint64_t cell_count, std::uint64_t retained_count, std::uint64_t spans_per_retained)
      : names(header_size), cells(names + layout::names * name_size), counts(cells + cell_count * sizeof(Cell)),
        retained(counts + count_sets * ways * sizeof(Count)),
        retained_stride(sizeof(Retained) + spans_per_retained * sizeof(SpanRecord)),
        size(retained + retained_count * retained_stride) {}
};

std::uint64_t key_of(const std::array<std::uint8_t, 16>& trace) noexcept;
/// Of everything but the checksum itself.
std::uint32_t checksum_of(SpanRecord record) noexcept;
std::uint32_t checksum_of(const Header& header) noexcept;

} // namespace runtime_agent::supervision::layout
