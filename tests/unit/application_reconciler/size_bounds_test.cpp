#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/application_reconciler/desired_objects.hpp"
#include "actors/application_reconciler/names.hpp"
#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/support/growth.hpp"

/// What the Director may send, and the API server does not take.
namespace runtime_agent::application_reconciler {
namespace {

using testing::AllOf;
using testing::HasSubstr;

namespace size_bounds {

DesiredObjects mapped(std::vector<compass::Application> applications) {
  auto data = std::make_shared<compass::RuntimeData>();
  data->applications = std::move(applications);
  data->labels.is_normalized = true;
  return desired_objects(data, {});
}

} // namespace size_bounds

TEST(SizeBounds, RefuseAnApplicationThatNoRequestCanHold) {
  auto large = tests::application("large", {tests::bundle("b")});
  large.bundles[0].instance_auth_request_input_schema = std::string(3u << 20, 'x');
  const auto objects = size_bounds::mapped({large, tests::application("small", {tests::bundle("c")})});
  EXPECT_TRUE(objects.applications.contains("small"));
  EXPECT_FALSE(objects.applications.contains("large"));
  ASSERT_TRUE(objects.refused.contains("large"));
  EXPECT_THAT(objects.refused.at("large"), AllOf(HasSubstr("its texts are 314"), HasSubstr("3145728 at most"),
                                                 HasSubstr("shorten them in Compass")));
}

TEST(SizeBounds, RefuseAnApplicationWhoseSecretIsTooLarge) {
  const auto credentials =
      tests::application("a", {tests::with_password(tests::bundle("b"), std::string(1u << 20, 'p'))});
  auto with_parameters = tests::application("c", {tests::with_headers(tests::bundle("d"))});
  with_parameters.bundles[0].default_instance_auth->additional_headers =
      Secret(R"({"X":[")" + std::string(1u << 20, 'h') + R"("]})");
  const auto objects = size_bounds::mapped({credentials, with_parameters});
  EXPECT_TRUE(objects.applications.empty());
  EXPECT_THAT(objects.refused.at("a"), AllOf(HasSubstr("Secret a-b would hold 1048580 bytes"),
                                             HasSubstr("1048576 at most"), HasSubstr("credentials")));
  EXPECT_THAT(objects.refused.at("c"), AllOf(HasSubstr("Secret params-c-d would hold"), HasSubstr("headers")));
}

TEST(SizeBounds, LetTheLargestSecretThrough) {
  const auto largest =
      tests::application("a", {tests::with_password(tests::bundle("b"), std::string((1u << 20) - 4, 'p'))});
  EXPECT_TRUE(size_bounds::mapped({largest}).applications.contains("a")) << "user and this are 1 MiB";
}

TEST(LinearWork, OnNames) {
  for (const char c : {'a', 'A', '-', ' ', '\xc4', '\xe2'})
    EXPECT_LT(tests::growth_per_doubling(
                  20'000, [c](std::size_t size) { return std::string(size, c); },
                  [](const std::string& text) {
                    application_name(text, false).size();
                    normalized_name(text).size();
                    static_cast<void>(is_dns1123_subdomain(text) || is_label_value(text));
                    application_label(text).size();
                  }),
              tests::about_linear)
        << static_cast<int>(c);
}

// Each of them was named with all that had come before.
TEST(LinearWork, OnApplicationsOfOneName) {
  const auto of_one_name = [](std::size_t size) {
    std::vector<compass::Application> applications;
    for (std::size_t i = 0; i < size; ++i) {
      applications.push_back(tests::application("same"));
      applications.back().id = "7c1a6f0e-0000-4000-8000-" + std::to_string(100'000'000'000 + i);
    }
    return applications;
  };
  EXPECT_LT(
      tests::growth_per_doubling(500, of_one_name, [](const auto& applications) { size_bounds::mapped(applications); }),
      tests::about_linear);
}

} // namespace
} // namespace runtime_agent::application_reconciler
