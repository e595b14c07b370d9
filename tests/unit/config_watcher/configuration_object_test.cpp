#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/config_watcher/configuration_object.hpp"
#include "actors/config_watcher/connection_wishes.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::config_watcher {
namespace {

using kubernetes::Json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Source config_map{ObjectKind::config_map, "compass-system", "compass-agent-configuration"};
const Source secret{ObjectKind::secret, "kyma-system", "compass-agent-configuration"};

Json good() {
  return {{"data",
           {{"CONNECTOR_URL", " https://compass.example.com/connector/graphql\n"},
            {"RUNTIME_ID", "1ae04041-17e5-478f-91f8-3a2ddc7700de\n"},
            {"TENANT", "tenant"},
            {"TOKEN", "one-time"}}}};
}

TEST(ConfigurationObject, IsReadTrimmedFromAConfigMap) {
  const auto configuration = read_configuration(good(), config_map, false);
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->connector_url, "https://compass.example.com/connector/graphql");
  EXPECT_EQ(configuration->runtime_id, "1ae04041-17e5-478f-91f8-3a2ddc7700de");
  EXPECT_EQ(configuration->tenant, "tenant");
  EXPECT_EQ(configuration->token.reveal(), "one-time");
  EXPECT_EQ(configuration->token_sha256, sha256_hex("one-time"));
}

TEST(ConfigurationObject, IsDecodedFromASecret) {
  Json object = good();
  for (auto& value : object["data"])
    value = base64_encode(value.get<std::string>());
  const auto configuration = read_configuration(object, secret, false);
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->tenant, "tenant");
}

TEST(ConfigurationObject, FailsByNameWhereASecretsValueIsNoBase64) {
  const auto configuration = read_configuration(good(), secret, false);
  ASSERT_FALSE(configuration);
  EXPECT_THAT(configuration.error().text(), HasSubstr("Secret kyma-system/compass-agent-configuration: "));
  EXPECT_THAT(configuration.error().text(), HasSubstr("CONNECTOR_URL is not base64"));
}

class EachKey : public testing::TestWithParam<const char*> {};

TEST_P(EachKey, IsNamedWhereItIsMissingOrBlank) {
  Json object = good();
  object["data"].erase(GetParam());
  auto configuration = read_configuration(object, config_map, false);
  ASSERT_FALSE(configuration);
  EXPECT_EQ(configuration.error().where, "ConfigMap compass-system/compass-agent-configuration");
  EXPECT_EQ(configuration.error().what, std::string(GetParam()) + " is missing");
  object["data"][GetParam()] = " \n";
  configuration = read_configuration(object, config_map, false);
  ASSERT_FALSE(configuration);
  EXPECT_EQ(configuration.error().what, std::string(GetParam()) + " is blank");
}

INSTANTIATE_TEST_SUITE_P(ConfigurationObject, EachKey,
                         testing::Values("CONNECTOR_URL", "RUNTIME_ID", "TENANT", "TOKEN"));

TEST(ConfigurationObject, SaysAllThatIsWrongAtOnceAndNeverTheToken) {
  Json object = good();
  object["data"]["CONNECTOR_URL"] = "not a url";
  object["data"]["RUNTIME_ID"] = "line\nbreak";
  object["data"].erase("TENANT");
  const auto configuration = read_configuration(object, config_map, false);
  ASSERT_FALSE(configuration);
  EXPECT_THAT(configuration.error().text(),
              AllOf(HasSubstr("CONNECTOR_URL is not a URL"), HasSubstr("RUNTIME_ID contains the control character"),
                    HasSubstr("TENANT is missing"), Not(HasSubstr("one-time"))));
}

TEST(ConfigurationObject, TakesPlainHttpOnlyWhereTlsChecksAreOff) {
  Json object = good();
  object["data"]["CONNECTOR_URL"] = "http://compass.example.com/connector/graphql";
  EXPECT_TRUE(read_configuration(object, config_map, true));
  const auto configuration = read_configuration(object, config_map, false);
  ASSERT_FALSE(configuration);
  EXPECT_THAT(configuration.error().text(), HasSubstr("CONNECTOR_URL must begin with https://"));
}

TEST(ConfigurationObject, IsNoCrashWhateverItsShape) {
  for (const char* text : {"{}", "[]", "null", R"({"data": null})", R"({"data": []})", R"({"data": {"TOKEN": 5}})"})
    EXPECT_FALSE(read_configuration(Json::parse(text), config_map, false)) << text;
}

ObjectSeen seen(const char* json) {
  ObjectSeen seen;
  seen.object = std::make_shared<const Json>(Json::parse(json));
  return seen;
}

TEST(Wishes, KeepTheVersionAtWhichTheyWereFirstSeen) {
  const auto first =
      observe(seen(R"({"metadata": {"resourceVersion": "7"}, "spec": {"resyncNow": true}})"), nullptr, "p");
  EXPECT_EQ(first.resync_id, "7");
  EXPECT_EQ(first.refresh_id, "");
  const auto second =
      observe(seen(R"({"metadata": {"resourceVersion": "8"}, "spec": {"resyncNow": true}})"), &first, "p");
  EXPECT_EQ(second.resync_id, "7");
  const auto off =
      observe(seen(R"({"metadata": {"resourceVersion": "9"}, "spec": {"resyncNow": false}})"), &second, "p");
  EXPECT_EQ(off.resync_id, "");
  const auto again =
      observe(seen(R"({"metadata": {"resourceVersion": "10"}, "spec": {"resyncNow": true}})"), &off, "p");
  EXPECT_EQ(again.resync_id, "10");
}

TEST(Absence, IsNamedByTheDeletedObjectOrByTheProcess) {
  ObjectSeen gone;
  EXPECT_EQ(observe(gone, nullptr, "process-1").absence_id, "process-1");
  gone.deleted_uid = "uid-1";
  const auto absent = observe(gone, nullptr, "process-1");
  EXPECT_EQ(absent.absence_id, "uid-1");
  // Listed again while it is still absent: the same absence.
  EXPECT_EQ(observe(ObjectSeen{}, &absent, "process-1").absence_id, "uid-1");
  // Deleted while the watch was interrupted: known by the object that was there.
  const auto before = observe(seen(R"({"metadata": {"uid": "uid-2"}})"), nullptr, "process-1");
  EXPECT_EQ(observe(ObjectSeen{}, &before, "process-1").absence_id, "uid-2");
}

TEST(Absence, IsReadFromTheAnnotationUntilItIsServed) {
  const auto observed = observe(
      seen(R"({"metadata": {"annotations": {"runtime-agent.kyma-project.io/reconnect": "uid-1"}}})"), nullptr, "p");
  EXPECT_EQ(pending_reconnect(observed), "uid-1");
  EXPECT_EQ(pending_reconnect(observe(seen(R"({"metadata": {}})"), nullptr, "p")), "");
}

TEST(ConfigurationObject, NamesWhatIsLongerThanSuchAValueCanBe) {
  const std::pair<const char*, std::size_t> bounds[] = {
      {"CONNECTOR_URL", 8192}, {"RUNTIME_ID", 1024}, {"TENANT", 1024}, {"TOKEN", 8192}};
  for (const auto& [key, most] : bounds) {
    Json object = good();
    object["data"][key] = std::string(key) == "CONNECTOR_URL" ? "https://compass.example/" + std::string(most, 'a')
                                                              : std::string(300'000, 'a');
    const auto configuration = read_configuration(object, config_map, false);
    ASSERT_FALSE(configuration) << key;
    EXPECT_THAT(configuration.error().text(),
                AllOf(HasSubstr(std::string(key) + " is "), HasSubstr("at most " + std::to_string(most))));
    EXPECT_LT(configuration.error().text().size(), 400u);
  }
}

} // namespace
} // namespace runtime_agent::config_watcher
