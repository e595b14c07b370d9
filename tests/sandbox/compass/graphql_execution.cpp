#include "tests/sandbox/compass/graphql_execution.hpp"

#include <algorithm>
#include <limits>

#include "tests/sandbox/compass/graphql_validation.hpp"

namespace runtime_agent::sandbox::graphql {
namespace {

Json literal(const Value& value, const Json& variables) {
  switch (value.kind) {
  case Value::Kind::variable:
    return variables.value(value.text, Json(nullptr));
  case Value::Kind::integer:
  case Value::Kind::floating:
    return Json::parse(value.text);
  case Value::Kind::boolean:
    return value.text == "true";
  case Value::Kind::null:
    return nullptr;
  case Value::Kind::list: {
    Json out = Json::array();
    for (const auto& item : value.items)
      out.push_back(literal(item, variables));
    return out;
  }
  case Value::Kind::object: {
    Json out = Json::object();
    for (const auto& [name, item] : value.fields)
      out[name] = literal(item, variables);
    return out;
  }
  case Value::Kind::string:
  case Value::Kind::enumeration:
    break;
  }
  return value.text;
}

/// The name that Go's reflection gives to the kind of a decoded JSON value; gqlparser's messages hold it.
std::string go_kind(const Json& value) {
  if (value.is_boolean())
    return "bool";
  if (value.is_array())
    return "slice";
  if (value.is_object())
    return "map";
  return "string"; // numbers too: gqlgen decodes them as json.Number, which is a string
}

/// What is wrong with a variable's value, or nothing.
std::string type_fault(const Json& value, const TypeReference& type, const Schema& schema) {
  if (value.is_null())
    return type.non_null ? "cannot be null" : "";
  if (type.element) {
    if (!value.is_array())
      return type_fault(value, *type.element, schema);
    for (const auto& item : value)
      if (auto fault = type_fault(item, *type.element, schema); !fault.empty())
        return fault;
    return {};
  }
  const auto in_range = [&value] {
    const auto number = value.get<double>();
    return number >= std::numeric_limits<std::int32_t>::min() && number <= std::numeric_limits<std::int32_t>::max();
  };
  const auto* definition = schema.type(type.name);
  const bool fits = type.name == "Int"       ? value.is_number_integer() && in_range()
                    : type.name == "Float"   ? value.is_number()
                    : type.name == "String"  ? value.is_string()
                    : type.name == "Boolean" ? value.is_boolean()
                    : type.name == "ID"      ? value.is_string() || value.is_number_integer()
                    : definition->kind == TypeDefinition::Kind::enumeration
                        ? value.is_string() && schema.possible(*definition, value.get<std::string>())
                        : true;
  return fits ? "" : "cannot use " + go_kind(value) + " as " + type.name;
}

Error refused(std::string message, const char* code) {
  return {std::move(message), std::nullopt, nullptr, Json{{"code", code}}};
}

std::vector<Error> coded(std::vector<Error> errors, const char* code) {
  for (auto& error : errors)
    error.extensions = Json{{"code", code}};
  return errors;
}

constexpr const char* parse_failed = "GRAPHQL_PARSE_FAILED";
constexpr const char* validation_failed = "GRAPHQL_VALIDATION_FAILED";

const Operation* choose(const Document& document, const std::string& name) {
  if (name.empty())
    return document.operations.size() == 1 ? &document.operations.front() : nullptr;
  const auto found = std::find_if(document.operations.begin(), document.operations.end(),
                                  [&](const auto& operation) { return operation.name == name; });
  return found == document.operations.end() ? nullptr : &*found;
}

Expected<Json> coerce_variables(const Operation& operation, const Json& given, const Schema& schema) {
  Json out = Json::object();
  for (const auto& variable : operation.variables) {
    const auto refuse = [&](std::string message) {
      auto error = refused(std::move(message), validation_failed);
      error.path = Json::array({"variable", variable.name});
      return tl::unexpected(std::move(error));
    };
    const auto found = given.find(variable.name);
    if (found == given.end()) {
      if (variable.default_value)
        out[variable.name] = literal(*variable.default_value, Json::object());
      else if (variable.type.non_null)
        return refuse("must be defined");
      continue;
    }
    if (auto fault = type_fault(*found, variable.type, schema); !fault.empty())
      return refuse(std::move(fault));
    out[variable.name] = *found;
  }
  return out;
}

class Executor {
public:
  Executor(const Request& request, const Schema& schema, Resolver& resolver)
      : request_(request), schema_(schema), resolver_(resolver) {}

  Answer run() {
    const auto* root = schema_.root(request_.operation->kind);
    if (!object({&request_.operation->selections}, *root, Source{}))
      answer_.data = "null";
    return std::move(answer_);
  }

private:
  using SelectionSets = std::vector<const std::vector<Selection>*>;
  struct CollectedField {
    const Selection* first;
    SelectionSets below;
  };

  bool included(const Selection& selection) const {
    for (const auto& directive : selection.directives) {
      const bool condition = literal(directive.arguments.front().value, request_.variables) == Json(true);
      if (condition == (directive.name == "skip"))
        return false;
    }
    return true;
  }

  void collect(const std::vector<Selection>& selections, const TypeDefinition& type,
               std::vector<CollectedField>& out) const {
    for (const auto& selection : selections) {
      if (!included(selection))
        continue;
      if (selection.kind == Selection::Kind::field) {
        const auto known = std::find_if(out.begin(), out.end(),
                                        [&](const auto& field) { return field.first->alias == selection.alias; });
        auto& field = known == out.end() ? out.emplace_back(CollectedField{&selection, {}}) : *known;
        field.below.push_back(&selection.selections);
        continue;
      }
      const auto* fragment =
          selection.kind == Selection::Kind::fragment_spread ? request_.document.fragment(selection.name) : nullptr;
      const auto& condition = fragment != nullptr ? fragment->type_condition : selection.type_condition;
      if (condition.empty() || schema_.possible(*schema_.type(condition), type.name))
        collect(fragment != nullptr ? fragment->selections : selection.selections, type, out);
    }
  }

  /// Writes the object; false: a non-null field of it is null, nothing was written.
  bool object(const SelectionSets& sets, const TypeDefinition& type, const Source& source) {
    std::vector<CollectedField> fields;
    for (const auto* set : sets)
      collect(*set, type, fields);
    const auto start = answer_.data.size();
    answer_.data += '{';
    for (const auto& field : fields) {
      if (&field != &fields.front())
        answer_.data += ',';
      answer_.data += '"' + field.first->alias + "\":";
      path_.push_back(field.first->alias);
      const bool written = this->field(field, type, source);
      path_.erase(path_.size() - 1);
      if (!written) {
        answer_.data.resize(start);
        return false;
      }
    }
    answer_.data += '}';
    return true;
  }

  bool field(const CollectedField& field, const TypeDefinition& parent, const Source& source) {
    if (field.first->name == "__typename") {
      answer_.data += '"' + parent.name + '"';
      return true;
    }
    const auto* definition = parent.field(field.first->name);
    const auto arguments = coerce_arguments(*field.first, *definition);
    auto value = resolver_.resolve({parent.name, definition->name, source, arguments});
    if (!value) {
      add(value.error());
      return null(definition->type, true);
    }
    return complete(*value, definition->type, field.below);
  }

  Json coerce_arguments(const Selection& selection, const FieldDefinition& definition) const {
    Json out = Json::object();
    for (const auto& argument : definition.arguments) {
      const auto given = std::find_if(selection.arguments.begin(), selection.arguments.end(),
                                      [&](const auto& candidate) { return candidate.name == argument.name; });
      const bool sent = given != selection.arguments.end() &&
                        (given->value.kind != Value::Kind::variable || request_.variables.contains(given->value.text));
      if (sent)
        out[argument.name] = literal(given->value, request_.variables);
      else if (argument.default_value)
        out[argument.name] = literal(*argument.default_value, Json::object());
    }
    return out;
  }

  void add(Error error) {
    error.path = path_;
    answer_.errors.push_back(std::move(error));
  }

  bool null(const TypeReference& type, bool told) {
    if (!type.non_null) {
      answer_.data += "null";
      return true;
    }
    if (!told)
      add({"must not be null", std::nullopt, nullptr, nullptr});
    return false;
  }

  bool complete(const Source& value, const TypeReference& type, const SelectionSets& below) {
    if (value.null())
      return null(type, false);
    if (type.element)
      return list(value, *type.element, below) || null(type, true);
    const auto* definition = schema_.type(type.name);
    if (!definition->composite()) {
      answer_.data += text_of(*value.json);
      return true;
    }
    if (definition->kind == TypeDefinition::Kind::union_)
      definition = schema_.type(resolver_.type_of(type.name, value));
    return object(below, *definition, value) || null(type, true);
  }

  bool list(const Source& value, const TypeReference& element, const SelectionSets& below) {
    const auto start = answer_.data.size();
    answer_.data += '[';
    std::size_t index = 0;
    const auto item = [&](const Json& json) {
      if (index > 0)
        answer_.data += ',';
      path_.push_back(index++);
      const bool written = complete(Source::of(json), element, below);
      path_.erase(path_.size() - 1);
      return written;
    };
    bool written = true;
    if (value.list)
      for (const auto* json : *value.list)
        written = written && item(*json);
    else
      for (const auto& json : *value.json)
        written = written && item(json);
    if (written)
      answer_.data += ']';
    else
      answer_.data.resize(start);
    return written;
  }

  const Request& request_;
  const Schema& schema_;
  Resolver& resolver_;
  Answer answer_;
  Json path_ = Json::array();
};

} // namespace

Source Source::made(Json value) {
  Source source;
  source.owned = std::make_shared<const Json>(std::move(value));
  source.json = source.owned.get();
  return source;
}

Source member(const FieldCall& call) {
  if (call.parent.json == nullptr || !call.parent.json->is_object())
    return {};
  const auto found = call.parent.json->find(call.field);
  if (found == call.parent.json->end())
    return {};
  return {&*found, call.parent.owned, nullptr};
}

tl::expected<std::unique_ptr<Request>, std::vector<Error>> prepare(const Json& body, const Schema& schema) {
  const auto refuse = [](Error error) { return tl::unexpected(std::vector<Error>{std::move(error)}); };
  auto document = parse_document(body.value("query", std::string()));
  if (!document)
    return tl::unexpected(coded({document.error()}, parse_failed));
  if (document->operations.empty())
    return refuse(refused("no operation provided", validation_failed));
  if (auto errors = validate(*document, schema); !errors.empty())
    return tl::unexpected(coded(std::move(errors), validation_failed));

  auto request = std::make_unique<Request>();
  request->document = std::move(*document);
  const auto name = body.contains("operationName") && body["operationName"].is_string()
                        ? body["operationName"].get<std::string>()
                        : std::string();
  request->operation = choose(request->document, name);
  if (request->operation == nullptr)
    return refuse(refused("operation " + name + " not found", validation_failed));
  const auto given = body.contains("variables") && body["variables"].is_object() ? body["variables"] : Json::object();
  auto variables = coerce_variables(*request->operation, given, schema);
  if (!variables)
    return refuse(variables.error());
  request->variables = std::move(*variables);
  return request;
}

std::string Answer::body() const {
  if (errors.empty())
    return "{\"data\":" + data + "}";
  Json list = Json::array();
  for (const auto& error : errors)
    list.push_back(error.to_json());
  return "{\"errors\":" + text_of(list) + ",\"data\":" + (data.empty() ? "null" : data) + "}";
}

Answer execute(const Request& request, const Schema& schema, Resolver& resolver) {
  return Executor(request, schema, resolver).run();
}

} // namespace runtime_agent::sandbox::graphql
