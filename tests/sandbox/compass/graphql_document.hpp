#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

/// A GraphQL of the sandbox's own (October 2021 edition, as far as services need it): written apart from the agent's,
/// so that the two do not share a mistake. Introspection beyond `__typename`, subscriptions and input objects in the
/// schema are left out.
namespace runtime_agent::sandbox::graphql {

using Json = nlohmann::json;

/// Place in a document, both from 1, columns in bytes.
struct Location {
  int line = 1;
  int column = 1;
};

/// One entry of `errors`.
struct Error {
  std::string message;
  std::optional<Location> at;
  Json path = nullptr;       ///< array of names and indices, or null: left out
  Json extensions = nullptr; ///< object, or null: left out
  Json to_json() const;
};

template <class T>
using Expected = tl::expected<T, Error>;

struct Field;

/// A literal or variable as it stands in the document.
struct Value {
  enum class Kind { variable, integer, floating, string, boolean, null, enumeration, list, object };
  Kind kind = Kind::null;
  std::string text;          ///< the variable's or enumeration's name, the number's or string's content
  std::vector<Value> items;  ///< of a list
  std::vector<Field> fields; ///< of an object
  Location at;
  /// As gqlparser prints it in its messages.
  std::string print() const;
  bool operator==(const Value& other) const;
};

struct Field {
  std::string name;
  Value value;
  bool operator==(const Field& other) const = default;
};

/// `Name`, `[Type]`, each perhaps with `!`.
struct TypeReference {
  std::string name; ///< of the innermost type
  bool non_null = false;
  std::shared_ptr<const TypeReference> element; ///< of a list
  std::string print() const;
};

struct Argument {
  std::string name;
  Value value;
  Location at;
};

struct Directive {
  std::string name;
  std::vector<Argument> arguments;
  Location at;
};

struct Selection {
  enum class Kind { field, inline_fragment, fragment_spread };
  Kind kind = Kind::field;
  std::string alias; ///< the key in the answer: the alias, or the name where there is none
  std::string name;  ///< of the field or of the fragment
  std::string type_condition;
  std::vector<Argument> arguments;
  std::vector<Directive> directives;
  std::vector<Selection> selections;
  Location at;
};

struct VariableDefinition {
  std::string name;
  TypeReference type;
  std::optional<Value> default_value;
  Location at;
};

struct Operation {
  std::string kind; ///< "query", "mutation", "subscription"
  std::string name; ///< empty: anonymous
  std::vector<VariableDefinition> variables;
  std::vector<Selection> selections;
  Location at;
};

struct Fragment {
  std::string name;
  std::string type_condition;
  std::vector<Selection> selections;
  Location at;
};

struct Document {
  std::vector<Operation> operations;
  std::vector<Fragment> fragments;
  const Fragment* fragment(std::string_view name) const;
};

/// Parses an executable document. Error: the first mistake, in gqlparser's words, with its place.
Expected<Document> parse_document(std::string_view text);

} // namespace runtime_agent::sandbox::graphql
