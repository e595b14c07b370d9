#include "transport/http/attempt.hpp"

#include <algorithm>

#include <strings.h>

#include <fmt/format.h>

namespace runtime_agent::http {
namespace {

/// cpp-httplib's writing and parsing of HTTP/1.1, over a connection of ours.
class Protocol final : public httplib::ClientImpl {
public:
  Protocol() : httplib::ClientImpl("unused") { set_url_encode(false); }
  bool run(Connection& connection, httplib::Request& request, httplib::Response& response) {
    auto error = httplib::Error::Success;
    return process_request(connection, request, response, false, error);
  }
};

/// The length that the answer's head announces; nullopt where it announces none. Failure: not a number.
Result<std::optional<std::uint64_t>> announced_length(const httplib::Response& response) {
  const auto [first, last] = response.headers.equal_range("Content-Length");
  if (first == last)
    return std::nullopt;
  const auto& text = first->second;
  const bool alike = std::all_of(first, last, [&](const auto& entry) { return entry.second == text; });
  if (!alike || text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos)
    return failed({.kind = FailureKind::malformed, .what = "the answer's Content-Length is not a number"});
  return std::stoull(text);
}

} // namespace

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

Result<Response> Attempt::run(Connection& connection, httplib::Request& wire, const Waiter& waiter,
                              const Silence& limit) {
  wire.response_handler = [&](const httplib::Response& head) { return head_arrived(head, connection, limit); };
  wire.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    return body_arrived(data, size);
  };
  connection.begin(waiter, std::min(limit.head, limit.body));
  Protocol protocol;
  httplib::Response parsed;
  const bool whole = protocol.run(connection, wire, parsed);
  if (!whole && !ended_by_receiver_)
    return failed(why(connection));
  // Not called by cpp-httplib for answers without a body.
  const bool without_body = parsed.status == 204;
  if (without_body)
    head_arrived(parsed, connection, limit);
  const bool keeps_alive = parsed.version == "HTTP/1.1" && !same_text(parsed.get_header_value("Connection"), "close");
  reusable_ = whole && keeps_alive && (framed_ || without_body) && !connection.exchange().closed;
  return std::move(response_);
}

bool Attempt::head_arrived(const httplib::Response& head, Connection& connection, const Silence& limit) {
  connection.end_of_head(limit.body);
  response_.status = head.status;
  response_.headers.assign(head.headers.begin(), head.headers.end());
  streamed_ = receive_ != nullptr && head.status >= 200 && head.status < 300;
  const bool chunked = same_text(head.get_header_value("Transfer-Encoding"), "chunked");
  const auto length = announced_length(head);
  if (!length) {
    failure_ = length.error();
    return false;
  }
  framed_ = chunked || length->has_value();
  if (!streamed_ && !chunked && *length) {
    if (**length > request_.max_response_bytes) {
      body_bytes_ = **length;
      return body_arrived(nullptr, 0);
    }
    // 64 bytes more: the JSON parser wants them behind its input, and would copy the text to have them.
    response_.body.reserve(**length + 64);
  }
  return true;
}

bool Attempt::body_arrived(const char* data, std::size_t size) {
  if (streamed_) {
    ended_by_receiver_ = !(*receive_)(std::string_view(data, size));
    return !ended_by_receiver_;
  }
  body_bytes_ += size;
  if (body_bytes_ > request_.max_response_bytes) {
    failure_ =
        Failure{.kind = FailureKind::too_large,
                .what = fmt::format("the answer is larger than the limit of {} bytes", request_.max_response_bytes)};
    failure_->http_status = response_.status;
    return false;
  }
  response_.body.append(data, size);
  return true;
}

Failure Attempt::why(const Connection& connection) const {
  const auto& exchange = connection.exchange();
  if (failure_)
    return *failure_;
  if (exchange.failure)
    return *exchange.failure;
  if (exchange.closed && exchange.received == 0)
    return {.kind = FailureKind::network, .what = "the server closed the connection without an answer"};
  if (exchange.closed)
    return {.kind = FailureKind::network, .what = "the connection ended before the answer was whole"};
  return {.kind = FailureKind::malformed, .what = "the answer is not HTTP/1.1"};
}

} // namespace runtime_agent::http
