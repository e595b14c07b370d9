#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "transport/http/answer_parser.hpp"
#include "transport/http/client.hpp"
#include "transport/http/connection.hpp"
#include "transport/http/content_coding.hpp"

namespace runtime_agent::http {

/// Whether both are the same but for the case of ASCII letters.
bool same_text(std::string_view a, std::string_view b);

/// One request on one connection: limits what is received and remembers how it went.
class Attempt {
public:
  Attempt(const Request& request, const DataReceiver* receive) : request_(request), receive_(receive) {}

  /// How long the head may take, and how long nothing of the body may come after it.
  struct Silence {
    Clock::duration head = Clock::duration::max();
    Clock::duration body = Clock::duration::max();
  };
  /// `head` is the request's, as it is sent. Returns the answer, whole, or the Failure without `where`.
  Result<Response> run(Connection& connection, std::string_view head, const Waiter& waiter, const Silence& limit);
  bool reusable() const noexcept { return reusable_; }

private:
  AnswerParser::State exchange(Connection& connection, AnswerParser& parser, const Silence& limit);
  bool head_arrived(AnswerHead head);
  bool body_arrived(std::string_view piece);
  bool take(std::string_view piece);
  bool refuse(FailureKind kind, std::string what);
  bool refuse_size();
  Failure why(const Connection& connection, const AnswerParser& parser) const;

  const Request& request_;
  const DataReceiver* receive_; // null: into the response
  bool streamed_ = false;
  bool ended_by_receiver_ = false;
  bool reusable_ = false;
  std::optional<ContentDecoder> decoder_; // once the head is there
  Clock::time_point progress_;            // when the request left, or something of the body came
  std::optional<Failure> failure_;
  Response response_;
};

} // namespace runtime_agent::http
