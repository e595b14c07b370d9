#include "tests/sandbox/compass/graphql_schema.hpp"

#include <algorithm>
#include <stdexcept>

#include "tests/sandbox/compass/graphql_lexer.hpp"

namespace runtime_agent::sandbox::graphql {
namespace {

std::vector<ArgumentDefinition> argument_definitions(TokenReader& reader) {
  std::vector<ArgumentDefinition> arguments;
  if (!reader.skip_punctuator("("))
    return arguments;
  while (!reader.failed() && !reader.skip_punctuator(")")) {
    ArgumentDefinition argument;
    argument.name = reader.expect_name();
    reader.expect_punctuator(":");
    argument.type = reader.type_reference();
    if (reader.skip_punctuator("="))
      argument.default_value = reader.value(true);
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

void read_object(TokenReader& reader, TypeDefinition& type) {
  type.kind = TypeDefinition::Kind::object;
  reader.expect_punctuator("{");
  while (!reader.failed() && !reader.skip_punctuator("}")) {
    FieldDefinition field;
    field.name = reader.expect_name();
    field.arguments = argument_definitions(reader);
    reader.expect_punctuator(":");
    field.type = reader.type_reference();
    type.fields.push_back(std::move(field));
  }
}

TypeDefinition read_type(TokenReader& reader) {
  TypeDefinition type;
  const auto keyword = reader.expect_name();
  type.name = reader.expect_name();
  if (keyword == "type") {
    read_object(reader, type);
  } else if (keyword == "union") {
    type.kind = TypeDefinition::Kind::union_;
    reader.expect_punctuator("=");
    do
      type.members.push_back(reader.expect_name());
    while (reader.skip_punctuator("|"));
  } else if (keyword == "enum") {
    type.kind = TypeDefinition::Kind::enumeration;
    reader.expect_punctuator("{");
    while (!reader.failed() && !reader.skip_punctuator("}"))
      type.members.push_back(reader.expect_name());
  } else if (keyword != "scalar") {
    reader.unexpected();
  }
  return type;
}

} // namespace

const ArgumentDefinition* FieldDefinition::argument(std::string_view wanted) const {
  const auto found =
      std::find_if(arguments.begin(), arguments.end(), [&](const auto& argument) { return argument.name == wanted; });
  return found == arguments.end() ? nullptr : &*found;
}

const FieldDefinition* TypeDefinition::field(std::string_view wanted) const {
  static const FieldDefinition type_name{"__typename", {"String", true, nullptr}, {}};
  if (wanted == type_name.name && composite())
    return &type_name;
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.name == wanted; });
  return found == fields.end() ? nullptr : &*found;
}

Schema::Schema(std::string_view definition) {
  for (const char* name : {"Int", "Float", "String", "Boolean", "ID"})
    types_[name].name = name;
  auto tokens = tokenize(definition);
  if (!tokens)
    throw std::logic_error("sandbox schema: " + tokens.error().message);
  TokenReader reader(std::move(*tokens));
  while (!reader.failed() && reader.peek().kind != Token::Kind::end) {
    auto type = read_type(reader);
    types_[type.name] = type;
  }
  if (reader.failed())
    throw std::logic_error("sandbox schema: " + reader.error().message);
  for (const auto& [name, type] : types_)
    for (const auto& field : type.fields)
      if (types_.count(field.type.name) == 0)
        throw std::logic_error("sandbox schema: " + name + "." + field.name + " has the unknown type " +
                               field.type.name);
}

const TypeDefinition* Schema::type(std::string_view name) const {
  const auto found = types_.find(name);
  return found == types_.end() ? nullptr : &found->second;
}

const TypeDefinition* Schema::root(std::string_view operation_kind) const {
  return operation_kind == "query" ? type("Query") : operation_kind == "mutation" ? type("Mutation") : nullptr;
}

bool Schema::possible(const TypeDefinition& composite, std::string_view object) const {
  if (composite.kind == TypeDefinition::Kind::object)
    return composite.name == object;
  return std::find(composite.members.begin(), composite.members.end(), object) != composite.members.end();
}

} // namespace runtime_agent::sandbox::graphql
