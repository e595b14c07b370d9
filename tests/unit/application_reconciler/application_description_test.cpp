#include <gtest/gtest.h>

#include "actors/application_reconciler/object_bodies.hpp"
#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/application_reconciler/vector_dataset.hpp"

// An Application is hashed without its body being made: both must be the same, or every cycle would write it again.
namespace runtime_agent::tests {
namespace {

using namespace application_reconciler;

void expect_same_digest(const compass::Application& source, const std::string& what) {
  MappingSettings settings;
  settings.central_gateway_url = "http://gateway/";
  const kubernetes::Json body = application_body(source, "mp-a", settings);
  EXPECT_EQ(application_digest(source, "mp-a", settings), application_digest(body)) << what << ": " << body.dump();
  const std::string text = application_text(source, "mp-a", settings);
  EXPECT_EQ(text, body.dump()) << what;
  simdjson::dom::parser parser;
  const auto read = parser.parse(text);
  ASSERT_EQ(read.error(), simdjson::SUCCESS) << what;
  EXPECT_EQ(application_digest(kubernetes::JsonView(read.value_unsafe())), application_digest(body)) << what;
}

TEST(ApplicationDescription, HashesTheRecordedDataAsTheirBodies) {
  std::size_t applications = 0;
  for (const auto& name : vector_cases())
    for (const auto* file : {"dataset.json", "step2.json"}) {
      const auto dataset = vector_file(name, file);
      if (!dataset.is_object())
        continue;
      const auto data = runtime_data(dataset);
      for (const auto& application : data->applications) {
        expect_same_digest(application, name);
        ++applications;
      }
    }
  EXPECT_GT(applications, 50u);
}

TEST(ApplicationDescription, HashesWhatCountsAsAbsentAsTheBody) {
  auto source = application("a", {bundle("1"), with_password(bundle("2")), with_headers(bundle("3"))});
  source.auth_ids = {"", "x"};
  source.bundles[0].instance_auth_request_input_schema = ""; // there, and empty
  source.bundles[0].api_definitions.clear();
  source.bundles[1].default_instance_auth->csrf_token_endpoint_url = "";
  source.bundles[1].event_definitions.push_back({"", "", std::nullopt, std::nullopt, std::nullopt});
  source.bundles[2].default_instance_auth->credential = compass::OAuthCredential{Secret("c"), Secret("s"), ""};
  source.bundles[2].default_instance_auth->csrf_token_endpoint_url = "https://csrf";
  expect_same_digest(source, "values that are empty");
  expect_same_digest(application("b"), "no bundles");
}

TEST(ApplicationDescription, HashesTextsOfAnyLength) {
  auto source = application("a", {bundle("1")});
  for (const std::size_t size : {1u, 2030u, 2047u, 2048u, 2049u, 100'000u}) {
    source.description = std::string(size, 'x');
    expect_same_digest(source, std::to_string(size));
  }
}

TEST(ApplicationDescription, GivesDifferentDataDifferentDigests) {
  const MappingSettings settings;
  auto one = application("a", {bundle("1")});
  auto other = one;
  other.bundles[0].api_definitions[0].target_url = "https://elsewhere";
  EXPECT_NE(application_digest(one, "mp-a", settings), application_digest(other, "mp-a", settings));
  EXPECT_NE(application_digest(one, "mp-a", settings), application_digest(one, "mp-b", settings));
}

TEST(ApplicationDescription, MendsASettingThatIsNoUtf8) {
  MappingSettings settings;
  settings.central_gateway_url = "http://gate\xffway/";
  const auto body = kubernetes::Json::parse(application_text(application("a", {bundle("1")}), "mp-a", settings));
  const std::string url = body["spec"]["services"][0]["entries"][0]["centralGatewayUrl"];
  EXPECT_TRUE(url.starts_with("http://gate\uFFFDway/")) << url;
}

TEST(SecretText, IsItsBody) {
  const auto data = director_data({shop("a"), application("b", {with_headers(bundle("c"))})});
  std::size_t secrets = 0;
  for (const auto& [name, application] : desired_objects(data, {}).applications)
    for (const auto& secret : application->secrets) {
      EXPECT_EQ(secret_text(*application, secret, "kyma-system", "the uid"),
                secret_body(*application, secret, "kyma-system", "the uid").dump());
      ++secrets;
    }
  EXPECT_EQ(secrets, 2u);
}

} // namespace
} // namespace runtime_agent::tests
