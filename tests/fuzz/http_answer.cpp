#include <string>

#include "tests/fuzz/fuzz.hpp"
#include "transport/http/answer_parser.hpp"
#include "transport/http/content_coding.hpp"

namespace {

using namespace runtime_agent;
using State = http::AnswerParser::State;

struct Reading {
  State state = State::reading;
  int status = 0;
  std::string body;
  bool keeps_alive = false;
  bool operator==(const Reading&) const = default;
};

Reading read(std::string_view text, std::size_t piece) {
  Reading reading;
  http::AnswerParser parser({[&](http::AnswerHead head) {
                               reading.status = head.status;
                               return true;
                             },
                             [&](std::string_view body) {
                               reading.body += body;
                               return true;
                             }});
  for (std::size_t at = 0; at < text.size(); at += piece)
    parser.put(text.substr(at, piece));
  reading.state = parser.end();
  reading.keeps_alive = parser.keeps_alive();
  return reading;
}

} // namespace

/// An answer from whoever answers: the same in whatever pieces it comes.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto whole = read(text, std::max<std::size_t>(size, 1));
  for (const std::size_t piece : {1, 7})
    fuzz::require(read(text, piece) == whole);
  fuzz::require(whole.body.size() <= size);
  http::ContentDecoder decoder("gzip");
  std::size_t bytes = 0;
  decoder.put(text, [&](std::string_view piece) {
    bytes += piece.size();
    return bytes < 1u << 20;
  });
  return 0;
}
