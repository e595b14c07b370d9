#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "transport/kubernetes/json_view.hpp"

/// What tells whether an object holds what it should, without keeping the object. Source: contract §5.2, §8.2.
namespace runtime_agent::application_reconciler {

/// The first 128 bits of a SHA-256: equal content, equal digest; nothing can be read back from it.
using Digest = std::array<std::uint8_t, 16>;

/// What a member of a list is known by, type first: entries of a service by both, other objects by their id, a text by
/// itself.
struct MemberKey {
  std::string_view type, id;
  auto operator<=>(const MemberKey&) const = default;
};
/// Looks into `member`: does not outlive it.
MemberKey member_key(const kubernetes::JsonView& member);

/// Hashes a sequence of fields so that different sequences never look alike.
class Hasher {
public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  /// A byte that says what follows, or closes what was opened.
  void mark(char kind);
  /// Length and bytes.
  void text(std::string_view bytes);
  Digest finish();

private:
  void append(const void* bytes, std::size_t count);

  struct State;
  std::unique_ptr<State> state_;
};

/// A text that counts as absent: an empty one, but where that is a value of its own. See hash_json().
inline bool absent_text(std::string_view key, std::string_view value) {
  return value.empty() && key != "authCreateParameterSchema";
}

/// A JSON value whatever the order of an object's members, and of a list's: all lists that are ours are sets
/// (contract §3). Null, empty strings, empty lists and empty objects count as absent,
/// because other writers and the API server leave them out or fill them in; where that distinction matters
/// (`authCreateParameterSchema`), it is kept.
void hash_json(Hasher& hasher, const kubernetes::JsonView& value);
/// The same of these members of an object alone; `fields` is sorted.
void hash_members(Hasher& hasher, const kubernetes::JsonView& object, std::span<const std::string_view> fields);

/// A JSON text whatever the order of the members of its objects and the space between; lists keep their order. False:
/// it is no JSON, and nothing was hashed.
bool hash_json_text(Hasher& hasher, std::string_view text);

} // namespace runtime_agent::application_reconciler
