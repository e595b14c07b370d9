#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/call.hpp"
#include "transport/failure.hpp"

namespace runtime_agent::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The value of the first header of that name (any case), or empty.
std::string_view header(const Headers& headers, std::string_view name);

struct Request {
  std::string_view method = "GET"; ///< a literal: "GET" "POST" "PUT" "PATCH" "DELETE"
  std::string path;                ///< path and query, percent-encoded
  Headers headers;
  std::string body;
  std::string content_type = "application/json"; ///< used where there is a body
  std::string operation;                         ///< for the trace, without contents: "list applications"
  std::size_t max_response_bytes = 64u << 20;    ///< over it: FailureKind::too_large
  bool repeatable = false;                       ///< changes nothing although its method may: a GraphQL query
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;
};

/// Receives the pieces of a streamed answer, on the calling thread. Returning false ends the stream.
using DataReceiver = std::function<bool(std::string_view)>;

/// A keep-alive HTTP(S) client for one origin. Thread-safe: concurrent calls use connections of their own, up to
/// a bound. Any HTTP status is a Response; a Failure means that no whole answer came (network, timeout, cancelled, tls,
/// certificate_refused, too_large). `where` of the Failure is the operation and the origin.
class Client {
public:
  virtual ~Client() = default;
  virtual Result<Response> send(const Request& request, const CallContext& context) = 0;
  /// Hands a 2xx answer's body to `receive` as it comes and returns the answer without its body; the body of any other
  /// status is in the Response (bounded). `idle_limit` ends a stream on which nothing came for so long (timeout).
  virtual Result<Response> stream(const Request& request, const CallContext& context,
                                  std::chrono::steady_clock::duration idle_limit, const DataReceiver& receive) = 0;
  /// Requests that start after this use new connections; those under way finish.
  virtual void drop_idle_connections() = 0;
};

} // namespace runtime_agent::http
