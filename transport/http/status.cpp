#include "transport/http/status.hpp"

#include <algorithm>
#include <cctype>

#include "transport/http/letters.hpp"
#include "transport/http/retry_after.hpp"

namespace runtime_agent::http {
namespace {

constexpr std::size_t inspected_bytes = 16384; // enough for a title; bodies may be megabytes

/// The text between the tags, without what is inside <head>, <script> and <style>.
std::string text_of_html(std::string_view html, const std::string& lowered) {
  if (const auto title = lowered.find("<title"); title != std::string::npos) {
    const auto begin = lowered.find('>', title);
    const auto end = lowered.find("</title", title);
    if (begin != std::string::npos && end != std::string::npos && begin + 1 < end)
      return std::string(html.substr(begin + 1, end - begin - 1));
  }
  std::string text;
  std::size_t at = 0;
  while (at < html.size()) {
    if (html[at] != '<') {
      text += html[at++];
      continue;
    }
    text += ' ';
    auto end = lowered.find('>', at);
    for (const std::string_view element : {"script", "style", "head"})
      if (lowered.compare(at + 1, element.size(), element) == 0 && lowered.compare(at + 1, 6, "header") != 0)
        end = lowered.find('>', lowered.find("</" + std::string(element), at));
    if (end == std::string::npos)
      break;
    at = end + 1;
  }
  return text;
}

/// Length of the valid UTF-8 sequence at the start of `text`; 0 where it is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : 2;
  if ((first >= 0x80 && first < 0xc2) || first >= 0xf5 || text.size() < length)
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) >= 0xa0;
  return overlong || surrogate || (first == 0xf4 && byte(1) >= 0x90) ? 0 : length;
}

/// A URL without what may be secret in it: user information, query and fragment.
std::string shown_location(std::string_view location) {
  const auto end = std::min(location.find_first_of("?#"), location.size());
  std::string text(location.substr(0, end));
  const auto slashes = text.find_first_of("/\\");
  const auto authority =
      slashes == std::string::npos ? 0 : std::min(text.find_first_not_of("/\\", slashes), text.size());
  const auto authority_end = std::min(text.find_first_of("/\\", authority), text.size());
  const auto at = text.rfind('@', authority_end);
  if (at != std::string::npos && at >= authority && at < authority_end)
    text.erase(authority, at + 1 - authority);
  if (end < location.size())
    text += std::string(1, location[end]) + "…";
  return excerpt(text);
}

FailureKind kind_of(int status) {
  switch (status) {
  case 401:
    return FailureKind::unauthorized;
  case 403:
    return FailureKind::forbidden;
  case 404:
    return FailureKind::not_found;
  case 409:
    return FailureKind::conflict;
  case 410:
    return FailureKind::gone;
  case 429:
    return FailureKind::rate_limited;
  default:
    if (status >= 500 && status < 600)
      return FailureKind::unavailable;
    return status >= 400 && status < 500 ? FailureKind::refused : FailureKind::malformed;
  }
}

} // namespace

std::string_view reason_phrase(int status) {
  struct Phrase {
    int status;
    std::string_view text;
  };
  static constexpr Phrase phrases[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {407, "Proxy Authentication Required"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  };
  const auto* found = std::find_if(std::begin(phrases), std::end(phrases), [&](auto& p) { return p.status == status; });
  return found == std::end(phrases) ? std::string_view() : found->text;
}

bool is_html(std::string_view body) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (body.starts_with(byte_order_mark))
    body.remove_prefix(byte_order_mark.size());
  const auto first = std::min(body.find_first_not_of(" \t\r\n"), body.size());
  const auto lowered = lower(body.substr(first, inspected_bytes));
  const auto has = [&](std::string_view tag) { return lowered.find(tag) != std::string::npos; };
  // Pages leave out what they please.
  return lowered.starts_with("<") &&
         (has("<html") || has("<!doctype html") || has("<title") || has("<head") || has("<body"));
}

std::string excerpt(std::string_view body, std::size_t limit) {
  body = body.substr(0, inspected_bytes);
  const auto lowered = lower(body);
  const auto text = is_html(body) ? text_of_html(body, lowered) : std::string(body);
  std::string result;
  bool space = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = utf8_length(std::string_view(text).substr(at));
    const auto first = static_cast<unsigned char>(text[at]);
    const bool c1_control = length == 2 && first == 0xc2 && static_cast<unsigned char>(text[at + 1]) < 0xa0;
    if (length == 0 || first <= ' ' || first == 0x7f || c1_control) {
      space = !result.empty();
      at += std::max<std::size_t>(length, 1);
      continue;
    }
    if (result.size() + length + (space ? 1 : 0) + 3 > limit)
      return result + "…";
    if (space)
      result += ' ';
    space = false;
    result.append(text, at, length);
    at += length;
  }
  return result;
}

Failure failure_from_status(const Response& response, std::string where, std::chrono::system_clock::time_point now) {
  Failure failure{.kind = kind_of(response.status), .where = std::move(where)};
  failure.http_status = response.status;
  failure.what = std::to_string(response.status);
  if (const auto phrase = reason_phrase(response.status); !phrase.empty())
    failure.what += " " + std::string(phrase);
  const bool redirect = response.status >= 300 && response.status < 400;
  if (const auto location = header(response.headers, "Location"); redirect && !location.empty())
    failure.what += ": it points to " + shown_location(location);
  if (const auto text = excerpt(response.body); !text.empty())
    failure.what += ": " + text;
  if (const auto retry = parse_retry_after(header(response.headers, "Retry-After"), now)) {
    failure.retry_after = retry->wait;
    if (retry->capped)
      failure.what += "; Retry-After asks for more than 15 minutes, which is what is waited";
  }
  failure.maybe_processed = response.status >= 500;
  return failure;
}

} // namespace runtime_agent::http
