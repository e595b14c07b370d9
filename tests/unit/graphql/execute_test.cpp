#include "transport/graphql/execute.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/graphql/fake_http_client.hpp"

namespace runtime_agent::graphql {
namespace {

using namespace std::chrono_literals;
using http::test::FakeClient;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Document document{"query", "answer", "query answer($x: Int) { answer(x: $x) }"};

/// One call against a fake, and everything that it needs.
struct Conversation {
  std::shared_ptr<FakeClient> client;
  Parser parser{1u << 20, 16};
  Call call{.document = document, .variables = {{"x", 1}}, .where = "Director"};
  CallContext context{};

  explicit Conversation(FakeClient::Answer answer) : client(std::make_shared<FakeClient>(std::move(answer))) {}
  explicit Conversation(std::string body, int status = 200, http::Headers headers = {})
      : client(std::make_shared<FakeClient>(status, std::move(body), std::move(headers))) {}

  Result<Answer> run() {
    return execute({client, *http::Url::parse("https://compass.example/director/graphql")}, call, context, parser);
  }
  Failure failure() {
    const auto answer = run();
    return answer ? Failure{} : answer.error();
  }
};

TEST(GraphQl, ReturnsTheData) {
  Conversation conversation(R"({"data":{"answer":42}})");
  const auto answer = conversation.run();
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(std::int64_t(answer->data["answer"]), 42);
  EXPECT_EQ(answer->bytes, 22u);
}

TEST(GraphQl, PostsDocumentNameAndVariables) {
  Conversation conversation(R"({"data":{}})");
  conversation.call.variables = {{"x", "a\"b"}};
  ASSERT_TRUE(conversation.run());
  const auto request = conversation.client->requests().front();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/director/graphql");
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(request.operation, "query answer");
  EXPECT_EQ(nlohmann::json::parse(request.body),
            (nlohmann::json{{"query", document.text}, {"operationName", "answer"}, {"variables", {{"x", "a\"b"}}}}));
}

TEST(GraphQl, SurvivesVariablesThatAreNotUtf8) {
  Conversation conversation(R"({"data":{}})");
  conversation.call.variables = {{"x", "\xff"}};
  EXPECT_TRUE(conversation.run());
}

TEST(GraphQl, LetsOnlyAQueryBeRepeatedThatSpendsNoToken) {
  const auto repeatable = [](std::string_view kind, bool token) {
    Conversation conversation(R"({"data":{}})");
    conversation.call.document.kind = kind;
    if (token)
      conversation.call.secret_headers = {{"Connector-Token", Secret("abc")}};
    EXPECT_TRUE(conversation.run());
    return conversation.client->requests().front().repeatable;
  };
  EXPECT_TRUE(repeatable("query", false));
  EXPECT_FALSE(repeatable("query", true));
  EXPECT_FALSE(repeatable("mutation", false));
}

TEST(GraphQl, NamesTheLoginPageThatAnswers) {
  const auto failure =
      Conversation("<html><head><title>Log in\x1b[31m</title></head><body>password</body></html>").failure();
  EXPECT_EQ(failure.kind, FailureKind::malformed);
  EXPECT_EQ(failure.what, "the answer is not JSON but a web page: \"Log in [31m\"");
}

TEST(GraphQl, NeverQuotesWhatMayHoldJsonBehindSomethingElse) {
  const std::string secret_json = R"({"data":{"token":{"token":"s3cr3t"}}})";
  for (const auto& before : {"\xef\xbb\xbf", ")]}',\n", "HTTP\n\n", "\"", "x"})
    for (const int status : {200, 500}) {
      Conversation conversation(before + secret_json, status);
      std::string logged;
      const CallLogger logger = [&](const FailedCall& call) { logged = call.response; };
      conversation.call.logger = &logger;
      const auto failure = conversation.failure();
      EXPECT_THAT(failure.what, Not(HasSubstr("s3cr3t"))) << before;
      EXPECT_THAT(failure.what, HasSubstr("bytes that are not complete JSON)"));
      EXPECT_THAT(logged, Not(HasSubstr("s3cr3t"))) << before;
    }
  EXPECT_EQ(Conversation("404 page not found").failure().what, "the answer is not JSON: 404 page not found");
}

TEST(GraphQl, SaysWhereARedirectPointsWithoutTheToken) {
  Conversation conversation("", 302, {{"Location", "https://sso.example.com/abc/login?token=abc"}});
  conversation.call.secret_headers = {{"Connector-Token", Secret("abc")}};
  EXPECT_EQ(conversation.failure().what, "302 Found: it points to https://sso.example.com/[redacted]/login?…");
}

TEST(GraphQl, SendsPlainAndSecretHeaders) {
  Conversation conversation(R"({"data":{}})");
  conversation.call.headers = {{"Tenant", "t"}};
  conversation.call.secret_headers = {{"Connector-Token", Secret("abc")}};
  ASSERT_TRUE(conversation.run());
  const auto request = conversation.client->requests().front();
  EXPECT_EQ(http::header(request.headers, "Tenant"), "t");
  EXPECT_EQ(http::header(request.headers, "Connector-Token"), "abc");
}

TEST(GraphQl, GivesEachRequestItsTimeoutWithinTheDeadline) {
  Conversation conversation(R"({"data":{}})");
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(conversation.run());
  conversation.context.deadline = before + 1s;
  ASSERT_TRUE(conversation.run());
  const auto contexts = conversation.client->contexts();
  EXPECT_GE(contexts[0].deadline, before + 30s);
  EXPECT_LT(contexts[0].deadline, before + 40s);
  EXPECT_EQ(contexts[1].deadline, before + 1s);
}

TEST(GraphQl, PassesFailuresOfTheConnectionOnWithItsOwnPlace) {
  Conversation conversation([](const http::Request&, const CallContext&) -> Result<http::Response> {
    return failed({.kind = FailureKind::timeout, .where = "elsewhere", .what = "no answer", .maybe_processed = true});
  });
  conversation.context.request_id = "runtime_1";
  const auto failure = conversation.failure();
  EXPECT_EQ(failure.kind, FailureKind::timeout);
  EXPECT_EQ(failure.text(), "Director, https://compass.example: no answer (x-request-id runtime_1)");
  EXPECT_TRUE(failure.maybe_processed);
}

TEST(GraphQl, TakesAnErrorsEntryForAFailureEvenBesideData) {
  Conversation conversation(R"({"data":{"answer":42},"errors":[{"message":"no"}]})");
  EXPECT_EQ(conversation.failure().kind, FailureKind::refused);
}

TEST(GraphQl, TakesEmptyErrorsForNone) {
  EXPECT_TRUE(Conversation(R"({"data":{"answer":42},"errors":[]})").run());
  EXPECT_TRUE(Conversation(R"({"data":{"answer":42},"errors":null})").run());
}

TEST(GraphQl, NamesTheKindByTheErrorCode) {
  const std::pair<int, FailureKind> cases[] = {
      {10, FailureKind::unavailable}, {20, FailureKind::not_found},    {21, FailureKind::refused},
      {22, FailureKind::refused},     {23, FailureKind::forbidden},    {24, FailureKind::refused},
      {25, FailureKind::refused},     {26, FailureKind::unauthorized}, {27, FailureKind::refused}};
  for (const auto& [code, kind] : cases) {
    Conversation conversation(
        fmt::format(R"({{"errors":[{{"message":"no","extensions":{{"error":"X","error_code":{}}}}}]}})", code));
    EXPECT_EQ(conversation.failure().kind, kind) << code;
  }
}

TEST(GraphQl, SaysMessageCodeAndPathOfEveryError) {
  Conversation conversation(
      R"({"errors":[{"message":"no such\nRuntime","path":["runtime","labels",0],
          "extensions":{"error":"NotFound","error_code":20}},{"message":"and more"}]})");
  EXPECT_EQ(conversation.failure().what, "NotFound (20): no such Runtime, at runtime.labels[0]; and more");
}

TEST(GraphQl, BoundsTheTextOfErrors) {
  std::string errors;
  for (int i = 0; i < 50; ++i)
    errors += (i == 0 ? "" : ",") + fmt::format(R"({{"message":"{}"}})", std::string(1000, 'x'));
  const auto failure = Conversation("{\"errors\":[" + errors + "]}").failure();
  EXPECT_LT(failure.what.size(), 1200u);
  EXPECT_THAT(failure.what, testing::EndsWith("and 45 more"));
}

TEST(GraphQl, SurvivesErrorsOfAnotherShape) {
  for (const char* body : {R"({"errors":["no"]})", R"({"errors":[{}]})", R"({"errors":[null]})",
                           R"({"errors":[{"message":7,"path":"x","extensions":[]}]})"})
    EXPECT_EQ(Conversation(body).failure().kind, FailureKind::refused) << body;
  EXPECT_EQ(Conversation(R"({"errors":"no"})").failure().kind, FailureKind::malformed);
}

class MalformedAnswer : public testing::TestWithParam<const char*> {};

TEST_P(MalformedAnswer, IsAFailure) {
  const auto failure = Conversation(GetParam()).failure();
  EXPECT_EQ(failure.kind, FailureKind::malformed);
  EXPECT_TRUE(failure.maybe_processed);
  EXPECT_EQ(failure.http_status, 200);
}

INSTANTIATE_TEST_SUITE_P(Cases, MalformedAnswer,
                         testing::Values("", " \n", "nonsense", "<html><title>Login</title></html>",
                                         "{\"data\":{\"a\":1", "[]", "{}", R"({"data":null})", R"({"data":7})",
                                         "{\"data\":{}} x", "{\"data\":{\"a\":\"\xff\"}}",
                                         "{\"data\":{\"a\":[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]}}"));

TEST(GraphQl, ShowsTheTitleOfAnHtmlAnswer) {
  EXPECT_THAT(Conversation("<html><title>Login</title></html>").failure().what, HasSubstr("Login"));
}

TEST(GraphQl, NeverShowsAnAnswerThatIsCutOff) {
  const auto failure = Conversation(R"({"data":{"password":"s3cr3t)").failure();
  EXPECT_THAT(failure.text(), Not(HasSubstr("s3cr3t")));
}

TEST(GraphQl, RefusesAnswersThatAreTooLargeForTheParser) {
  Conversation conversation("{\"data\":{\"a\":\"" + std::string(2u << 20, 'x') + "\"}}");
  EXPECT_EQ(conversation.failure().kind, FailureKind::malformed);
}

TEST(GraphQl, TakesAStatusWithHtmlForWhatTheStatusSays) {
  const auto failure =
      Conversation("<html><title>502 Bad Gateway</title></html>", 502, {{"Retry-After", "7"}}).failure();
  EXPECT_EQ(failure.kind, FailureKind::unavailable);
  EXPECT_EQ(failure.retry_after, 7s);
  EXPECT_EQ(failure.http_status, 502);
}

TEST(GraphQl, Takes429ForRateLimiting) {
  const auto failure = Conversation(R"({"errors":[{"message":"slow down"}]})", 429, {{"Retry-After", "7"}}).failure();
  EXPECT_EQ(failure.kind, FailureKind::rate_limited);
  EXPECT_EQ(failure.retry_after, 7s);
  EXPECT_THAT(failure.what, HasSubstr("slow down"));
}

TEST(GraphQl, RedactsTheTokenThatTheServerEchoes) {
  for (const auto& [status, body] :
       {std::pair{200, R"({"errors":[{"message":"token abc/def is bad","path":["abc/def"]}]})"},
        std::pair{200, "token abc/def"}, std::pair{401, "token abc/def"}, std::pair{400, "token=abc%2Fdef"},
        std::pair{401, R"({"errors":[{"message":"token abc\/def"}]})"}, std::pair{500, R"({"token":"abc/def"})"}}) {
    Conversation conversation(body, status);
    conversation.call.secret_headers = {{"Connector-Token", Secret("abc/def")}};
    EXPECT_THAT(conversation.failure().text(), AllOf(Not(HasSubstr("abc/def")), Not(HasSubstr("abc%2Fdef")))) << body;
  }
}

TEST(GraphQl, LogsFailedCallsWithoutSecrets) {
  std::vector<FailedCall> logged;
  const CallLogger logger = [&](const FailedCall& call) { logged.push_back(call); };
  Conversation conversation(
      R"({"data":{"credential":{"password":"pw"},"token":{"token":"next"},"additionalHeaders":{"A":["hv"]},"name":"n"},
          "errors":[{"message":"bad tok"}]})");
  conversation.call.secret_headers = {{"Connector-Token", Secret("tok")}};
  conversation.call.variables = {{"runtimeID", "r"}, {"note", "tok"}};
  conversation.call.logger = &logger;
  conversation.failure();
  ASSERT_EQ(logged.size(), 1u);
  EXPECT_EQ(logged[0].document, document.text);
  EXPECT_EQ(logged[0].variables, R"({"note":"[redacted]","runtimeID":"r"})");
  EXPECT_THAT(logged[0].response, AllOf(HasSubstr(R"("name":"n")"), HasSubstr("bad [redacted]"), Not(HasSubstr("pw")),
                                        Not(HasSubstr("hv")), Not(HasSubstr("next"))));
  EXPECT_THAT(logged[0].failure.text(), Not(HasSubstr("bad tok")));
}

TEST(GraphQl, DoesNotLogCallsThatSucceed) {
  int logged = 0;
  const CallLogger logger = [&](const FailedCall&) { ++logged; };
  Conversation conversation(R"({"data":{}})");
  conversation.call.logger = &logger;
  ASSERT_TRUE(conversation.run());
  EXPECT_EQ(logged, 0);
}

} // namespace
} // namespace runtime_agent::graphql
