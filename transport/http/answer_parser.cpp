#include "transport/http/answer_parser.hpp"

#include <algorithm>
#include <cctype>
#include <limits>

// Beast in this file alone: it is slow to compile.
#include <boost/beast/http/basic_parser.hpp>

#include <fmt/format.h>

#include "transport/http/letters.hpp"

namespace runtime_agent::http {
namespace {

namespace beast = boost::beast;
using beast::http::error;
using boost::system::error_code;

Failure malformed(std::string what) {
  return {.kind = FailureKind::malformed, .what = std::move(what)};
}

Failure not_http() {
  return malformed("the answer is not HTTP/1.1");
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

/// Whether the text before a chunk, with the end of the chunk before it, can only be a last one's: a size of zero.
bool begins_last_chunk(std::string_view text) {
  if (text.starts_with("\r\n"))
    text.remove_prefix(2);
  const auto zeros = std::min(text.find_first_not_of('0'), text.size());
  return zeros > 0 && (zeros == text.size() || std::isxdigit(static_cast<unsigned char>(text[zeros])) == 0);
}

/// The lines of one head, put together before they are parsed, so that each has its bound however it is cut up. A bare
/// line feed becomes a line's end, and a status line without a reason gets the space that Beast wants (RFC 9112 §2.2
/// allows the one; servers do the other).
class HeadLines {
public:
  enum class State { more, whole, refused };
  /// Takes from the front of `bytes` what belongs to the head.
  State take(std::string_view& bytes, std::size_t most_bytes) {
    while (!bytes.empty()) {
      const auto end = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
      text_ += bytes.substr(0, end);
      bytes.remove_prefix(end);
      if (!line_is_good(most_bytes))
        return State::refused;
      if (text_.back() == '\n' && end_line())
        return State::whole;
    }
    return State::more;
  }
  const std::string& text() const { return text_; }
  const Failure& failure() const { return failure_; }

private:
  bool line_is_good(std::size_t most_bytes) {
    constexpr std::string_view begin = "HTTP/1.";
    const bool first = line_ == 0;
    if (first && std::string_view(text_).substr(0, begin.size()) != begin.substr(0, text_.size()))
      failure_ = not_http();
    else if (text_.size() - line_ > (first ? AnswerLimits::status_line : AnswerLimits::field_line))
      failure_ = malformed(fmt::format("{} of the answer is too long", first ? "the status line" : "a header"));
    else if (text_.size() > most_bytes)
      failure_ = malformed("the headers of the answer are too long");
    else
      return true;
    return false;
  }

  /// Whether the head ends here.
  bool end_line() {
    if (!text_.ends_with("\r\n"))
      text_.insert(text_.size() - 1, 1, '\r');
    constexpr std::size_t without_reason = std::string_view("HTTP/1.1 200\r\n").size();
    if (line_ == 0 && text_.size() == without_reason)
      text_.insert(without_reason - 2, 1, ' ');
    const bool empty = line_ > 0 && text_.size() - line_ == 2;
    line_ = text_.size();
    return empty;
  }

  std::string text_;
  std::size_t line_ = 0; ///< where the present line begins
  Failure failure_;
};

/// One message, interim or final, behind Beast's parser.
class Message final : public beast::http::basic_parser<false> {
public:
  using State = AnswerParser::State;
  Message(const AnswerParser::Receiver& receiver, AnswerParser::Body body) : receiver_(receiver) {
    header_limit(2 * AnswerLimits::head); // HeadLines has the bounds
    // Whoever receives the body has them. (Without a limit Boost 1.74 refuses any Content-Length.)
    body_limit(std::numeric_limits<std::uint64_t>::max());
    eager(true);
    skip(body == AnswerParser::Body::none);
  }

  /// Takes from the front of `bytes` what can be read.
  State read(std::string_view& bytes) {
    error_code error;
    bytes.remove_prefix(put(boost::asio::buffer(bytes.data(), bytes.size()), error));
    return after(error);
  }
  State end() {
    error_code error;
    put_eof(error);
    return error == error::partial_message ? State::broken : after(error);
  }
  int status() const { return status_; }
  bool interim() const { return status_ < 200; }
  std::optional<Failure>& failure() { return failure_; }

private:
  State after(const error_code& error) {
    if (stopped_)
      return State::stopped;
    if (error && error != error::need_more) {
      failure_ = explain(error);
      return State::broken;
    }
    return is_done() ? State::whole : State::reading;
  }

  static Failure explain(const error_code& error) {
    if (error == error::bad_content_length)
      return malformed("the answer's Content-Length is not a number");
    if (error == error::header_limit)
      return malformed("a header of the answer is too long");
    if (error == error::bad_transfer_encoding)
      return malformed("the answer's Transfer-Encoding is not chunked alone");
    return not_http();
  }

  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int, error_code&) override {}
  void on_response_impl(int status, beast::string_view reason, int, error_code& refused) override {
    status_ = status;
    head_.reason = view(reason);
    if (status < 100 || status == 101) // nobody asked for another protocol
      refused = error::bad_status;
  }
  void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value,
                     error_code& refused) override {
    if (is_header_done()) // a trailer
      return;
    // Another coding would have to be undone as well.
    if (field == beast::http::field::transfer_encoding && lower(view(value)) != "chunked")
      refused = error::bad_transfer_encoding;
    if (!interim())
      head_.headers.emplace_back(view(name), view(value));
  }
  void on_header_impl(error_code& stop) override {
    if (interim())
      return;
    head_.status = status_;
    if (const auto length = content_length())
      head_.length = *length;
    stop_unless(receiver_.head(std::move(head_)), stop);
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view body, error_code& stop) override {
    stop_unless(receiver_.body(view(body)), stop);
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, error_code& stop) override {
    return on_body_impl(body, stop);
  }
  void on_finish_impl(error_code&) override {}

  void stop_unless(bool go_on, error_code& stop) {
    stopped_ = !go_on;
    if (stopped_)
      stop = error::end_of_stream;
  }

  const AnswerParser::Receiver& receiver_;
  AnswerHead head_;
  int status_ = 0;
  bool stopped_ = false;
  std::optional<Failure> failure_;
};

} // namespace

class AnswerParser::Implementation {
public:
  Implementation(Receiver receiver, Body body) : receiver_(std::move(receiver)), body_(body) { begin(); }

  State put(std::string_view bytes) {
    while (state_ == State::reading && !bytes.empty())
      message_->is_header_done() ? read_body(bytes) : read_head(bytes);
    overrun_ = overrun_ || (state_ == State::whole && !bytes.empty());
    return state_;
  }
  State end() {
    if (state_ == State::reading)
      state_ = message_->is_header_done() && pending_.empty() ? message_->end() : State::broken;
    return state_;
  }
  bool head_done() const { return message_->is_header_done(); }
  bool keeps_alive() const { return state_ == State::whole && !overrun_ && message_->keep_alive(); }
  bool overrun() const { return overrun_; }
  const std::optional<Failure>& failure() const { return failure_; }

private:
  void begin() {
    lines_.emplace();
    message_.emplace(receiver_, body_);
  }

  void read_head(std::string_view& bytes) {
    const auto lines = lines_->take(bytes, AnswerLimits::head - interim_bytes_);
    if (lines == HeadLines::State::more)
      return;
    if (lines == HeadLines::State::refused)
      return refuse(lines_->failure());
    std::string_view text = lines_->text();
    advance(text);
    if (state_ != State::whole || !message_->interim())
      return;
    interim_bytes_ += lines_->text().size();
    if (++interim_ > AnswerLimits::interim || interim_bytes_ >= AnswerLimits::head)
      return refuse(malformed("the interim answers before the answer have no end"));
    state_ = State::reading;
    begin();
  }

  /// A line that has not wholly come is kept until it has.
  void read_body(std::string_view& bytes) {
    if (pending_.empty()) {
      auto piece = bytes.substr(0, AnswerLimits::framing);
      const auto size = piece.size();
      advance(piece);
      if (state_ == State::reading)
        pending_ = piece;
      bytes.remove_prefix(state_ == State::reading ? size : size - piece.size());
      return;
    }
    const auto end = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
    if (pending_.size() + end > AnswerLimits::framing)
      return refuse(malformed("a line of the answer's framing is too long"));
    pending_ += bytes.substr(0, end);
    bytes.remove_prefix(end);
    // Beast must not look at it twice before it has ended: it takes for granted five bytes then, and there may be four.
    if (begins_last_chunk(pending_) && !pending_.ends_with("\r\n\r\n"))
      return;
    std::string_view text = pending_;
    advance(text);
    pending_ = std::string(text);
  }

  void advance(std::string_view& text) {
    state_ = message_->read(text);
    if (state_ == State::broken)
      refuse(message_->failure().value_or(not_http()));
  }

  void refuse(Failure failure) {
    failure_ = std::move(failure);
    state_ = State::broken;
  }

  const Receiver receiver_;
  const Body body_;
  std::optional<HeadLines> lines_;
  std::optional<Message> message_;
  std::string pending_;
  int interim_ = 0;
  std::size_t interim_bytes_ = 0;
  State state_ = State::reading;
  bool overrun_ = false;
  std::optional<Failure> failure_;
};

AnswerParser::AnswerParser(Receiver receiver, Body body)
    : implementation_(std::make_unique<Implementation>(std::move(receiver), body)) {}

AnswerParser::~AnswerParser() = default;

AnswerParser::State AnswerParser::put(std::string_view bytes) {
  return implementation_->put(bytes);
}

AnswerParser::State AnswerParser::end() {
  return implementation_->end();
}

bool AnswerParser::head_done() const noexcept {
  return implementation_->head_done();
}

bool AnswerParser::keeps_alive() const noexcept {
  return implementation_->keeps_alive();
}

bool AnswerParser::overrun() const noexcept {
  return implementation_->overrun();
}

const std::optional<Failure>& AnswerParser::failure() const noexcept {
  return implementation_->failure();
}

} // namespace runtime_agent::http
