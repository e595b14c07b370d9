#include "transport/graphql/redaction.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "transport/graphql/execute.hpp"
#include "transport/http/status.hpp"

namespace runtime_agent::graphql {
namespace {

// Sorted: of an object that keeps its order each member is looked for among all the others before it.
using Json = nlohmann::json;

constexpr std::string_view mark = "[redacted]";
// Of a document whose fields are looked at: what nlohmann makes of dense JSON takes twenty times the text.
constexpr std::size_t most_read_bytes = 1u << 20;

std::string dumped(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_spelling(const std::string& text) {
  const auto quoted = dumped(text);
  return quoted.substr(1, quoted.size() - 2);
}

std::string url_spelling(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

/// Fields of the Connector's and the Director's schemas whose values are secrets or may hold some.
bool holds_a_secret(const std::string& field) {
  static constexpr std::array<std::string_view, 10> fields{"token",     "username",          "password",
                                                           "clientId",  "clientSecret",      "certificate",
                                                           "csr",       "additionalHeaders", "additionalQueryParams",
                                                           "credential"};
  return std::find(fields.begin(), fields.end(), field) != fields.end();
}

void hide_secrets(Json& value) {
  for (auto& [key, child] : value.items()) {
    if (value.is_object() && holds_a_secret(key) && !child.is_null() && !(key == "token" && child.is_object()))
      child = mark;
    else if (child.is_structured())
      hide_secrets(child);
  }
}

// Knuth, Morris and Pratt: linear whatever a server writes, where a plain search takes the product of both lengths.
void hide(std::string_view text, std::string_view secret, std::vector<bool>& hidden) {
  std::vector<std::size_t> border(secret.size(), 0); // of each beginning of the secret
  for (std::size_t i = 1, length = 0; i < secret.size(); ++i) {
    while (length > 0 && secret[i] != secret[length])
      length = border[length - 1];
    length += secret[i] == secret[length] ? 1U : 0U;
    border[i] = length;
  }
  std::size_t matched = 0, hidden_until = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (matched > 0 && text[i] != secret[matched])
      matched = border[matched - 1];
    matched += text[i] == secret[matched] ? 1U : 0U;
    if (matched < secret.size())
      continue;
    for (auto at = std::max(hidden_until, i + 1 - secret.size()); at <= i; ++at)
      hidden[at] = true;
    hidden_until = i + 1;
    matched = border[matched - 1];
  }
}

} // namespace

void Redaction::add(const Secret& secret) {
  if (secret.empty())
    return;
  for (auto spelling : {secret.reveal(), json_spelling(secret.reveal()), url_spelling(secret.reveal())})
    if (std::none_of(spellings_.begin(), spellings_.end(), [&](auto& known) { return known.reveal() == spelling; }))
      spellings_.emplace_back(std::move(spelling));
  std::stable_sort(spellings_.begin(), spellings_.end(),
                   [](const Secret& a, const Secret& b) { return a.reveal().size() > b.reveal().size(); });
}

// Every byte of every occurrence is found before anything is replaced: no search looks into a mark, and no replacement
// moves the rest of the text.
std::string Redaction::redacted(std::string_view text) const {
  std::vector<bool> hidden(text.size(), false);
  for (const auto& spelling : spellings_)
    hide(text, spelling.reveal(), hidden);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!hidden[i])
      result += text[i];
    else if (i == 0 || !hidden[i - 1])
      result += mark;
  }
  return result;
}

std::string Redaction::redacted_json(std::string_view text, std::size_t limit) const {
  if (text.size() > most_read_bytes)
    return fmt::format("({} bytes: more than the {} out of which secrets are taken)", text.size(), most_read_bytes);
  const bool shallow = Parser(most_read_bytes).parse(std::string(text)).has_value(); // what follows recurses
  auto json = shallow ? Json::parse(text, nullptr, false) : Json();
  if (!json.is_object()) {
    // A document that is cut off may end within a secret that has no name any more.
    return first_words(text);
  }
  hide_secrets(json);
  auto result = redacted(dumped(json));
  if (result.size() > limit)
    result = http::excerpt(result, limit);
  return result;
}

std::string Redaction::first_words(std::string_view text) const {
  if (text.find_first_of("{[") != std::string_view::npos && !http::is_html(text))
    return fmt::format("({} bytes that are not complete JSON)", text.size());
  return http::excerpt(redacted(text));
}

} // namespace runtime_agent::graphql
