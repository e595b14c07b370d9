#include "actors/application_reconciler/names.hpp"

#include <algorithm>

#include "transport/encoding.hpp"

namespace runtime_agent::application_reconciler {

namespace {

constexpr std::string_view application_prefix = "mp-";
constexpr std::size_t normalized_name_limit = 57;
constexpr std::size_t secret_prefix_limit = 27; // with the dash: 27 + 36 characters of a UUID make a DNS label's 63
constexpr std::size_t label_value_limit = 63;
constexpr std::size_t subdomain_limit = 253;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_letter_or_digit(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The two letters outside ASCII that Unicode's lower-casing turns into ASCII ones (contract §6). Returns the ASCII
// letter, and by `length` how many bytes it replaces; '\0' where there is none of them.
char lower_of_unicode(std::string_view rest, std::size_t& length) {
  using namespace std::string_view_literals;
  if (rest.substr(0, 3) == "\xE2\x84\xAA"sv) { // U+212A KELVIN SIGN
    length = 3;
    return 'k';
  }
  if (rest.substr(0, 2) == "\xC4\xB0"sv) { // U+0130 LATIN CAPITAL LETTER I WITH DOT ABOVE
    length = 2;
    return 'i';
  }
  return '\0';
}

// Lower case; every run of other characters one dash; one trailing dash dropped. A character of several bytes becomes
// several dashes and then one, so that broken UTF-8 needs no case of its own.
std::string apply_application_rule(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (std::size_t i = 0; i < name.size();) {
    std::size_t length = 1;
    char c = lower_of_unicode(name.substr(i), length);
    if (c == '\0')
      c = lower(name[i]);
    if (is_lower_or_digit(c))
      out += c;
    else if (out.empty() || out.back() != '-')
      out += '-';
    i += length;
  }
  if (!out.empty() && out.back() == '-')
    out.pop_back();
  return out;
}

std::string secret_name(std::string prefix, std::string_view bundle_id) {
  if (prefix.size() > secret_prefix_limit - 1)
    prefix.resize(secret_prefix_limit - 1);
  return prefix + '-' + std::string(bundle_id);
}

} // namespace

std::string application_name(std::string_view director_name, bool normalized_by_director) {
  if (normalized_by_director)
    return std::string(director_name);
  if (director_name.starts_with(application_prefix) && apply_application_rule(director_name) == director_name)
    return std::string(director_name);
  return apply_application_rule(std::string(application_prefix) + std::string(director_name));
}

std::string normalized_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (is_letter_or_digit(c)) // before any lower-casing: U+212A becomes a dash here
      out += lower(c);
    else if (out.empty() || out.back() != '-')
      out += '-';
  }
  if (!out.empty() && out.back() == '-')
    out.pop_back();
  if (out.size() > normalized_name_limit)
    out.resize(normalized_name_limit);
  if (!out.empty() && out.front() == '-')
    out.erase(0, 1);
  return out;
}

std::string service_name(std::string_view bundle_name, std::string_view bundle_id) {
  std::string name = normalized_name(bundle_name) + '-' + sha1_hex(bundle_id).substr(0, 5);
  return name.front() == '-' ? name.substr(1) : name;
}

std::string credentials_secret_name(std::string_view application, std::string_view bundle_id) {
  return secret_name(std::string(application), bundle_id);
}

std::string parameters_secret_name(std::string_view application, std::string_view bundle_id) {
  return secret_name("params-" + std::string(application), bundle_id);
}

std::string_view application_label(std::string_view application) {
  std::string_view label = application.substr(0, label_value_limit);
  while (!label.empty() && !is_letter_or_digit(label.back()))
    label.remove_suffix(1);
  return label;
}

bool is_dns1123_subdomain(std::string_view name) {
  if (name.empty() || name.size() > subdomain_limit)
    return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (is_lower_or_digit(name[i]))
      continue;
    const bool inside = i > 0 && i + 1 < name.size();
    if (!inside)
      return false;
    if (name[i] == '.' && (!is_lower_or_digit(name[i - 1]) || !is_lower_or_digit(name[i + 1])))
      return false;
    if (name[i] != '.' && name[i] != '-')
      return false;
  }
  return true;
}

bool is_label_value(std::string_view value) {
  if (value.empty())
    return true;
  if (value.size() > label_value_limit || !is_letter_or_digit(value.front()) || !is_letter_or_digit(value.back()))
    return false;
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

} // namespace runtime_agent::application_reconciler
