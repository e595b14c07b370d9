#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/compass/graphql_document.hpp"

namespace runtime_agent::sandbox::graphql {

struct ArgumentDefinition {
  std::string name;
  TypeReference type;
  std::optional<Value> default_value;
};

struct FieldDefinition {
  std::string name;
  TypeReference type;
  std::vector<ArgumentDefinition> arguments;
  const ArgumentDefinition* argument(std::string_view name) const;
};

struct TypeDefinition {
  enum class Kind { scalar, object, union_, enumeration };
  Kind kind = Kind::scalar;
  std::string name;
  std::vector<FieldDefinition> fields; ///< of an object
  std::vector<std::string> members;    ///< of a union: its types; of an enumeration: its values
  const FieldDefinition* field(std::string_view name) const;
  bool composite() const { return kind == Kind::object || kind == Kind::union_; }
};

/// A service's types. Root types are called Query and Mutation.
class Schema {
public:
  /// From the schema definition language: `scalar`, `type`, `union`, `enum`. Throws std::logic_error on a mistake:
  /// the texts are part of the program.
  explicit Schema(std::string_view definition);

  const TypeDefinition* type(std::string_view name) const;
  /// The root type of "query" or "mutation"; null where there is none.
  const TypeDefinition* root(std::string_view operation_kind) const;
  /// Whether an object of type `object` can be met where `composite` is expected.
  bool possible(const TypeDefinition& composite, std::string_view object) const;

private:
  std::map<std::string, TypeDefinition, std::less<>> types_;
};

} // namespace runtime_agent::sandbox::graphql
