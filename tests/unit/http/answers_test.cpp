// Answers byte by byte: what RFC 9112 allows is read, whatever it is cut into; what it does not is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/unit/http/servers.hpp"
#include "transport/http/answer_parser.hpp"
#include "transport/http/content_coding.hpp"

namespace runtime_agent::http::test::answers {
namespace {

using State = AnswerParser::State;

/// What became of an answer.
struct Outcome {
  State state = State::reading;
  bool keeps_alive = false;
  int status = 0;
  std::string body{};
  std::string what{};
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& it) {
  return out << "state " << static_cast<int>(it.state) << ", keeps alive " << it.keeps_alive << ", " << it.status
             << ", " << it.body.size() << " bytes, " << it.what;
}

template <class Feed>
Outcome outcome_of(Feed feed) {
  Outcome outcome;
  AnswerParser parser({[&](AnswerHead head) {
                         outcome.status = head.status;
                         return true;
                       },
                       [&](std::string_view piece) {
                         outcome.body += piece;
                         return true;
                       }});
  feed(parser);
  outcome.state = parser.end();
  outcome.keeps_alive = parser.keeps_alive();
  outcome.what = parser.failure() ? parser.failure()->what : "";
  return outcome;
}

Outcome read_in_two(std::string_view text, std::size_t first) {
  return outcome_of([&](AnswerParser& parser) {
    parser.put(text.substr(0, first));
    parser.put(text.substr(first));
  });
}

Outcome read_byte_by_byte(std::string_view text) {
  return outcome_of([&](AnswerParser& parser) {
    for (std::size_t i = 0; i < text.size(); ++i)
      parser.put(text.substr(i, 1));
  });
}

struct AnswerCase {
  const char* name;
  std::string text;
  Outcome expected;
};

Outcome good(std::string body, bool keeps_alive = true, int status = 200) {
  return {State::whole, keeps_alive, status, std::move(body), ""};
}
Outcome bad(std::string what = "the answer is not HTTP/1.1", int status = 0, std::string body = "") {
  return {State::broken, false, status, std::move(body), std::move(what)};
}

const std::string two_bytes = "Content-Length: 2\r\n\r\nok";
const std::string chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::vector<AnswerCase> good_answers() {
  const std::string many_fields = [] {
    std::string text;
    for (int i = 0; i < 100; ++i)
      text += fmt::format("Set-Cookie: c{}={}\r\n", i, std::string(200, 'z'));
    return text;
  }();
  return {
      {"Plain", "HTTP/1.1 200 OK\r\n" + two_bytes, good("ok")},
      {"WithoutReason", "HTTP/1.1 200 \r\n" + two_bytes, good("ok")},
      {"WithoutReasonAndSpace", "HTTP/1.1 200\r\n" + two_bytes, good("ok")},
      {"BareLineFeeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", good("ok")},
      {"LongReason", "HTTP/1.1 200 " + std::string(1000, 'x') + "\r\n" + two_bytes, good("ok")},
      {"LongField", "HTTP/1.1 200 OK\r\nX-Policy: " + std::string(12'000, 'y') + "\r\n" + two_bytes, good("ok")},
      {"ManyFields", "HTTP/1.1 200 OK\r\n" + many_fields + two_bytes, good("ok")},
      {"FoldedField", "HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\n" + two_bytes, good("ok")},
      {"EmptyField", "HTTP/1.1 200 OK\r\nX-A:\r\n" + two_bytes, good("ok")},
      {"LengthTwice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + two_bytes, good("ok")},
      {"NoBytes", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", good("")},
      {"Closes", "HTTP/1.1 200 OK\r\nConnection: Close\r\n" + two_bytes, good("ok", false)},
      {"ToTheEnd", "HTTP/1.1 200 OK\r\n\r\nok", good("ok", false)},
      {"Http10", "HTTP/1.0 200 OK\r\n" + two_bytes, good("ok", false)},
      {"NoContent", "HTTP/1.1 204 No Content\r\n\r\n", good("", true, 204)},
      {"NotModified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", good("", true, 304)},
      {"MoreThanTheAnswer", "HTTP/1.1 200 OK\r\n" + two_bytes + "HTTP", good("ok", false)},
      {"Continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + two_bytes, good("ok")},
      {"ContinueWithFields", "HTTP/1.1 100 Continue\r\nDate: x\r\n\r\nHTTP/1.1 200 OK\r\n" + two_bytes, good("ok")},
      {"ProcessingTwice",
       "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n" + two_bytes, good("ok")},
      {"EarlyHints", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 No\r\n" + two_bytes,
       good("ok", true, 404)},
      {"Chunks", chunked_head + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", good("abc")},
      {"ChunksUpperCase", "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
       good("0123456789")},
      {"ChunkExtensions", chunked_head + "2;a=b;c=\"d;e\"\r\nab\r\n0;x\r\n\r\n", good("ab")},
      {"Trailers", chunked_head + "2\r\nab\r\n0\r\nServer-Timing: total;dur=1\r\nX-Sum: 7\r\n\r\n", good("ab")},
      {"NoChunks", chunked_head + "0\r\n\r\n", good("")},
  };
}

std::vector<AnswerCase> bad_answers() {
  std::string interim;
  for (int i = 0; i < 40; ++i)
    interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const std::string framing = "a line of the answer's framing is too long";
  const std::string length = "the answer's Content-Length is not a number";
  const std::string coding = "the answer's Transfer-Encoding is not chunked alone";
  return {
      {"Nothing", "", bad("")},
      {"Mail", "220 mail.example.com ESMTP\r\n", bad()},
      {"Http2", "HTTP/2.0 200 OK\r\n" + two_bytes, bad()},
      {"StatusOfTwoDigits", "HTTP/1.1 20 OK\r\n" + two_bytes, bad()},
      {"StatusZero", "HTTP/1.1 000 OK\r\n" + two_bytes, bad()},
      {"AnotherProtocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", bad()},
      {"LongStatusLine", "HTTP/1.1 200 " + std::string(2000, 'x') + "\r\n" + two_bytes,
       bad("the status line of the answer is too long")},
      {"TooLongField", "HTTP/1.1 200 OK\r\nX: " + std::string(17'000, 'x') + "\r\n" + two_bytes,
       bad("a header of the answer is too long")},
      {"FieldWithoutColon", "HTTP/1.1 200 OK\r\nX\r\n" + two_bytes, bad()},
      {"ControlCharacter", "HTTP/1.1 200 OK\r\nX: a\x01\r\n" + two_bytes, bad()},
      {"HeadCutOff", "HTTP/1.1 200 OK\r\nContent-Le", bad("")},
      {"LengthIsNoNumber", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", bad(length)},
      {"TwoLengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n" + two_bytes, bad(length)},
      {"LengthAndChunks", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", bad(coding)},
      {"AnotherCoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", bad(coding)},
      {"BodyCutOff", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", bad("", 200, "ok")},
      {"ChunkCutOff", chunked_head + "5\r\nab", bad("", 200, "ab")},
      {"LastChunkMissing", chunked_head + "2\r\nab\r\n", bad("", 200, "ab")},
      {"ChunkSizeIsNoNumber", chunked_head + "x\r\nab\r\n", bad("the answer is not HTTP/1.1", 200)},
      {"ChunkLongerThanItsSize", chunked_head + "2\r\nabcd\r\n", bad("the answer is not HTTP/1.1", 200, "ab")},
      {"ChunkSizeOverflows", chunked_head + "fffffffffffffffff\r\nab\r\n", bad("the answer is not HTTP/1.1", 200)},
      {"ExtensionsWithoutEnd", chunked_head + "2;" + std::string(17'000, 'x'), bad(framing, 200)},
      {"TrailersWithoutEnd", chunked_head + "0\r\nX: " + std::string(17'000, 'x'), bad(framing, 200)},
      {"InterimWithoutEnd", interim + "HTTP/1.1 200 OK\r\n" + two_bytes,
       bad("the interim answers before the answer have no end")},
  };
}

class Answers : public testing::TestWithParam<AnswerCase> {};

TEST_P(Answers, AreTheSameWhereverTheyAreCut) {
  const auto& [name, text, expected] = GetParam();
  EXPECT_EQ(read_in_two(text, text.size()), expected);
  const std::size_t step = text.size() < 2000 ? 1 : 97; // long ones hold the same byte again and again
  for (std::size_t cut = 0; cut < text.size(); cut += step)
    ASSERT_EQ(read_in_two(text, cut), expected) << "cut at " << cut;
  EXPECT_EQ(read_byte_by_byte(text), expected);
}

const auto name_of_answer = [](const auto& each) { return std::string(each.param.name); };
INSTANTIATE_TEST_SUITE_P(Good, Answers, testing::ValuesIn(good_answers()), name_of_answer);
INSTANTIATE_TEST_SUITE_P(Bad, Answers, testing::ValuesIn(bad_answers()), name_of_answer);

TEST(AnswerBounds, HoldForAllFieldsTogether) {
  std::string text = "HTTP/1.1 200 OK\r\n";
  while (text.size() < 70'000)
    text += "X-Header: " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(read_in_two(text, text.size()), bad("the headers of the answer are too long"));
}

TEST(AnswerBounds, HoldForAllInterimAnswersTogether) {
  std::string text;
  for (int i = 0; i < 5; ++i)
    text += "HTTP/1.1 103 Early Hints\r\nLink: " + std::string(15'000, 'x') + "\r\n\r\n";
  EXPECT_EQ(read_in_two(text, text.size()).state, State::broken);
}

// --- over a connection ---

/// Each piece leaves on its own; afterwards the server waits for the client to go.
Result<Response> answered_in_pieces(const std::vector<std::string>& pieces, std::size_t limit = 64u << 20) {
  RawServer server([&](Peer& peer, int) {
    peer.read_request();
    for (const auto& piece : pieces)
      peer.send(piece);
    peer.wait_for_close();
  });
  Request request;
  request.path = "/";
  request.max_response_bytes = limit;
  return make_client({.origin = server.url(), .target = "director"})->send(request, within(ample));
}

std::string gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string with_coding(const std::string& coding, const std::string& body) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Encoding: {}\r\nContent-Length: {}\r\n\r\n", coding, body.size()) +
         body;
}

TEST(ContentCoding, GzipIsUndoneWhereverItIsCut) {
  const std::string text = R"({"data":{"text":"the same, the same, the same"}})";
  const auto packed = gzipped(text);
  for (std::size_t cut = 0; cut <= packed.size(); ++cut) {
    ContentDecoder decoder("GZip");
    std::string result;
    const auto take = [&](std::string_view piece) {
      result += piece;
      return true;
    };
    EXPECT_TRUE(decoder.put(packed.substr(0, cut), take));
    EXPECT_TRUE(decoder.put(packed.substr(cut), take));
    EXPECT_TRUE(decoder.whole());
    EXPECT_EQ(result, text);
  }
}

TEST(ContentCoding, IsUndoneForTheCaller) {
  for (const auto& answer : {with_coding("gzip", gzipped("content")), with_coding("identity", "content")}) {
    const auto response = answered_in_pieces({answer});
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->body, "content");
  }
}

TEST(ContentCoding, IsBoundedByWhatComesOut) {
  const auto response = answered_in_pieces({with_coding("gzip", gzipped(std::string(10'000'000, 'x')))}, 1'000'000);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::too_large);
}

TEST(ContentCoding, ThatIsDamagedCutOffOrUnknownIsAFailure) {
  const auto packed = gzipped("some content that is long enough to be cut off");
  for (const auto& answer : {with_coding("gzip", "no gzip at all"),
                             with_coding("gzip", packed.substr(0, packed.size() - 9)), with_coding("br", "x")}) {
    const auto response = answered_in_pieces({answer});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::malformed);
    EXPECT_EQ(response.error().http_status, 200);
  }
}

TEST(Answer, OfAKeptConnectionWithTrailersLeavesItUsable) {
  RawServer server([](Peer& peer, int) {
    while (!peer.read_request().empty())
      peer.send("HTTP/1.1 103 Early Hints\r\n\r\n" + chunked_head + "2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n");
  });
  const auto client = make_client({.origin = server.url(), .target = "director"});
  Request request;
  request.path = "/";
  for (int i = 0; i < 3; ++i) {
    const auto response = client->send(request, within(ample));
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->body, "ok");
    EXPECT_EQ(header(response->headers, "X-Sum"), "");
  }
  EXPECT_EQ(server.connections(), 1);
}

/// Sends `piece` every few milliseconds behind `begin`, for as long as the client is there.
Result<Response> streamed_trickle(const std::string& begin, const std::string& piece, std::size_t& received) {
  RawServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.send(begin);
    while (peer.send(piece))
      std::this_thread::sleep_for(std::chrono::milliseconds(5)); // the trickle is what is tested
  });
  Request request;
  request.path = "/";
  const auto client = make_client(
      {.origin = server.url(), .target = "kubernetes", .stream_head_timeout = std::chrono::milliseconds(100)});
  return client->stream(request, within(ample), std::chrono::milliseconds(100), [&](std::string_view text) {
    received += text.size();
    return received < 60;
  });
}

TEST(Trickle, OfAHeadOrOfFramingIsNoProgressOfAStream) {
  for (const auto& begin : {std::string("HTTP/1.1 200 OK\r\nX: "), chunked_head + "2;", chunked_head + "0\r\nX: "}) {
    std::size_t received = 0;
    const auto response = streamed_trickle(begin, "x", received);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::timeout) << begin;
    EXPECT_EQ(received, 0u);
  }
}

TEST(Trickle, OfABodyIsProgressOfAStream) {
  std::size_t received = 0;
  const auto response = streamed_trickle(chunked_head, "1\r\nx\r\n", received);
  EXPECT_TRUE(response) << response.error().text();
  EXPECT_EQ(received, 60u);
}

} // namespace
} // namespace runtime_agent::http::test::answers
