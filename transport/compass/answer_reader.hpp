#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "transport/failure.hpp"

/// Reads answers straight from simdjson's document into the types: no tree of our own in between.
namespace runtime_agent::compass {

/// Where in an answer something stands. Linked on the stack, and spelled out only where a Failure names it.
struct Place {
  const Place* parent = nullptr;
  std::string_view name{}; ///< a field; empty: an item of a list
  std::size_t index = 0;

  /// "applicationsForRuntime.data[3].bundles"
  std::string text() const;
};

/// The first thing that is wrong with an answer. Reading goes on with empty values after it, as far as the item under
/// way goes, and nobody uses them.
class Verdict {
public:
  /// `most_kept`: bytes of memory that all that is read with this verdict may take.
  explicit Verdict(std::size_t most_kept = std::numeric_limits<std::size_t>::max()) : most_kept_(most_kept) {}

  /// Malformed: the answer is not what the schema says.
  void wrong(const Place& place, std::string what);
  /// Malformed: there is more of it than the cluster can store, so that it must not be taken for an answer.
  void too_long(const Place& place, std::size_t bytes, std::size_t most);
  /// Conflict: the pages do not fit together; the data was changed while it was read.
  void changed(const Place& place, std::string what);
  /// Counts what stays of an answer. Too large: it is more than may be kept, whatever number of bytes it came in.
  void keep(std::size_t bytes);
  bool good() const noexcept { return !failure_; }
  const std::optional<Failure>& failure() const noexcept { return failure_; }
  /// For JSON within strings. A parser of its own: the answer's document must stay as it is.
  simdjson::dom::parser& inner_parser() { return inner_parser_; }

private:
  std::optional<Failure> failure_;
  std::size_t most_kept_;
  std::size_t kept_ = 0;
  simdjson::dom::parser inner_parser_;
};

/// An object of an answer. What is missing or null where it must not be, or of another type, goes to the verdict.
class ObjectReader {
public:
  ObjectReader(simdjson::dom::element value, const Place& place, Verdict& verdict);

  /// Not null. `not_blank`: not empty either.
  std::string text(std::string_view field, bool not_blank = false);
  std::optional<std::string> text_or_null(std::string_view field);
  std::optional<bool> flag_or_null(std::string_view field);
  bool flag(std::string_view field);
  std::uint64_t count(std::string_view field);
  /// Nullopt where it is missing or null.
  std::optional<simdjson::dom::element> value_or_null(std::string_view field) const;
  /// Nullopt, and the verdict says so, where it is missing or null.
  std::optional<simdjson::dom::element> value(std::string_view field);
  std::optional<simdjson::dom::array> list(std::string_view field);

  Place at(std::string_view field) const { return {&place_, field, 0}; }
  Verdict& verdict() const { return verdict_; }

private:
  simdjson::dom::object object_;
  bool usable_ = false;
  const Place& place_;
  Verdict& verdict_;
};

/// The fetch is over one of its bounds: `what` says which, and which size there is.
Failure over_a_bound_of_the_fetch(std::string what);

/// Compact JSON with the keys of every object sorted.
std::string sorted_json(simdjson::dom::element value);

/// "string", "list", …: for texts.
std::string_view type_name(simdjson::dom::element value);

} // namespace runtime_agent::compass
