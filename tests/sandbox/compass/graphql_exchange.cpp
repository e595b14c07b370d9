#include "tests/sandbox/compass/graphql_exchange.hpp"

#include <algorithm>

#include "tests/sandbox/compass/director.hpp"
#include "tests/sandbox/compass/tls_listener.hpp"

namespace runtime_agent::sandbox::compass {
namespace {

using graphql::Json;
using graphql::text_of;

constexpr const char* json_type = "application/json";

const char* reason_of(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 429:
    return "Too Many Requests";
  case 502:
    return "Bad Gateway";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Time-out";
  default:
    return status < 500 ? "Bad Request" : "Internal Server Error";
  }
}

std::string page(int status) {
  const std::string title = std::to_string(status) + " " + reason_of(status);
  return "<html>\n<head><title>" + title + "</title></head>\n<body><center><h1>" + title +
         "</h1></center><hr><center>gateway</center></body>\n</html>\n";
}

void refuse(httplib::Response& response, int status, const std::string& message) {
  response.status = status;
  response.set_content(text_of({{"errors", {{{"message", message}}}}, {"data", nullptr}}), json_type);
}

std::string string_member(const Json& body, const char* name) {
  return body.contains(name) && body[name].is_string() ? body[name].get<std::string>() : std::string();
}

/// How the real services refuse. Source: contract 2.2.
struct RealRefusal {
  const char* action;
  int status;
  const char* message; ///< null: no body at all
  int code;            ///< 0: without extensions
  bool beside_data = false;
};

const RealRefusal* real_refusal(const std::string& action) {
  static constexpr RealRefusal refusals[] = {
      {"invalid-subject", 200,
       "Failed to authenticate request. Token authentication error: token is invalid. Certificate authentication "
       "error: Failed to authenticate with Certificate. Invalid subject.",
       0},
      {"consumer-type-not-found", 200, "Failed to authenticate request, consumer type not found: Runtime", 0},
      {"empty-400", 400, nullptr, 0},
      {"no-scopes", 200, "insufficient scopes provided [actual=; required=runtime:read]", 23},
      {"runtime-not-found", 200, "Object not found [object=runtime]", 20},
      {"tenant-not-found", 400, "Tenant not found", 25},
      {"left-scenario", 200, "requesting runtime should be in same scenario as the requested application resource", 27,
       true},
  };
  const auto* found = std::find_if(std::begin(refusals), std::end(refusals),
                                   [&](const RealRefusal& refusal) { return refusal.action == action; });
  return found == std::end(refusals) ? nullptr : found;
}

} // namespace

std::string first_field(const std::string& text, const std::string& operation_name) {
  const auto document = graphql::parse_document(text);
  if (!document)
    return {};
  for (const auto& operation : document->operations)
    if (operation_name.empty() || operation.name == operation_name)
      for (const auto& selection : operation.selections)
        if (selection.kind == graphql::Selection::Kind::field)
          return selection.name;
  return {};
}

void GraphqlExchange::run(const httplib::Request& request, httplib::Response& response,
                          const MakeResolver& make_resolver) {
  record_.bytes_received = request.body.size();
  if (request.method != "POST")
    return refuse(response, 405, "POST is needed");
  if (request.get_header_value("Content-Type").rfind(json_type, 0) != 0)
    return refuse(response, 400, "transport not supported");
  const auto body = Json::parse(request.body, nullptr, false);
  if (!body.is_object())
    return refuse(response, 400, "json body could not be decoded");
  record_.document = string_member(body, "query");
  record_.variables = body.value("variables", Json(nullptr));
  record_.field = first_field(record_.document, string_member(body, "operationName"));

  const auto stopped_at = [&](Stage stage) {
    if (gate_.passes(record_, stage))
      return false;
    response.status = 0;
    reset_connection(request);
    return true;
  };
  if (stopped_at(Stage::arrived))
    return;
  const auto fault = faults_.match(record_.service, record_.field, false, record_.certificate_serial);
  record_.fault = fault ? fault->action : "";
  Outcome outcome;
  if (!fault || !fault->before)
    outcome = carry_out(body, make_resolver, fault ? &*fault : nullptr);
  if (stopped_at(Stage::carried_out))
    return;
  answer(request, response, outcome, fault);
  record_.bytes_sent = response.body.size();
}

GraphqlExchange::Outcome GraphqlExchange::carry_out(const Json& body, const MakeResolver& make_resolver,
                                                    const Fault* fault) {
  Outcome outcome;
  // First of all: a token is spent by a malformed document too.
  const auto resolver = make_resolver(fault);
  auto prepared = graphql::prepare(body, schema_);
  if (prepared) {
    outcome.answer = graphql::execute(**prepared, schema_, *resolver);
  } else {
    outcome.status = 422;
    outcome.answer = {"null", std::move(prepared.error())};
  }
  outcome.body = outcome.answer.body();
  record_.errors = !outcome.answer.errors.empty();
  if (record_.errors)
    record_.reason = outcome.answer.errors.front().message;
  return outcome;
}

void GraphqlExchange::answer(const httplib::Request& request, httplib::Response& response, const Outcome& outcome,
                             const std::optional<Fault>& fault) {
  if (fault && fault->delay.count() > 0 && fault->action != "trickle")
    faults_.wait(fault->delay);
  response.status = outcome.status;
  response.set_content(outcome.body, json_type);
  if (fault)
    spoil(request, response, outcome, *fault);
}

void GraphqlExchange::spoil(const httplib::Request& request, httplib::Response& response, const Outcome& outcome,
                            const Fault& fault) {
  const auto& action = fault.action;
  if (const auto* refusal = real_refusal(action)) {
    response.status = refusal->status;
    if (refusal->message == nullptr) {
      response.body.clear();
      return;
    }
    graphql::Error error{refusal->message, std::nullopt, Json::array({record_.field}), nullptr};
    if (refusal->code != 0)
      error.extensions = service_error(refusal->code, "").extensions;
    const std::string nothing = "{\"" + record_.field + "\":null}";
    graphql::Answer said{refusal->beside_data ? outcome.answer.data : refusal->code == 0 ? "null" : nothing, {error}};
    response.set_content(said.body(), json_type);
  } else if (action.rfind("http-", 0) == 0) {
    response.status = std::stoi(action.substr(5));
    response.set_content(page(response.status), "text/html");
    if (!fault.retry_after.empty())
      response.set_header("Retry-After", fault.retry_after);
  } else if (action == "html") {
    response.set_content(page(200), "text/html");
  } else if (action == "empty") {
    response.body.clear();
  } else if (action == "truncated") {
    response.body.resize(response.body.size() / 2);
  } else if (action == "errors" || action == "errors-partial") {
    response.set_content(with_errors(outcome, fault), json_type);
  } else if (action == "null") {
    response.set_content(with_null(outcome, fault), json_type);
  } else if (action == "oversized") {
    const std::string start = R"({"data":null,"padding":")";
    response.set_content(start + std::string(fault.bytes, 'x') + "\"}", json_type);
  } else if (action == "reset" || action == "hang") {
    if (action == "hang")
      faults_.wait(std::nullopt);
    response.status = 0;
    reset_connection(request);
  } else if (action == "cut") {
    send_and_close(request, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                                std::to_string(outcome.body.size()) + "\r\n\r\n" +
                                outcome.body.substr(0, outcome.body.size() / 2));
  } else if (action == "trickle") {
    response.body.clear();
    response.set_content_provider(outcome.body.size(), json_type,
                                  [body = outcome.body, pause = std::max(fault.delay, std::chrono::milliseconds(1)),
                                   &faults = faults_](std::size_t offset, std::size_t, httplib::DataSink& sink) {
                                    return faults.wait(pause) && sink.write(body.data() + offset, 1);
                                  });
  }
}

std::string GraphqlExchange::with_errors(const Outcome& outcome, const Fault& fault) const {
  auto error = service_error(fault.error_code, fault.text.empty() ? "Internal Server Error" : fault.text);
  error.path = Json::array({record_.field});
  graphql::Answer answer{fault.action == "errors" ? "null" : outcome.answer.data, {error}};
  return answer.body();
}

std::string GraphqlExchange::with_null(const Outcome& outcome, const Fault& fault) const {
  auto data = Json::parse(outcome.answer.data.empty() ? "{}" : outcome.answer.data, nullptr, false);
  if (fault.path.empty()) {
    if (data.is_object())
      for (auto& [key, value] : data.items())
        value = nullptr;
  } else {
    try {
      data.at(Json::json_pointer(fault.path)) = nullptr;
    } catch (const Json::exception& error) {
      return text_of({{"errors", {{{"message", std::string("sandbox: no such path: ") + error.what()}}}}});
    }
  }
  return text_of({{"data", data}});
}

} // namespace runtime_agent::sandbox::compass
