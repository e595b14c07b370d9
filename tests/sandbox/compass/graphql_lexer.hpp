#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/compass/graphql_document.hpp"

namespace runtime_agent::sandbox::graphql {

struct Token {
  enum class Kind { end, punctuator, name, integer, floating, string, block_string };
  Kind kind = Kind::end;
  std::string text; ///< the punctuator, the name, the number, the string's content
  Location at;
  /// As gqlparser names it in its messages: `Name "x"`, `{`, `<EOF>`.
  std::string print() const;
};

/// Splits a document into tokens; the last one is `end`. Error: the first character that has no place.
Expected<std::vector<Token>> tokenize(std::string_view text);

/// A reader over tokens with the moves that both parsers (documents and schemas) need. The first mistake sticks:
/// afterwards every move yields empty results and `error()` holds it.
class TokenReader {
public:
  explicit TokenReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& peek() const { return tokens_[position_]; }
  Token next();
  bool at_punctuator(std::string_view text) const;
  bool at_name(std::string_view text) const;
  bool skip_punctuator(std::string_view text);
  void expect_punctuator(std::string_view text);
  std::string expect_name();
  void expect_keyword(std::string_view text);
  void unexpected();
  bool failed() const { return error_.has_value(); }
  const Error& error() const { return *error_; }
  void fail(std::string message, Location at);

  TypeReference type_reference();
  /// `constant`: variables are a mistake there.
  Value value(bool constant);

private:
  Value composite_value(bool constant);
  std::vector<Token> tokens_;
  std::size_t position_ = 0;
  int depth_ = 0; ///< bounded, so that a document cannot use up the stack
  std::optional<Error> error_;
};

} // namespace runtime_agent::sandbox::graphql
