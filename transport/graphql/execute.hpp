#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <simdjson.h>

#include "transport/call.hpp"
#include "transport/failure.hpp"
#include "transport/http/client.hpp"
#include "transport/http/url.hpp"
#include "transport/secret.hpp"

/// GraphQL over HTTP, as the Connector and the Director speak it. Source: contract §4.
namespace runtime_agent::graphql {

/// One operation, as it stands in the source code: values go into variables, never into the text.
struct Document {
  std::string_view kind; ///< "query" or "mutation"
  std::string_view name; ///< the operation's name in the text
  std::string_view text;
};

/// Where documents are sent to.
struct Endpoint {
  std::shared_ptr<http::Client> client;
  http::Url url;
};

/// Of an answer, and of what it becomes when it is parsed: a page of a hundred Applications takes a tenth of it. Both
/// together are what one answer may cost (deploy/README.md, Sizing).
inline constexpr std::size_t most_answer_bytes = 8u << 20;
inline constexpr std::size_t most_document_bytes = 24u << 20;

/// Parses JSON within bounds, and owns what it has parsed: elements are good until the next `parse` or the end.
class Parser {
public:
  /// `most_memory`: that a document may take, beside its text.
  explicit Parser(std::size_t most_bytes = most_answer_bytes, std::size_t most_levels = 128,
                  std::size_t most_memory = most_document_bytes);
  /// Takes the text's spare capacity for padding, else copies it. Failure, without a word of the text: too_large,
  /// before anything is parsed; or malformed, why it is no JSON.
  Result<simdjson::dom::element> parse(const std::string& text);

private:
  simdjson::dom::parser parser_;
  std::size_t most_levels_;
  std::size_t most_memory_;
};

/// A failed call for the log (APP_QUERY_LOGGING, contract §1.3): secrets are redacted, texts bounded.
struct FailedCall {
  std::string_view document;
  std::string variables; ///< JSON
  std::string response;  ///< JSON, or the first words of something else; empty where no answer came
  Failure failure;
};
using CallLogger = std::function<void(const FailedCall&)>;

/// How a service says no, for whoever knows what that service means by it.
struct Objection {
  enum class Form {
    errors, ///< GraphQL `errors`
    empty,  ///< a status without a body
    other,  ///< a page, a text, JSON that is not GraphQL: hardly the service's own
  };
  struct Error {
    std::optional<std::int64_t> code; ///< of its extensions
    bool extensions = false;          ///< it has some
    std::string message;
    std::string path; ///< "runtime.labels"
  };
  Form form = Form::errors;
  int http_status = 200;
  std::vector<Error> errors{};
};
using Judge = Blame (*)(const Objection&);

struct Call {
  Document document{};
  nlohmann::json variables = nlohmann::json::object();
  http::Headers headers{};
  /// Headers whose values are secrets: Connector-Token.
  std::vector<std::pair<std::string, Secret>> secret_headers{};
  std::string where{}; ///< "Director, Applications page 3": for the Failure
  std::chrono::milliseconds timeout{30'000};
  std::size_t most_response_bytes = most_answer_bytes;
  const CallLogger* logger = nullptr; ///< may be null
  Judge judge = nullptr;              ///< may be null; says the Failure's `blame`
};

struct Answer {
  simdjson::dom::element data; ///< an object; belongs to the parser
  std::uint64_t bytes = 0;     ///< of the response
};

/// Sends the document and parses the answer with `parser`. Failure: those of http::Client; of
/// `http::failure_from_status`; malformed (not JSON, empty, cut off, no `data`); and where there are `errors`, with or
/// without data, by the first code that is known: unauthorized (26), not_found (20), forbidden (23), unavailable (10),
/// else refused. Its text holds the messages with their codes and paths, bounded, and no secret of the call.
Result<Answer> execute(const Endpoint& endpoint, const Call& call, const CallContext& context, Parser& parser);

} // namespace runtime_agent::graphql
