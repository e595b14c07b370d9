#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/compass/graphql_document.hpp"
#include "tests/sandbox/compass/graphql_schema.hpp"

namespace runtime_agent::sandbox::graphql {

/// As it goes onto the wire; what is not UTF-8 is replaced.
inline std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Where a value of the answer comes from: a piece of JSON that lives elsewhere or was made for this answer, and for
/// pages the list of their items. Neither: null.
struct Source {
  const Json* json = nullptr;
  std::shared_ptr<const Json> owned;                    ///< keeps `json` alive where it was made for this answer
  std::shared_ptr<const std::vector<const Json*>> list; ///< items of a page; not owned

  static Source of(const Json& value) { return {&value, nullptr, nullptr}; }
  static Source made(Json value);
  bool null() const { return list == nullptr && (json == nullptr || json->is_null()); }
};

struct FieldCall {
  std::string_view type;
  std::string_view field;
  const Source& parent;
  const Json& arguments; ///< coerced, defaults filled in
};

/// What the service knows. Called on the thread of the request.
class Resolver {
public:
  virtual ~Resolver() = default;
  /// The field's value, or the error that makes it null.
  virtual Expected<Source> resolve(const FieldCall& call) = 0;
  /// The object type behind a union's value.
  virtual std::string type_of(std::string_view union_name, const Source& value) = 0;
};

/// The member of that name of the parent's JSON; null where it has none.
Source member(const FieldCall& call);

/// A request after the body was read: `{"query", "operationName", "variables"}`.
struct Request {
  Document document;
  const Operation* operation = nullptr; ///< points into the document
  Json variables;                       ///< coerced
};

/// Parses, validates, chooses the operation and coerces the variables, as gqlgen does.
/// Errors: what a gqlgen server answers with HTTP 422.
tl::expected<std::unique_ptr<Request>, std::vector<Error>> prepare(const Json& body, const Schema& schema);

struct Answer {
  std::string data; ///< JSON text of `data`
  std::vector<Error> errors;
  /// The whole body, compact; without `errors` where there are none.
  std::string body() const;
};

/// Executes the operation, one field after another. A null where the schema says non-null makes its parent null and
/// adds "must not be null".
Answer execute(const Request& request, const Schema& schema, Resolver& resolver);

} // namespace runtime_agent::sandbox::graphql
