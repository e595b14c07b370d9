#include <memory>
#include <string>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "actors/application_reconciler/object_bodies.hpp"
#include "actors/application_reconciler/plan.hpp"
#include "tests/unit/application_reconciler/director_data.hpp"

/// What has to be done, for ten thousand Applications with a Secret each.
namespace runtime_agent {
namespace {

using namespace application_reconciler;

constexpr int applications = 10'000;

compass::RuntimeDataPtr director_data(const std::string& password) {
  std::vector<compass::Application> all;
  for (int i = 0; i < applications; ++i) {
    auto bundle = tests::with_password(tests::bundle(fmt::format("{:08x}-0000-4000-8000-00000000000b", i)), password);
    all.push_back(tests::application(fmt::format("app-{:05}", i), {std::move(bundle)}));
    all.back().description = password;
  }
  return tests::director_data(std::move(all));
}

DesiredObjects desired(const std::string& password) {
  return desired_objects(director_data(password), {});
}

/// As it is after `desired` has been applied.
ObservedState applied(const DesiredObjects& desired) {
  ObservedState observed;
  int number = 0;
  for (const auto& [name, application] : desired.applications) {
    const auto uid = fmt::format("{:08x}-0000-4000-8000-0000000000aa", ++number);
    auto body = application_body(*application->source, name, {});
    body["metadata"]["uid"] = uid;
    body["metadata"]["resourceVersion"] = std::to_string(number);
    observed.put(name, observed_application(body));
    for (const auto& secret : application->secrets) {
      auto secret_object = secret_body(*application, secret, "kyma-system", uid);
      secret_object["metadata"]["uid"] = fmt::format("{:08x}-0000-4000-8000-0000000000bb", number);
      secret_object["metadata"]["resourceVersion"] = std::to_string(number);
      observed.put(secret.name, observed_secret(secret_object));
    }
  }
  return observed;
}

void plan(benchmark::State& state, const DesiredObjects& wanted, const ObservedState& observed, std::size_t work) {
  for (auto _ : state) {
    const auto plan = plan_changes({wanted, observed, {}, {}});
    if (plan.work.size() != work || !plan.problems.empty())
      state.SkipWithError("the plan is not as it should be");
    benchmark::DoNotOptimize(plan);
  }
}

void plan_unchanged(benchmark::State& state) {
  const auto wanted = desired("a");
  plan(state, wanted, applied(wanted), 0);
}
BENCHMARK(plan_unchanged)->Unit(benchmark::kMillisecond);

void plan_all_changed(benchmark::State& state) {
  plan(state, desired("b"), applied(desired("a")), applications);
}
BENCHMARK(plan_all_changed)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace runtime_agent
