#include "transport/kubernetes/kept_fields.hpp"

#include <gmock/gmock.h>

#include "transport/kubernetes/bounded_json.hpp"

/// What the API server keeps of a write, and who else wrote an object. Source: contract §5.4.
namespace runtime_agent::kubernetes {
namespace {

namespace kept_fields_test {

using testing::HasSubstr;
using testing::Not;

TEST(KeptFields, NamesWhatWasDroppedOrChangedAndNothingElse) {
  struct {
    const char* what;
    const char* sent;
    const char* stored;
    FieldsNotKept expected;
  } const rows[] = {
      {"all kept", R"({"spec":{"a":1,"b":"x"}})", R"({"spec":{"b":"x","a":1}})", {}},
      {"defaults are not ours", R"({"spec":{}})", R"({"spec":{"encodeUrl":true},"metadata":{"uid":"u"}})", {}},
      {"an empty value that is left out", R"({"a":"","b":{},"c":[],"d":null,"e":{"f":""}})", R"({})", {}},
      {"dropped", R"({"spec":{"a":{"b":1}}})", R"({"spec":{"a":{}}})", {{"spec.a.b", Kept::dropped}}},
      {"a whole part", R"({"status":{"a":1,"b":2}})", R"({"spec":{}})", {{"status", Kept::dropped}}},
      {"changed", R"({"a":"x"})", R"({"a":"y"})", {{"a", Kept::changed}}},
      {"another type", R"({"a":"1","b":{"c":1}})", R"({"a":1,"b":"c"})", {{"a", Kept::changed}, {"b", Kept::changed}}},
      {"emptied", R"({"a":"x"})", R"({"a":""})", {{"a", Kept::changed}}},
      {"in every element of a list",
       R"({"s":[{"id":"1","u":"x"},{"id":"2","u":"y"}]})",
       R"({"s":[{"id":"2"},{"id":"1"}]})",
       {{"s[].u", Kept::dropped}}},
      {"elements with ids in another order",
       R"({"s":[{"id":"1","u":"x"},{"id":"2","u":"y"}]})",
       R"({"s":[{"id":"2","u":"y"},{"id":"1","u":"x"}]})",
       {}},
      {"fewer elements", R"({"s":[1,2]})", R"({"s":[1]})", {{"s", Kept::changed}}},
  };
  for (const auto& row : rows)
    EXPECT_EQ(fields_not_kept(Json::parse(row.sent), Json::parse(row.stored)), row.expected) << row.what;
}

TEST(KeptFields, IsBounded) {
  Json sent = Json::object();
  for (int i = 0; i < 1000; ++i)
    sent["field" + std::to_string(i)] = i;
  const auto fields = fields_not_kept(sent, Json::object());
  EXPECT_EQ(fields.size(), fields_at_most);
  EXPECT_LT(not_kept_text(fields, "a").size(), 400u);
}

TEST(KeptFields, SaysTheLikelyCauseAndWhatToDo) {
  const auto older = not_kept_text({{"spec.a", Kept::dropped}}, "applications.applicationconnector.kyma-project.io");
  EXPECT_THAT(older, HasSubstr("spec.a"));
  EXPECT_THAT(older, HasSubstr("older definition applications.applicationconnector.kyma-project.io"));
  EXPECT_THAT(older, HasSubstr("kubectl apply -f deploy/chart/runtime-agent/crds"));
  const auto webhook = not_kept_text({{"spec.a", Kept::changed}}, "applications.applicationconnector.kyma-project.io");
  EXPECT_THAT(webhook, HasSubstr("spec.a"));
  EXPECT_THAT(webhook, HasSubstr("mutating webhook"));
  EXPECT_THAT(webhook, Not(HasSubstr("kubectl")));
  EXPECT_EQ(not_kept_text({}, "x"), "");
}

TEST(OtherManager, IsTheLastOneThatIsNotThisProgram) {
  EXPECT_EQ(other_manager(Json::parse(R"({"metadata":{"managedFields":[
    {"manager":"kubectl-edit","time":"2026-11-29T10:00:00Z"},
    {"manager":"argocd-controller","time":"2026-11-29T10:00:02Z","subresource":"status"},
    {"manager":"runtime-agent","time":"2026-11-29T10:00:03Z"}, {}, 1]}})")),
            "argocd-controller");
  EXPECT_EQ(other_manager(Json::parse(R"({"metadata":{"managedFields":[{"manager":"runtime-agent"}]}})")), "");
  EXPECT_EQ(other_manager(Json::parse(R"({"metadata":{}})")), "");
  Json endless = Json::parse(R"({"metadata":{"managedFields":[{}]}})");
  endless["metadata"]["managedFields"][0]["manager"] = std::string(5000, 'm');
  EXPECT_EQ(other_manager(endless).size(), 100u);
}

} // namespace kept_fields_test
} // namespace
} // namespace runtime_agent::kubernetes
