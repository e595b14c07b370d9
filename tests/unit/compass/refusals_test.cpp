#include "transport/compass/refusals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/graphql/fake_http_client.hpp"
#include "transport/compass/make_clients.hpp"

/// The rows of contract 2.2, as they come over the wire.
namespace runtime_agent::compass::refusals_test {
namespace {

using testing::HasSubstr;

struct Row {
  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.status << ' ' << row.body; }
  int status;
  std::string body;
  Blame blame;
};

std::string without_extensions(const std::string& message) {
  return R"({"errors":[{"message":")" + message + R"(","path":["configuration"]}],"data":null})";
}

std::string with_code(int code, const std::string& message, const std::string& path = "runtime") {
  return R"({"errors":[{"message":")" + message + R"(","path":[")" + path +
         R"("],"extensions":{"error":"Some","error_code":)" + std::to_string(code) + R"(}}],"data":null})";
}

ClientSettings answering(const Row& row) {
  ClientSettings settings;
  settings.make_http = [row](const http::ClientOptions&) {
    return std::make_shared<http::test::FakeClient>(row.status, row.body);
  };
  return settings;
}

class OfTheConnector : public testing::TestWithParam<Row> {};

TEST_P(OfTheConnector, ShowsWhomItBlames) {
  const auto connector = make_connector_client(answering(GetParam()));
  const auto identity = std::make_shared<const x509::Identity>();
  for (const auto& answer : {connector->configuration("https://connector.example/", Secret("token"), {}),
                             connector->configuration("https://connector.example/", identity, {})}) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().blame, GetParam().blame) << answer.error().text();
  }
}

const std::string html = "<html><body>no</body></html>";

INSTANTIATE_TEST_SUITE_P(
    Refusals, OfTheConnector,
    testing::Values(
        Row{200,
            without_extensions("Failed to authenticate request. Token authentication error: token is invalid. "
                               "Certificate authentication error: Failed to authenticate with Certificate. Invalid "
                               "subject."),
            Blame::identity},
        Row{200, without_extensions("Failed to authenticate request, consumer type not found: x"), Blame::identity},
        Row{200, R"({"errors":[{"message":"no","extensions":{}}]})", Blame::identity}, Row{400, "", Blame::identity},
        Row{200, with_code(26, "Unauthorized", "configuration"), Blame::identity}));

INSTANTIATE_TEST_SUITE_P(Troubles, OfTheConnector,
                         testing::Values(Row{200, with_code(10, "Internal Server Error", "configuration"), Blame::none},
                                         Row{422, without_extensions("no such field"), Blame::none},
                                         Row{429, "", Blame::none}, Row{429, html, Blame::none},
                                         Row{200, "", Blame::none}, Row{200, R"({"errors":"no"})", Blame::none},
                                         Row{200, R"({"data":null})", Blame::none},
                                         Row{200, R"({"data":{"configur)", Blame::none},
                                         Row{500, with_code(10, "Internal Server Error"), Blame::none}));

INSTANTIATE_TEST_SUITE_P(SomethingElse, OfTheConnector,
                         testing::Values(Row{200, html, Blame::elsewhere}, Row{302, html, Blame::elsewhere},
                                         Row{301, "", Blame::elsewhere}, Row{400, html, Blame::elsewhere},
                                         Row{404, "404 page not found", Blame::elsewhere},
                                         Row{404, "", Blame::elsewhere}, Row{405, "", Blame::elsewhere},
                                         Row{404, R"({"status":"not found"})", Blame::elsewhere},
                                         Row{200, R"({"status":"ok"})", Blame::elsewhere},
                                         Row{500, html, Blame::elsewhere}, Row{502, html, Blame::elsewhere},
                                         Row{503, "", Blame::elsewhere}, Row{503, "{", Blame::elsewhere}));

class OfTheDirector : public testing::TestWithParam<Row> {};

TEST_P(OfTheDirector, ShowsWhomItBlamesAndNamesTheKey) {
  const auto director = make_director_client(answering(GetParam()));
  const DirectorAccess access{"https://director.example/", "tenant-1", "runtime-1",
                              std::make_shared<const x509::Identity>()};
  const auto fetched = director->fetch(access, {});
  const auto labelled = director->set_runtime_label(access, "key", "value", {});
  for (const Failure& failure : {fetched ? Failure{} : fetched.error(), labelled ? Failure{} : labelled.error()}) {
    EXPECT_EQ(failure.blame, GetParam().blame) << failure.text();
    EXPECT_EQ(failure.text().find("is TENANT tenant-1 right?") != std::string::npos, failure.blame == Blame::tenant);
    EXPECT_EQ(failure.text().find("is RUNTIME_ID runtime-1 right?") != std::string::npos,
              failure.blame == Blame::runtime);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Refusals, OfTheDirector,
    testing::Values(Row{200, with_code(23, "insufficient scopes provided [actual=; required=runtime:read]"),
                        Blame::tenant},
                    Row{400, with_code(25, "Tenant not found"), Blame::tenant},
                    Row{200, with_code(24, "Tenant required"), Blame::tenant},
                    Row{200, with_code(20, "Object not found [object=runtime]"), Blame::runtime},
                    Row{200, with_code(26, "Unauthorized"), Blame::identity}, Row{400, "", Blame::identity}));

INSTANTIATE_TEST_SUITE_P(
    Troubles, OfTheDirector,
    testing::Values(Row{200, with_code(23, "insufficient scopes provided [actual=a:b; required=c]"), Blame::none},
                    Row{200, with_code(20, "Object not found", "application"), Blame::none},
                    Row{200, with_code(27, "requesting runtime should be in same scenario"), Blame::none},
                    Row{200, with_code(10, "Internal Server Error"), Blame::none}, Row{503, html, Blame::none},
                    Row{429, "", Blame::none}));

/// Refuses so many times.
struct Refusing {
  int refusals;
  Blame blame = Blame::identity;
  int asked = 0;
  int dropped = 0;
  void drop_idle_connections() { ++dropped; }
  Result<int> ask() {
    ++asked;
    return refusals-- > 0 ? Result<int>(failed({.kind = FailureKind::refused, .blame = blame})) : Result<int>(1);
  }
};

TEST(Confirmed, ARefusalIsOneThatComesAgainOnAFreshConnection) {
  Refusing passing{1};
  EXPECT_TRUE(confirmed(passing, [&] { return passing.ask(); }));
  EXPECT_EQ(passing.dropped, 1);
  Refusing lasting{2};
  EXPECT_FALSE(confirmed(lasting, [&] { return lasting.ask(); }));
  EXPECT_EQ(lasting.asked, 2);
}

TEST(Confirmed, NothingElseIsAskedTwice) {
  Refusing good{0};
  EXPECT_TRUE(confirmed(good, [&] { return good.ask(); }));
  EXPECT_EQ(good.asked, 1);
  Refusing page{1, Blame::elsewhere};
  EXPECT_FALSE(confirmed(page, [&] { return page.ask(); }));
  EXPECT_EQ(page.asked, 1);
  EXPECT_EQ(page.dropped, 0);
}

} // namespace
} // namespace runtime_agent::compass::refusals_test
