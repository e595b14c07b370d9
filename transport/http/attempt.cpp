#include "transport/http/attempt.hpp"

#include <algorithm>

#include <strings.h>

#include <fmt/format.h>

#include "transport/http/status.hpp"

namespace runtime_agent::http {
namespace {

Clock::time_point after(Clock::time_point begin, Clock::duration time) {
  return time == Clock::duration::max() ? Clock::time_point::max() : begin + time;
}

} // namespace

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

Result<Response> Attempt::run(Connection& connection, std::string_view head, const Waiter& waiter,
                              const Silence& limit) {
  AnswerParser parser({[this](AnswerHead arrived) { return head_arrived(std::move(arrived)); },
                       [this](std::string_view piece) { return body_arrived(piece); }});
  connection.begin(waiter);
  progress_ = Clock::now();
  auto state = AnswerParser::State::broken;
  if (connection.write(head) && connection.write(request_.body))
    state = exchange(connection, parser, limit);
  if (state == AnswerParser::State::whole && !decoder_->whole())
    refuse(FailureKind::malformed, "the answer's compressed body is cut off");
  if (!ended_by_receiver_ && (state != AnswerParser::State::whole || failure_))
    return failed(why(connection, parser));
  reusable_ = parser.keeps_alive() && !connection.exchange().closed;
  return std::move(response_);
}

AnswerParser::State Attempt::exchange(Connection& connection, AnswerParser& parser, const Silence& limit) {
  auto state = AnswerParser::State::reading;
  while (state == AnswerParser::State::reading) {
    // A trickle of framing is no progress.
    const auto until = after(progress_, parser.head_done() ? limit.body : std::min(limit.head, limit.body));
    if (connection.read(until, [&](std::string_view bytes) { state = parser.put(bytes); }))
      continue;
    return connection.exchange().failure ? AnswerParser::State::broken : parser.end();
  }
  return state;
}

bool Attempt::head_arrived(AnswerHead head) {
  progress_ = Clock::now();
  response_.status = head.status;
  response_.headers = std::move(head.headers);
  streamed_ = receive_ != nullptr && head.status >= 200 && head.status < 300;
  const auto coding = header(response_.headers, "Content-Encoding");
  if (!ContentDecoder::knows(coding))
    return refuse(FailureKind::malformed,
                  fmt::format("the answer's body is encoded as {}, which was not asked for", excerpt(coding, 40)));
  decoder_.emplace(coding);
  if (streamed_ || !head.length)
    return true;
  if (*head.length > request_.max_response_bytes)
    return refuse_size();
  // 64 bytes more: the JSON parser wants them behind its input, and would copy the text to have them.
  response_.body.reserve(*head.length + 64);
  return true;
}

bool Attempt::body_arrived(std::string_view piece) {
  progress_ = Clock::now();
  const bool go_on = decoder_->put(piece, [this](std::string_view decoded) { return take(decoded); });
  return decoder_->damaged() ? refuse(FailureKind::malformed, "the answer's compressed body is damaged") : go_on;
}

bool Attempt::take(std::string_view piece) {
  if (streamed_) {
    ended_by_receiver_ = !(*receive_)(piece);
    return !ended_by_receiver_;
  }
  if (piece.size() > request_.max_response_bytes - response_.body.size())
    return refuse_size();
  response_.body.append(piece);
  return true;
}

bool Attempt::refuse_size() {
  return refuse(FailureKind::too_large,
                fmt::format("the answer is larger than the limit of {} bytes", request_.max_response_bytes));
}

bool Attempt::refuse(FailureKind kind, std::string what) {
  failure_ = Failure{.kind = kind, .what = std::move(what)};
  failure_->http_status = response_.status;
  return false;
}

Failure Attempt::why(const Connection& connection, const AnswerParser& parser) const {
  const auto& exchange = connection.exchange();
  if (failure_)
    return *failure_;
  if (parser.failure())
    return *parser.failure();
  if (exchange.failure)
    return *exchange.failure;
  if (exchange.received == 0)
    return {.kind = FailureKind::network, .what = "the server closed the connection without an answer"};
  return {.kind = FailureKind::network, .what = "the connection ended before the answer was whole"};
}

} // namespace runtime_agent::http
