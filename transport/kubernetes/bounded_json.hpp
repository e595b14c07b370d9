#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "transport/kubernetes/api.hpp"

namespace runtime_agent::kubernetes {

/// What an answer may hold. Nesting is bounded because copying and printing a document recurse; members of one object
/// are, because looking a name up in an ordered object is linear.
struct JsonBounds {
  std::size_t max_depth = 200;
  std::size_t max_members = 20'000;
  /// Bytes of memory: of what the parser makes of the whole text, and of the tree (in a list: of each item's). An
  /// object that etcd takes, at 1.5 MiB, needs a quarter of it.
  std::size_t max_memory = 32u << 20;
};

/// Whether the parser keeps within `max_memory`, whatever the text holds.
bool parsable_within(std::string_view text, const JsonBounds& bounds = {});

/// Failure (malformed, or too_large where it is the memory): says where the text stops being JSON or which bound it
/// passes, and never quotes it (it may be a Secret). `where` is empty.
Result<Json> parse_bounded(std::string_view text, const JsonBounds& bounds = {});

/// Shows the document to `look`. False: only parse_bounded can read it, or nobody.
bool look_at(std::string_view text, const ObjectLook& look);

struct ListHead {
  std::string resource_version;
  std::string continue_token; ///< empty: the last page
};

/// An event of a watch as far as it need be read to know which it is: `type` and, of `object`, the head. Empty texts
/// where there is none. nullopt: no such event; parse_bounded says why.
struct EventHead {
  std::string type;
  ObjectHead object;
};
std::optional<EventHead> read_event_head(std::string_view line);

/// Hands the members of `items` over one at a time while the text is parsed, so that a page is held once, as text. A
/// Failure may therefore come after some have been handed over.
Result<ListHead> parse_list(std::string_view text, const ObjectReceiver& receive, const JsonBounds& bounds = {});

/// The text at this place, or empty where there is none: `text_at(object, "metadata", "name")`.
template <class... Keys>
std::string text_at(const Json& json, const Keys&... keys) {
  const Json* at = &json;
  for (const std::string_view key : {std::string_view(keys)...}) {
    if (!at->is_object())
      return {};
    const auto found = at->find(std::string(key));
    if (found == at->end())
      return {};
    at = &*found;
  }
  return at->is_string() ? at->get<std::string>() : std::string();
}

} // namespace runtime_agent::kubernetes
