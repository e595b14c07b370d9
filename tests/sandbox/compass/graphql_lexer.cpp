#include "tests/sandbox/compass/graphql_lexer.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace runtime_agent::sandbox::graphql {
namespace {

constexpr int max_depth = 200;

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool continues_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&out](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | (code >> 6));
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3F));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

/// Takes the common indentation and the blank first and last lines out of a block string (specification §2.9.4).
std::string dedent(const std::string& raw) {
  std::vector<std::string> lines(1);
  for (char c : raw) {
    if (c == '\n')
      lines.emplace_back();
    else if (c != '\r')
      lines.back().push_back(c);
  }
  const auto indentation = [](const std::string& line) { return line.find_first_not_of(" \t"); };
  std::size_t common = std::string::npos;
  for (std::size_t i = 1; i < lines.size(); ++i)
    common = std::min(common, indentation(lines[i]));
  if (common != std::string::npos)
    for (std::size_t i = 1; i < lines.size(); ++i)
      lines[i].erase(0, std::min(common, lines[i].size()));
  while (!lines.empty() && indentation(lines.front()) == std::string::npos)
    lines.erase(lines.begin());
  while (!lines.empty() && indentation(lines.back()) == std::string::npos)
    lines.pop_back();
  std::string out;
  for (const auto& line : lines)
    out += (out.empty() && &line == &lines.front() ? "" : "\n") + line;
  return out;
}

class Lexer {
public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Expected<std::vector<Token>> run() {
    std::vector<Token> tokens;
    do {
      skip_ignored();
      token_ = Token{};
      token_.at = here();
      if (!read())
        return tl::unexpected(error_);
      tokens.push_back(token_);
    } while (tokens.back().kind != Token::Kind::end);
    return tokens;
  }

private:
  Location here() const { return {line_, static_cast<int>(position_ - line_start_) + 1}; }
  char at(std::size_t offset = 0) const { return position_ + offset < text_.size() ? text_[position_ + offset] : '\0'; }
  bool done() const { return position_ >= text_.size(); }
  bool fail(std::string message) {
    error_ = Error{std::move(message), here(), nullptr, nullptr};
    return false;
  }
  void advance() {
    if (text_[position_++] == '\n') {
      ++line_;
      line_start_ = position_;
    }
  }

  void skip_ignored() {
    while (!done()) {
      if (at() == '#')
        while (!done() && at() != '\n')
          advance();
      else if (at() == ' ' || at() == '\t' || at() == '\n' || at() == '\r' || at() == ',')
        advance();
      else if (text_.substr(position_, 3) == "\xEF\xBB\xBF")
        position_ += 3;
      else
        return;
    }
  }

  bool read() {
    if (done())
      return true;
    if (starts_name(at()))
      return read_name();
    if (is_digit(at()) || at() == '-')
      return read_number();
    if (at() == '"')
      return text_.substr(position_, 3) == "\"\"\"" ? read_block_string() : read_string();
    token_.kind = Token::Kind::punctuator;
    if (text_.substr(position_, 3) == "...") {
      token_.text = "...";
      position_ += 3;
      return true;
    }
    if (std::string_view("!$&()[]{}:=@|").find(at()) == std::string_view::npos)
      return fail("Cannot parse the unexpected character \"" + std::string(1, at()) + "\".");
    token_.text = std::string(1, at());
    advance();
    return true;
  }

  bool read_name() {
    token_.kind = Token::Kind::name;
    while (continues_name(at()))
      token_.text.push_back(text_[position_++]);
    return true;
  }

  bool digits() {
    if (!is_digit(at()))
      return fail("Invalid number, expected digit but got: \"" + std::string(1, at()) + "\".");
    while (is_digit(at()))
      token_.text.push_back(text_[position_++]);
    return true;
  }

  bool read_number() {
    token_.kind = Token::Kind::integer;
    if (at() == '-')
      token_.text.push_back(text_[position_++]);
    if (at() == '0' && is_digit(at(1))) {
      ++position_;
      return fail("Invalid number, unexpected digit after 0: \"" + std::string(1, at()) + "\".");
    }
    if (!digits())
      return false;
    if (at() == '.') {
      token_.kind = Token::Kind::floating;
      token_.text.push_back(text_[position_++]);
      if (!digits())
        return false;
    }
    if (at() == 'e' || at() == 'E') {
      token_.kind = Token::Kind::floating;
      token_.text.push_back(text_[position_++]);
      if (at() == '+' || at() == '-')
        token_.text.push_back(text_[position_++]);
      if (!digits())
        return false;
    }
    if (starts_name(at()) || at() == '.')
      return fail("Invalid number, expected digit but got: \"" + std::string(1, at()) + "\".");
    return true;
  }

  bool read_string() {
    token_.kind = Token::Kind::string;
    ++position_;
    while (at() != '"') {
      if (done() || at() == '\n' || at() == '\r')
        return fail("Unterminated string.");
      if (static_cast<unsigned char>(at()) < 0x20 && at() != '\t')
        return fail("Invalid character within String: \"" + std::string(1, at()) + "\".");
      if (at() == '\\') {
        ++position_;
        if (!read_escape())
          return false;
      } else {
        token_.text.push_back(text_[position_++]);
      }
    }
    ++position_;
    return true;
  }

  bool read_escape() {
    const char c = at();
    const std::string_view names = "\"\\/bfnrt";
    const std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (const auto index = names.find(c); index != std::string_view::npos && !done()) {
      token_.text.push_back(meanings[index]);
      ++position_;
      return true;
    }
    if (c != 'u')
      return fail("Invalid character escape sequence: \\" + std::string(1, c) + ".");
    ++position_;
    std::uint32_t code = 0;
    if (!read_hex(code))
      return false;
    if (code >= 0xD800 && code < 0xDC00 && at() == '\\' && at(1) == 'u') {
      position_ += 2;
      std::uint32_t low = 0;
      if (!read_hex(low))
        return false;
      code = 0x10000 + ((code - 0xD800) << 10) + ((low - 0xDC00) & 0x3FF);
    }
    append_utf8(token_.text, code);
    return true;
  }

  bool read_hex(std::uint32_t& code) {
    for (int i = 0; i < 4; ++i) {
      if (std::isxdigit(static_cast<unsigned char>(at())) == 0)
        return fail("Invalid character escape sequence: \\u" + std::string(text_.substr(position_, 4)) + ".");
      code = code * 16 + static_cast<std::uint32_t>(std::stoi(std::string(1, at()), nullptr, 16));
      ++position_;
    }
    return true;
  }

  bool read_block_string() {
    token_.kind = Token::Kind::block_string;
    position_ += 3;
    std::string raw;
    while (text_.substr(position_, 3) != "\"\"\"") {
      if (done())
        return fail("Unterminated string.");
      if (text_.substr(position_, 4) == "\\\"\"\"") {
        raw += "\"\"\"";
        position_ += 4;
      } else {
        raw.push_back(at());
        advance();
      }
    }
    position_ += 3;
    token_.text = dedent(raw);
    return true;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
  Token token_;
  Error error_;
};

} // namespace

std::string Token::print() const {
  switch (kind) {
  case Kind::end:
    return "<EOF>";
  case Kind::punctuator:
    return text;
  case Kind::name:
    return "Name \"" + text + "\"";
  case Kind::integer:
    return "Int \"" + text + "\"";
  case Kind::floating:
    return "Float \"" + text + "\"";
  case Kind::string:
    return "String \"" + text + "\"";
  case Kind::block_string:
    return "BlockString \"" + text + "\"";
  }
  return text;
}

Expected<std::vector<Token>> tokenize(std::string_view text) {
  return Lexer(text).run();
}

Token TokenReader::next() {
  Token token = tokens_[position_];
  if (position_ + 1 < tokens_.size())
    ++position_;
  return token;
}

bool TokenReader::at_punctuator(std::string_view text) const {
  return !failed() && peek().kind == Token::Kind::punctuator && peek().text == text;
}

bool TokenReader::at_name(std::string_view text) const {
  return !failed() && peek().kind == Token::Kind::name && peek().text == text;
}

bool TokenReader::skip_punctuator(std::string_view text) {
  if (!at_punctuator(text))
    return false;
  next();
  return true;
}

void TokenReader::expect_punctuator(std::string_view text) {
  if (!skip_punctuator(text))
    fail("Expected " + std::string(text) + ", found " + peek().print(), peek().at);
}

std::string TokenReader::expect_name() {
  if (failed() || peek().kind != Token::Kind::name) {
    fail("Expected Name, found " + peek().print(), peek().at);
    return {};
  }
  return next().text;
}

void TokenReader::expect_keyword(std::string_view text) {
  if (at_name(text))
    next();
  else
    fail("Expected \"" + std::string(text) + "\", found " + peek().print(), peek().at);
}

void TokenReader::unexpected() {
  fail("Unexpected " + peek().print(), peek().at);
}

void TokenReader::fail(std::string message, Location at) {
  if (!error_)
    error_ = Error{std::move(message), at, nullptr, nullptr};
}

TypeReference TokenReader::type_reference() {
  TypeReference type;
  if (++depth_ > max_depth)
    fail("The type is nested too deeply.", peek().at);
  if (skip_punctuator("[")) {
    auto element = type_reference();
    type.name = element.name;
    type.element = std::make_shared<const TypeReference>(std::move(element));
    expect_punctuator("]");
  } else {
    type.name = expect_name();
  }
  type.non_null = skip_punctuator("!");
  --depth_;
  return type;
}

Value TokenReader::value(bool constant) {
  Value value;
  value.at = peek().at;
  if (at_punctuator("[") || at_punctuator("{"))
    return composite_value(constant);
  if (!constant && skip_punctuator("$")) {
    value.kind = Value::Kind::variable;
    value.text = expect_name();
    return value;
  }
  switch (peek().kind) {
  case Token::Kind::integer:
    value.kind = Value::Kind::integer;
    break;
  case Token::Kind::floating:
    value.kind = Value::Kind::floating;
    break;
  case Token::Kind::string:
  case Token::Kind::block_string:
    value.kind = Value::Kind::string;
    break;
  case Token::Kind::name:
    value.kind = peek().text == "null"                             ? Value::Kind::null
                 : peek().text == "true" || peek().text == "false" ? Value::Kind::boolean
                                                                   : Value::Kind::enumeration;
    break;
  default:
    unexpected();
    return value;
  }
  value.text = next().text;
  return value;
}

Value TokenReader::composite_value(bool constant) {
  Value out;
  out.at = peek().at;
  if (++depth_ > max_depth)
    fail("The value is nested too deeply.", peek().at);
  if (skip_punctuator("[")) {
    out.kind = Value::Kind::list;
    while (!failed() && !skip_punctuator("]"))
      out.items.push_back(value(constant));
  } else {
    expect_punctuator("{");
    out.kind = Value::Kind::object;
    while (!failed() && !skip_punctuator("}")) {
      auto name = expect_name();
      expect_punctuator(":");
      out.fields.push_back({std::move(name), value(constant)});
    }
  }
  --depth_;
  return out;
}

} // namespace runtime_agent::sandbox::graphql
