#include "tests/sandbox/compass/graphql_validation.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <set>

namespace runtime_agent::sandbox::graphql {
namespace {

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

bool fits_int(const std::string& digits) {
  std::int32_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return result.ec == std::errc{} && result.ptr == digits.data() + digits.size();
}

/// Whether a variable of type `from` may stand where `to` is expected (§5.8.5, without the default's exception).
bool compatible(const TypeReference& from, const TypeReference& to) {
  if (to.non_null && !from.non_null)
    return false;
  if ((from.element != nullptr) != (to.element != nullptr))
    return false;
  return from.element ? compatible(*from.element, *to.element) : from.name == to.name;
}

class Validator {
public:
  Validator(const Document& document, const Schema& schema) : document_(document), schema_(schema) {}

  std::vector<Error> run() {
    check_names();
    for (const auto& fragment : document_.fragments)
      check_fragment(fragment);
    for (const auto& operation : document_.operations)
      check_operation(operation);
    for (const auto& fragment : document_.fragments)
      if (spread_fragments_.count(fragment.name) == 0)
        add("Fragment " + in_quotes(fragment.name) + " is never used.", fragment.at);
    return std::move(errors_);
  }

private:
  void add(std::string message, Location at) {
    // A fragment is walked again for each operation that spreads it; its own faults are told once.
    for (const auto& known : errors_)
      if (known.message == message && known.at->line == at.line && known.at->column == at.column)
        return;
    errors_.push_back(Error{std::move(message), at, nullptr, nullptr});
  }

  void check_names() {
    std::set<std::string> names;
    for (const auto& operation : document_.operations) {
      if (operation.name.empty() && document_.operations.size() > 1)
        add("This anonymous operation must be the only defined operation.", operation.at);
      if (!operation.name.empty() && !names.insert(operation.name).second)
        add("There can be only one operation named " + in_quotes(operation.name) + ".", operation.at);
    }
    names.clear();
    for (const auto& fragment : document_.fragments)
      if (!names.insert(fragment.name).second)
        add("There can be only one fragment named " + in_quotes(fragment.name) + ".", fragment.at);
  }

  void check_fragment(const Fragment& fragment) {
    const auto* type = schema_.type(fragment.type_condition);
    if (type == nullptr)
      return add("Unknown type " + in_quotes(fragment.type_condition) + ".", fragment.at);
    if (!type->composite())
      return add("Fragment " + in_quotes(fragment.name) + " cannot condition on non composite type " +
                     in_quotes(fragment.type_condition) + ".",
                 fragment.at);
    std::set<std::string> seen;
    if (reaches(fragment.selections, fragment.name, seen))
      add("Cannot spread fragment " + in_quotes(fragment.name) + " within itself.", fragment.at);
  }

  bool reaches(const std::vector<Selection>& selections, const std::string& name, std::set<std::string>& seen) const {
    for (const auto& selection : selections) {
      if (reaches(selection.selections, name, seen))
        return true;
      if (selection.kind != Selection::Kind::fragment_spread)
        continue;
      if (selection.name == name)
        return true;
      const auto* fragment = document_.fragment(selection.name);
      if (fragment != nullptr && seen.insert(selection.name).second && reaches(fragment->selections, name, seen))
        return true;
    }
    return false;
  }

  void check_operation(const Operation& operation) {
    operation_ = &operation;
    used_variables_.clear();
    const auto* root = schema_.root(operation.kind);
    if (root == nullptr)
      return add("Schema does not support operation type " + in_quotes(operation.kind), operation.at);
    check_variable_definitions(operation);
    open_fragments_.clear();
    check_selections(operation.selections, *root);
    check_conflicts(operation.selections, *root);
    for (const auto& variable : operation.variables)
      if (used_variables_.count(variable.name) == 0)
        add("Variable " + in_quotes("$" + variable.name) + " is never used" + in_operation("in") + ".", variable.at);
  }

  std::string in_operation(const char* preposition) const {
    return operation_->name.empty() ? "" : " " + std::string(preposition) + " operation " + in_quotes(operation_->name);
  }

  void check_variable_definitions(const Operation& operation) {
    std::set<std::string> names;
    for (const auto& variable : operation.variables) {
      if (!names.insert(variable.name).second)
        add("There can be only one variable named " + in_quotes("$" + variable.name) + ".", variable.at);
      const auto* type = schema_.type(variable.type.name);
      if (type == nullptr)
        add("Unknown type " + in_quotes(variable.type.name) + ".", variable.at);
      else if (type->composite())
        add("Variable " + in_quotes("$" + variable.name) + " cannot be non-input type " +
                in_quotes(variable.type.print()) + ".",
            variable.at);
      else if (variable.default_value)
        check_value(*variable.default_value, variable.type, false);
    }
  }

  void check_selections(const std::vector<Selection>& selections, const TypeDefinition& parent) {
    for (const auto& selection : selections) {
      check_directives(selection);
      if (selection.kind == Selection::Kind::field)
        check_field(selection, parent);
      else if (selection.kind == Selection::Kind::inline_fragment)
        check_inline_fragment(selection, parent);
      else
        check_spread(selection, parent);
    }
  }

  void check_directives(const Selection& selection) {
    static const ArgumentDefinition condition{"if", {"Boolean", true, nullptr}, std::nullopt};
    for (const auto& directive : selection.directives) {
      if (directive.name != "include" && directive.name != "skip") {
        add("Unknown directive " + in_quotes("@" + directive.name) + ".", directive.at);
        continue;
      }
      if (directive.arguments.size() != 1 || directive.arguments.front().name != condition.name)
        add("Directive " + in_quotes("@" + directive.name) +
                " argument \"if\" of type \"Boolean!\" is required, but it was not provided.",
            directive.at);
      else
        check_value(directive.arguments.front().value, condition.type, false);
    }
  }

  void check_field(const Selection& selection, const TypeDefinition& parent) {
    const auto* field = parent.field(selection.name);
    if (field == nullptr)
      return unknown_field(selection, parent);
    check_arguments(selection, parent, *field);
    const auto* type = schema_.type(field->type.name);
    if (type->composite() && selection.selections.empty())
      return add("Field " + in_quotes(selection.name) + " of type " + in_quotes(field->type.print()) +
                     " must have a selection of subfields. Did you mean " + in_quotes(selection.name + " { ... }") +
                     "?",
                 selection.at);
    if (!type->composite() && !selection.selections.empty())
      return add("Field " + in_quotes(selection.name) + " must not have a selection since type " +
                     in_quotes(type->name) + " has no subfields.",
                 selection.at);
    if (type->composite())
      check_selections(selection.selections, *type);
  }

  void unknown_field(const Selection& selection, const TypeDefinition& parent) {
    std::string message =
        "Cannot query field " + in_quotes(selection.name) + " on type " + in_quotes(parent.name) + ".";
    if (parent.kind == TypeDefinition::Kind::union_)
      for (const auto& member : parent.members)
        if (schema_.type(member)->field(selection.name) != nullptr) {
          message += " Did you mean to use an inline fragment on " + in_quotes(member) + "?";
          break;
        }
    add(std::move(message), selection.at);
  }

  void check_arguments(const Selection& selection, const TypeDefinition& parent, const FieldDefinition& field) {
    std::set<std::string> given;
    for (const auto& argument : selection.arguments) {
      if (!given.insert(argument.name).second)
        add("There can be only one argument named " + in_quotes(argument.name) + ".", argument.at);
      const auto* definition = field.argument(argument.name);
      if (definition == nullptr) {
        note_variables(argument.value);
        add("Unknown argument " + in_quotes(argument.name) + " on field " + in_quotes(selection.name) + " of type " +
                in_quotes(parent.name) + ".",
            selection.at);
      } else {
        check_value(argument.value, definition->type, definition->default_value.has_value());
      }
    }
    for (const auto& definition : field.arguments)
      if (definition.type.non_null && !definition.default_value && given.count(definition.name) == 0)
        add("Field " + in_quotes(selection.name) + " argument " + in_quotes(definition.name) + " of type " +
                in_quotes(definition.type.print()) + " is required, but it was not provided.",
            selection.at);
  }

  void note_variables(const Value& value) {
    if (value.kind == Value::Kind::variable)
      used_variables_.insert(value.text);
    for (const auto& item : value.items)
      note_variables(item);
    for (const auto& [name, item] : value.fields)
      note_variables(item);
  }

  void check_value(const Value& value, const TypeReference& type, bool has_default) {
    if (value.kind == Value::Kind::variable)
      return check_variable(value, type, has_default);
    if (value.kind == Value::Kind::null) {
      if (type.non_null)
        add("Expected value of type " + in_quotes(type.print()) + ", found null.", value.at);
      return;
    }
    if (type.element) {
      if (value.kind != Value::Kind::list)
        return check_value(value, *type.element, false);
      for (const auto& item : value.items)
        check_value(item, *type.element, false);
      return;
    }
    check_literal(value, type);
  }

  void check_literal(const Value& value, const TypeReference& type) {
    using Kind = Value::Kind;
    const auto refuse = [&](const std::string& rule) { add(type.name + rule + value.print(), value.at); };
    if (type.name == "Int") {
      if (value.kind != Kind::integer)
        refuse(" cannot represent non-integer value: ");
      else if (!fits_int(value.text))
        refuse(" cannot represent non 32-bit signed integer value: ");
    } else if (type.name == "Float") {
      if (value.kind != Kind::integer && value.kind != Kind::floating)
        refuse(" cannot represent non numeric value: ");
    } else if (type.name == "String") {
      if (value.kind != Kind::string)
        refuse(" cannot represent a non string value: ");
    } else if (type.name == "Boolean") {
      if (value.kind != Kind::boolean)
        refuse(" cannot represent a non boolean value: ");
    } else if (type.name == "ID") {
      if (value.kind != Kind::string && value.kind != Kind::integer)
        refuse(" cannot represent a non-string and non-integer value: ");
    } else if (const auto* definition = schema_.type(type.name);
               definition->kind == TypeDefinition::Kind::enumeration) {
      if (value.kind != Kind::enumeration)
        add("Enum " + in_quotes(type.name) + " cannot represent non-enum value: " + value.print() + ".", value.at);
      else if (!schema_.possible(*definition, value.text))
        add("Value " + in_quotes(value.text) + " does not exist in " + in_quotes(type.name) + " enum.", value.at);
    } else {
      note_variables(value); // a scalar of the service's own takes any literal
    }
  }

  void check_variable(const Value& value, const TypeReference& type, bool has_default) {
    used_variables_.insert(value.text);
    const auto& variables = operation_->variables;
    const auto found = std::find_if(variables.begin(), variables.end(),
                                    [&](const auto& definition) { return definition.name == value.text; });
    if (found == variables.end())
      return add("Variable " + in_quotes("$" + value.text) + " is not defined" + in_operation("by") + ".", value.at);
    auto given = found->type;
    // A default, the variable's or the argument's, stands in for a variable that is not sent.
    if ((found->default_value && found->default_value->kind != Value::Kind::null) || has_default)
      given.non_null = true;
    if (!compatible(given, type))
      add("Variable " + in_quotes("$" + value.text) + " of type " + in_quotes(found->type.print()) +
              " used in position expecting type " + in_quotes(type.print()) + ".",
          value.at);
  }

  void check_inline_fragment(const Selection& selection, const TypeDefinition& parent) {
    if (selection.type_condition.empty())
      return check_selections(selection.selections, parent);
    const auto* type = schema_.type(selection.type_condition);
    if (type == nullptr)
      return add("Unknown type " + in_quotes(selection.type_condition) + ".", selection.at);
    if (!type->composite())
      return add("Fragment cannot condition on non composite type " + in_quotes(type->name) + ".", selection.at);
    if (!overlap(*type, parent))
      return add("Fragment cannot be spread here as objects of type " + in_quotes(parent.name) +
                     " can never be of type " + in_quotes(type->name) + ".",
                 selection.at);
    check_selections(selection.selections, *type);
  }

  void check_spread(const Selection& selection, const TypeDefinition& parent) {
    const auto* fragment = document_.fragment(selection.name);
    if (fragment == nullptr)
      return add("Unknown fragment " + in_quotes(selection.name) + ".", selection.at);
    spread_fragments_.insert(selection.name);
    const auto* type = schema_.type(fragment->type_condition);
    if (type == nullptr || !type->composite() || open_fragments_.count(selection.name) != 0)
      return;
    if (!overlap(*type, parent))
      return add("Fragment " + in_quotes(selection.name) + " cannot be spread here as objects of type " +
                     in_quotes(parent.name) + " can never be of type " + in_quotes(type->name) + ".",
                 selection.at);
    open_fragments_.insert(selection.name);
    check_selections(fragment->selections, *type);
    open_fragments_.erase(selection.name);
  }

  bool overlap(const TypeDefinition& a, const TypeDefinition& b) const {
    if (a.kind == TypeDefinition::Kind::object)
      return schema_.possible(b, a.name);
    return std::any_of(a.members.begin(), a.members.end(),
                       [&](const auto& member) { return schema_.possible(b, member); });
  }

  struct FlatField {
    const Selection* selection;
    const TypeDefinition* parent;
  };

  void flatten(const std::vector<Selection>& selections, const TypeDefinition& parent, std::set<std::string>& seen,
               std::vector<FlatField>& out) const {
    for (const auto& selection : selections) {
      const auto* fragment =
          selection.kind == Selection::Kind::fragment_spread ? document_.fragment(selection.name) : nullptr;
      if (selection.kind == Selection::Kind::field) {
        out.push_back({&selection, &parent});
      } else if (selection.kind == Selection::Kind::inline_fragment) {
        const auto* type = selection.type_condition.empty() ? &parent : schema_.type(selection.type_condition);
        if (type != nullptr)
          flatten(selection.selections, *type, seen, out);
      } else if (fragment != nullptr && seen.insert(selection.name).second) {
        if (const auto* type = schema_.type(fragment->type_condition); type != nullptr)
          flatten(fragment->selections, *type, seen, out);
      }
    }
  }

  /// One key of the answer must not mean two things (§5.3.2): two fields, or one with two sets of arguments.
  void check_conflicts(const std::vector<Selection>& selections, const TypeDefinition& parent) {
    std::vector<FlatField> fields;
    std::set<std::string> seen;
    flatten(selections, parent, seen, fields);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      for (std::size_t j = i + 1; j < fields.size(); ++j)
        check_pair(fields[i], fields[j]);
      const auto* field = fields[i].parent->field(fields[i].selection->name);
      const auto* type = field == nullptr ? nullptr : schema_.type(field->type.name);
      if (type != nullptr && !fields[i].selection->selections.empty() && depth_ < 60) {
        ++depth_;
        check_conflicts(fields[i].selection->selections, *type);
        --depth_;
      }
    }
  }

  void check_pair(const FlatField& a, const FlatField& b) {
    if (a.selection->alias != b.selection->alias)
      return;
    const bool exclusive = a.parent != b.parent && a.parent->kind == TypeDefinition::Kind::object &&
                           b.parent->kind == TypeDefinition::Kind::object;
    const auto conflict = [&](const std::string& reason) {
      add("Fields " + in_quotes(a.selection->alias) + " conflict because " + reason +
              ". Use different aliases on the fields to fetch both if this was intentional.",
          a.selection->at);
    };
    if (!exclusive && a.selection->name != b.selection->name)
      return conflict(a.selection->name + " and " + b.selection->name + " are different fields");
    if (!exclusive && !same_arguments(*a.selection, *b.selection))
      return conflict("they have differing arguments");
    const auto* first = a.parent->field(a.selection->name);
    const auto* second = b.parent->field(b.selection->name);
    if (first != nullptr && second != nullptr && first->type.print() != second->type.print())
      conflict("they return conflicting types " + first->type.print() + " and " + second->type.print());
  }

  static bool same_arguments(const Selection& a, const Selection& b) {
    return a.arguments.size() == b.arguments.size() &&
           std::all_of(a.arguments.begin(), a.arguments.end(), [&](const Argument& argument) {
             return std::any_of(b.arguments.begin(), b.arguments.end(), [&](const Argument& other) {
               return other.name == argument.name && other.value == argument.value;
             });
           });
  }

  const Document& document_;
  const Schema& schema_;
  const Operation* operation_ = nullptr;
  std::vector<Error> errors_;
  std::set<std::string> used_variables_;
  std::set<std::string> spread_fragments_;
  std::set<std::string> open_fragments_; ///< guards against fragments that spread themselves
  int depth_ = 0;
};

} // namespace

std::vector<Error> validate(const Document& document, const Schema& schema) {
  return Validator(document, schema).run();
}

} // namespace runtime_agent::sandbox::graphql
