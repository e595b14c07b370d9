#include "transport/x509/subject.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace runtime_agent::x509 {
namespace {

constexpr std::array<std::string_view, 6> known_types{"CN", "O", "OU", "L", "ST", "C"};
/// What RFC 4514 §2.4 lets follow a backslash as itself.
constexpr std::string_view escapable = " \"#+,;<=>\\";

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Length of the sequence that a lead byte begins, and the least code point that may need it; 0: no lead byte.
std::pair<std::size_t, std::uint32_t> utf8_sequence(unsigned char lead) {
  if (lead < 0x80)
    return {1, 0};
  if ((lead & 0xe0) == 0xc0)
    return {2, 0x80};
  if ((lead & 0xf0) == 0xe0)
    return {3, 0x800};
  if ((lead & 0xf8) == 0xf0)
    return {4, 0x10000};
  return {0, 0};
}

/// No overlong forms, no surrogates, nothing over U+10FFFF.
bool valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const auto [length, least] = utf8_sequence(lead);
    if (length == 0 || length > text.size() - i)
      return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80)
        return false;
      code = (code << 6) | (next & 0x3fu);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      return false;
    i += length;
  }
  return true;
}

class Parser {
public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Subject> parse() {
    Subject subject;
    if (text_.size() > longest_subject)
      return over("bytes", text_.size(), longest_subject);
    do {
      SubjectAttribute attribute;
      if (subject.size() == most_attributes)
        return over("attributes", subject.size() + 1, most_attributes);
      if (!read_type(attribute.type) || !read_value(attribute.value) || !check(attribute))
        return failed(Failure{.kind = FailureKind::malformed, .where = "subject of the CSR", .what = problem_});
      subject.push_back(std::move(attribute));
    } while (take(','));
    return subject;
  }

private:
  static tl::unexpected<Failure> over(const char* unit, std::size_t size, std::size_t most) {
    return failed(Failure{.kind = FailureKind::malformed,
                          .where = "subject of the CSR",
                          .what = "has " + std::to_string(size) + " " + unit + " or more, and the limit is " +
                                  std::to_string(most),
                          .next = "it has to become shorter in Compass"});
  }
  bool wrong(std::size_t position, const std::string& what) {
    problem_ = what + " at byte " + std::to_string(position);
    return false;
  }
  bool at_end() const { return position_ == text_.size(); }
  char here() const { return text_[position_]; }
  bool take(char c) {
    if (at_end() || here() != c)
      return false;
    ++position_;
    return true;
  }
  void skip_blanks() {
    while (take(' ')) {
    }
  }

  bool read_type(std::string& type) {
    skip_blanks();
    const auto start = position_;
    while (!at_end() && here() != '=' && here() != ',')
      type += here() >= 'a' && here() <= 'z' ? static_cast<char>(here() - 0x20) : here(), ++position_;
    type.erase(type.find_last_not_of(' ') + 1);
    if (type.empty())
      return wrong(start, "an attribute like CN=… is missing");
    if (!take('='))
      return wrong(position_, "the attribute has no =");
    if (std::find(known_types.begin(), known_types.end(), type) == known_types.end())
      return wrong(start, "the attribute is none of CN O OU L ST C");
    return true;
  }

  bool read_value(std::string& value) {
    skip_blanks();
    value_start_ = position_;
    return take('"') ? read_quoted(value) : read_plain(value);
  }

  bool read_plain(std::string& value) {
    std::size_t end = 0; // behind the last character that is no blank, or is an escaped one
    while (!at_end() && here() != ',') {
      const bool escaped = here() == '\\';
      if (escaped ? !read_escape(value) : !read_character(value))
        return false;
      if (escaped || value.back() != ' ')
        end = value.size();
    }
    value.resize(end);
    return true;
  }

  bool read_quoted(std::string& value) {
    while (!take('"')) {
      if (at_end())
        return wrong(value_start_, "the quotes are not closed");
      if (here() == '\\' ? !read_escape(value) : !read_character(value))
        return false;
    }
    skip_blanks();
    return at_end() || here() == ',' || wrong(position_, "there is text behind the closing quotes");
  }

  bool read_character(std::string& value) {
    value += text_[position_++];
    return true;
  }

  bool read_escape(std::string& value) {
    const auto start = position_++;
    if (at_end())
      return wrong(start, "the backslash escapes nothing");
    if (escapable.find(here()) != std::string_view::npos)
      return read_character(value);
    const int high = hex_digit(here());
    const int low = position_ + 1 < text_.size() ? hex_digit(text_[position_ + 1]) : -1;
    if (high < 0 || low < 0)
      return wrong(start, "the backslash is followed by neither a special character nor two hexadecimal digits");
    value += static_cast<char>(high * 16 + low);
    position_ += 2;
    return true;
  }

  bool check(const SubjectAttribute& attribute) {
    if (attribute.value.empty())
      return wrong(value_start_, "the value is empty");
    if (attribute.value.find('\0') != std::string::npos)
      return wrong(value_start_, "the value holds a NUL");
    if (!valid_utf8(attribute.value))
      return wrong(value_start_, "the value is no UTF-8");
    const auto letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
    if (attribute.type == "C" &&
        (attribute.value.size() != 2 || !letter(attribute.value[0]) || !letter(attribute.value[1])))
      return wrong(value_start_, "the country is not of two letters");
    return true;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t value_start_ = 0;
  std::string problem_;
};

} // namespace

Result<Subject> parse_subject(std::string_view text) {
  return Parser(text).parse();
}

} // namespace runtime_agent::x509
