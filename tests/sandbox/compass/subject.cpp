#include "tests/sandbox/compass/subject.hpp"

#include <cctype>

#include <openssl/crypto.h>
#include <openssl/objects.h>

namespace runtime_agent::sandbox::compass {
namespace {

bool hexadecimal(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

/// Moves `position` behind the escape; its backslash is at `position`.
bool read_escape(std::string_view text, std::size_t& position, std::string& out) {
  if (position + 1 >= text.size())
    return false;
  if (position + 2 < text.size() && hexadecimal(text[position + 1]) && hexadecimal(text[position + 2])) {
    out.push_back(static_cast<char>(std::stoi(std::string(text.substr(position + 1, 2)), nullptr, 16)));
    position += 3;
  } else {
    out.push_back(text[position + 1]);
    position += 2;
  }
  return true;
}

} // namespace

tl::expected<Subject, std::string> parse_subject(std::string_view text) {
  Subject subject;
  std::size_t position = 0;
  while (position < text.size()) {
    const auto equals = text.find('=', position);
    if (equals == std::string_view::npos || equals == position)
      return tl::unexpected("no K=V at byte " + std::to_string(position));
    std::string name(text.substr(position, equals - position));
    if (name != "CN" && name != "O" && name != "OU" && name != "L" && name != "ST" && name != "C")
      return tl::unexpected("unknown attribute \"" + name + "\"");
    std::string value;
    position = equals + 1;
    while (position < text.size() && text[position] != ',') {
      if (text[position] != '\\')
        value.push_back(text[position++]);
      else if (!read_escape(text, position, value))
        return tl::unexpected(std::string("an escape without a character at the end"));
    }
    if (value.empty())
      return tl::unexpected("empty value of " + name);
    subject.emplace_back(std::move(name), std::move(value));
    if (position < text.size() && ++position == text.size())
      return tl::unexpected(std::string("a comma at the end"));
  }
  if (subject.empty())
    return tl::unexpected(std::string("empty subject"));
  return subject;
}

Subject subject_of(const X509_NAME* name) {
  Subject subject;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const auto* entry = X509_NAME_get_entry(name, i);
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    std::string value(reinterpret_cast<const char*>(utf8), size < 0 ? 0 : static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    subject.emplace_back(OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry))), std::move(value));
  }
  return subject;
}

std::string print(const Subject& subject) {
  std::string out;
  for (const auto& [name, value] : subject) {
    out += (out.empty() ? "" : ",") + name + "=";
    for (char c : value) {
      if (std::string_view(",\\=+\"<>;#").find(c) != std::string_view::npos)
        out.push_back('\\');
      out.push_back(c);
    }
  }
  return out;
}

std::string attribute(const Subject& subject, std::string_view name) {
  for (const auto& [key, value] : subject)
    if (key == name)
      return value;
  return {};
}

} // namespace runtime_agent::sandbox::compass
