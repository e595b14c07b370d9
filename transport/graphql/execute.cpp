#include "transport/graphql/execute.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "transport/graphql/redaction.hpp"
#include "transport/http/status.hpp"
#include "transport/json_cost.hpp"

namespace runtime_agent::graphql {
namespace {

using simdjson::dom::element;

constexpr std::size_t most_message_bytes = 200;
constexpr std::size_t most_errors_shown = 5;
constexpr std::size_t most_logged_bytes = 64 * 1024;

/// Codes of `extensions.error_code`. Source: contract §4.
FailureKind kind_of(std::int64_t error_code) {
  switch (error_code) {
  case 10:
    return FailureKind::unavailable;
  case 20:
    return FailureKind::not_found;
  case 23:
    return FailureKind::forbidden;
  case 26:
    return FailureKind::unauthorized;
  default:
    return FailureKind::refused;
  }
}

std::string path_of(element error) {
  simdjson::dom::array path;
  std::string text;
  if (error["path"].get(path) != simdjson::SUCCESS)
    return text;
  for (const element step : path) {
    std::string_view name;
    if (step.get(name) == simdjson::SUCCESS)
      text += fmt::format("{}{}", text.empty() ? "" : ".", name);
    else
      text += fmt::format("[{}]", simdjson::minify(step));
  }
  return http::excerpt(text, most_message_bytes);
}

std::optional<std::int64_t> code_of(element error) {
  std::int64_t code = 0;
  if (error["extensions"]["error_code"].get(code) == simdjson::SUCCESS)
    return code;
  return std::nullopt;
}

/// "NotFound (20): no such Runtime, at runtime.labels"
std::string text_of(element error, const Redaction& redaction) {
  std::string_view message;
  std::string_view name;
  std::string text;
  if (error["extensions"]["error"].get(name) == simdjson::SUCCESS)
    text = http::excerpt(redaction.redacted(name), 60);
  if (const auto code = code_of(error))
    text += fmt::format("{}({})", text.empty() ? "" : " ", *code);
  if (error["message"].get(message) != simdjson::SUCCESS)
    message = "an error without a message";
  text += (text.empty() ? "" : ": ") + http::excerpt(redaction.redacted(message), most_message_bytes);
  if (const auto path = path_of(error); !path.empty())
    text += ", at " + redaction.redacted(path);
  return text;
}

bool looks_like_json(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

Objection::Error said_by(element error) {
  Objection::Error said;
  said.code = code_of(error);
  said.path = path_of(error);
  simdjson::dom::object extensions;
  said.extensions = error["extensions"].get(extensions) == simdjson::SUCCESS && extensions.size() > 0;
  if (std::string_view message; error["message"].get(message) == simdjson::SUCCESS)
    said.message = message.substr(0, 10 * most_message_bytes);
  return said;
}

/// What was refused, and who did it, of an answer that brings no data.
Objection objection_of(const http::Response& response, Parser& parser) {
  Objection objection;
  objection.http_status = response.status;
  if (response.body.find_first_not_of(" \t\r\n") == std::string::npos) {
    objection.form = Objection::Form::empty;
    return objection;
  }
  if (!looks_like_json(response.body)) {
    objection.form = Objection::Form::other;
    return objection;
  }
  const bool good_status = response.status >= 200 && response.status <= 299;
  const auto document = parser.parse(response.body);
  if (!document) { // one that was cut off is the service's own
    objection.form = good_status ? Objection::Form::errors : Objection::Form::other;
    return objection;
  }
  const auto said = [&](const char* member) { return (*document)[member].error() == simdjson::SUCCESS; };
  if (!said("errors") && !(good_status && said("data")))
    objection.form = Objection::Form::other;
  if (simdjson::dom::array list; (*document)["errors"].get(list) == simdjson::SUCCESS)
    for (const element error : list)
      objection.errors.push_back(said_by(error));
  return objection;
}

/// What the `errors` say; nullopt without any.
std::optional<Failure> refusal(element document, const Redaction& redaction) {
  element errors;
  if (document["errors"].get(errors) != simdjson::SUCCESS || errors.is_null())
    return std::nullopt;
  simdjson::dom::array list;
  if (errors.get(list) != simdjson::SUCCESS)
    return Failure{.kind = FailureKind::malformed, .what = "errors is not a list", .maybe_processed = true};
  if (list.size() == 0)
    return std::nullopt;
  Failure failure{.kind = FailureKind::refused};
  std::size_t shown = 0;
  for (const element error : list) {
    if (const auto code = code_of(error); code && failure.kind == FailureKind::refused)
      failure.kind = kind_of(*code);
    if (shown++ < most_errors_shown)
      failure.what += (failure.what.empty() ? "" : "; ") + text_of(error, redaction);
  }
  if (shown > most_errors_shown)
    failure.what += fmt::format("; and {} more", shown - most_errors_shown);
  return failure;
}

std::string body_of(const Call& call) {
  const nlohmann::json body{
      {"query", call.document.text}, {"operationName", call.document.name}, {"variables", call.variables}};
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// A status other than 2xx: with what the GraphQL errors in its body say, where it has some. A body that is JSON is not
/// shown itself: it may hold credentials.
Failure failure_of_status(const http::Response& response, const Redaction& redaction, Parser& parser) {
  std::optional<Failure> said;
  const bool json = looks_like_json(response.body);
  if (json)
    if (const auto document = parser.parse(response.body))
      said = refusal(*document, redaction);
  http::Response shown{response.status, response.headers, json ? std::string() : redaction.first_words(response.body)};
  for (auto& [name, value] : shown.headers)
    value = redaction.redacted(value);
  auto failure = http::failure_from_status(shown, {});
  if (said)
    failure.what += ": " + said->what;
  return failure;
}

Failure malformed(std::string what) {
  return {.kind = FailureKind::malformed, .what = std::move(what), .maybe_processed = true};
}

Result<element> data_of_json(const http::Response& response, const Redaction& redaction, Parser& parser) {
  if (response.body.find_first_not_of(" \t\r\n") == std::string::npos)
    return failed(malformed("the answer is empty"));
  if (!looks_like_json(response.body)) {
    const auto shown = redaction.first_words(response.body);
    return failed(malformed(http::is_html(response.body)
                                ? fmt::format("the answer is not JSON but a web page: \"{}\"", shown)
                                : "the answer is not JSON: " + shown));
  }
  auto document = parser.parse(response.body);
  if (!document)
    return document;
  if (!document->is_object())
    return failed(malformed("the answer is not a JSON object"));
  if (auto said = refusal(*document, redaction))
    return failed(std::move(*said));
  element data;
  if ((*document)["data"].get(data) != simdjson::SUCCESS)
    return failed(malformed("the answer has neither data nor errors"));
  if (!data.is_object())
    return failed(malformed("the answer's data is not an object"));
  return data;
}

Result<element> data_of(const http::Response& response, const Redaction& redaction, Parser& parser) {
  if (response.status < 200 || response.status > 299)
    return failed(failure_of_status(response, redaction, parser));
  auto data = data_of_json(response, redaction, parser);
  if (!data)
    data.error().http_status = response.status;
  return data;
}

void log(const Call& call, const std::string& response, const Failure& failure, const Redaction& redaction) {
  if (call.logger == nullptr || !*call.logger)
    return;
  const auto variables = call.variables.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  (*call.logger)({call.document.text, redaction.redacted_json(variables, most_logged_bytes),
                  response.empty() ? "" : redaction.redacted_json(response, most_logged_bytes), failure});
}

} // namespace

Parser::Parser(std::size_t most_bytes, std::size_t most_levels, std::size_t most_memory)
    : parser_(most_bytes), most_levels_(most_levels), most_memory_(most_memory) {
  // Says the depth; the capacity grows as it is needed. Where memory is short, parsing says so.
  [[maybe_unused]] const auto ignored = parser_.allocate(4096, most_levels);
}

Result<element> Parser::parse(const std::string& text) {
  if (!json_parsable_within(text, most_memory_))
    return failed(
        {.kind = FailureKind::too_large,
         .what = fmt::format("the answer of {} bytes would take up to {} bytes of memory to be read, more than "
                             "the limit of {}",
                             text.size(), json_parsing_cost(text), most_memory_),
         .maybe_processed = true});
  element document;
  const auto error = parser_.parse(text).get(document);
  if (error == simdjson::SUCCESS)
    return document;
  if (error == simdjson::DEPTH_ERROR)
    return failed(malformed(fmt::format("the answer is nested more than {} levels deep, or is cut off", most_levels_)));
  return failed(malformed(fmt::format("the answer of {} bytes is not valid JSON, or is cut off: {}", text.size(),
                                      simdjson::error_message(error))));
}

Result<Answer> execute(const Endpoint& endpoint, const Call& call, const CallContext& context, Parser& parser) {
  Redaction redaction;
  http::Request request;
  request.method = "POST";
  request.path = endpoint.url.target;
  request.headers = call.headers;
  for (const auto& [name, value] : call.secret_headers) {
    redaction.add(value);
    request.headers.emplace_back(name, value.reveal());
  }
  request.headers.emplace_back("Accept", "application/json");
  request.body = body_of(call);
  request.operation = fmt::format("{} {}", call.document.kind, call.document.name);
  request.max_response_bytes = call.most_response_bytes;
  // A query changes nothing, unless it spends a one-time token (contract §2).
  request.repeatable = call.document.kind == "query" && call.secret_headers.empty();
  CallContext bounded = context;
  bounded.deadline = std::min(context.deadline, std::chrono::steady_clock::now() + call.timeout);

  auto response = endpoint.client->send(request, bounded);
  wipe(request.body);
  for (auto& [name, value] : request.headers)
    wipe(value);
  const auto data = response ? data_of(*response, redaction, parser) : failed(response.error());
  if (data) {
    const auto bytes = response->body.size();
    wipe(response->body); // the parser has its own copy
    return Answer{*data, bytes};
  }
  Failure failure = data.error();
  if (response && call.judge != nullptr)
    failure.blame = call.judge(objection_of(*response, parser));
  failure.where = fmt::format("{}, {}", call.where, endpoint.url.origin());
  failure.request_id = context.request_id;
  log(call, response ? response->body : std::string(), failure, redaction);
  return failed(std::move(failure));
}

} // namespace runtime_agent::graphql
