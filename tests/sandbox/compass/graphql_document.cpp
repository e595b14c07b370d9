#include "tests/sandbox/compass/graphql_document.hpp"

#include "tests/sandbox/compass/graphql_lexer.hpp"

namespace runtime_agent::sandbox::graphql {
namespace {

class DocumentParser {
public:
  explicit DocumentParser(std::vector<Token> tokens) : reader_(std::move(tokens)) {}

  Expected<Document> run() {
    Document document;
    while (!reader_.failed() && reader_.peek().kind != Token::Kind::end) {
      if (reader_.at_name("fragment"))
        document.fragments.push_back(fragment());
      else if (reader_.at_punctuator("{") || reader_.at_name("query") || reader_.at_name("mutation") ||
               reader_.at_name("subscription"))
        document.operations.push_back(operation());
      else
        reader_.unexpected();
    }
    if (reader_.failed())
      return tl::unexpected(reader_.error());
    return document;
  }

private:
  Operation operation() {
    Operation operation;
    operation.at = reader_.peek().at;
    operation.kind = "query";
    if (!reader_.at_punctuator("{")) {
      operation.kind = reader_.expect_name();
      if (reader_.peek().kind == Token::Kind::name)
        operation.name = reader_.expect_name();
      if (reader_.skip_punctuator("("))
        while (!reader_.failed() && !reader_.skip_punctuator(")"))
          operation.variables.push_back(variable());
      directives();
    }
    operation.selections = selection_set();
    return operation;
  }

  VariableDefinition variable() {
    VariableDefinition definition;
    definition.at = reader_.peek().at;
    reader_.expect_punctuator("$");
    definition.name = reader_.expect_name();
    reader_.expect_punctuator(":");
    definition.type = reader_.type_reference();
    if (reader_.skip_punctuator("="))
      definition.default_value = reader_.value(true);
    directives();
    return definition;
  }

  Fragment fragment() {
    Fragment fragment;
    fragment.at = reader_.peek().at;
    reader_.expect_keyword("fragment");
    if (reader_.at_name("on"))
      reader_.unexpected();
    fragment.name = reader_.expect_name();
    reader_.expect_keyword("on");
    fragment.type_condition = reader_.expect_name();
    directives();
    fragment.selections = selection_set();
    return fragment;
  }

  std::vector<Selection> selection_set() {
    std::vector<Selection> selections;
    if (++depth_ > 100)
      reader_.fail("The selection is nested too deeply.", reader_.peek().at);
    reader_.expect_punctuator("{");
    do
      selections.push_back(selection());
    while (!reader_.failed() && !reader_.skip_punctuator("}"));
    --depth_;
    return selections;
  }

  Selection selection() {
    Selection selection;
    selection.at = reader_.peek().at;
    if (!reader_.skip_punctuator("..."))
      return field(std::move(selection));
    if (reader_.peek().kind == Token::Kind::name && !reader_.at_name("on")) {
      selection.kind = Selection::Kind::fragment_spread;
      selection.name = reader_.expect_name();
      selection.directives = directives();
      return selection;
    }
    selection.kind = Selection::Kind::inline_fragment;
    if (reader_.at_name("on")) {
      reader_.expect_name();
      selection.type_condition = reader_.expect_name();
    }
    selection.directives = directives();
    selection.selections = selection_set();
    return selection;
  }

  Selection field(Selection selection) {
    selection.alias = selection.name = reader_.expect_name();
    if (reader_.skip_punctuator(":"))
      selection.name = reader_.expect_name();
    selection.arguments = arguments();
    selection.directives = directives();
    if (reader_.at_punctuator("{"))
      selection.selections = selection_set();
    return selection;
  }

  std::vector<Argument> arguments() {
    std::vector<Argument> arguments;
    if (!reader_.skip_punctuator("("))
      return arguments;
    do {
      Argument argument;
      argument.at = reader_.peek().at;
      argument.name = reader_.expect_name();
      reader_.expect_punctuator(":");
      argument.value = reader_.value(false);
      arguments.push_back(std::move(argument));
    } while (!reader_.failed() && !reader_.skip_punctuator(")"));
    return arguments;
  }

  std::vector<Directive> directives() {
    std::vector<Directive> directives;
    while (reader_.at_punctuator("@")) {
      Directive directive;
      directive.at = reader_.next().at;
      directive.name = reader_.expect_name();
      directive.arguments = arguments();
      directives.push_back(std::move(directive));
    }
    return directives;
  }

  TokenReader reader_;
  int depth_ = 0;
};

} // namespace

Json Error::to_json() const {
  Json out{{"message", message}};
  if (at)
    out["locations"] = Json::array({{{"line", at->line}, {"column", at->column}}});
  if (!path.is_null())
    out["path"] = path;
  if (!extensions.is_null())
    out["extensions"] = extensions;
  return out;
}

std::string Value::print() const {
  std::string out;
  switch (kind) {
  case Kind::variable:
    return "$" + text;
  case Kind::string:
    return "\"" + text + "\"";
  case Kind::list:
    for (const auto& item : items)
      out += (out.empty() ? "" : ",") + item.print();
    return "[" + out + "]";
  case Kind::object:
    for (const auto& [name, value] : fields)
      out += (out.empty() ? "" : ",") + name + ":" + value.print();
    return "{" + out + "}";
  default:
    return text;
  }
}

bool Value::operator==(const Value& other) const {
  return kind == other.kind && text == other.text && items == other.items && fields == other.fields;
}

std::string TypeReference::print() const {
  return (element ? "[" + element->print() + "]" : name) + (non_null ? "!" : "");
}

const Fragment* Document::fragment(std::string_view name) const {
  for (const auto& fragment : fragments)
    if (fragment.name == name)
      return &fragment;
  return nullptr;
}

Expected<Document> parse_document(std::string_view text) {
  auto tokens = tokenize(text);
  if (!tokens)
    return tl::unexpected(tokens.error());
  return DocumentParser(std::move(*tokens)).run();
}

} // namespace runtime_agent::sandbox::graphql
