#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

#include <gtest/gtest.h>

namespace runtime_agent::tests {

/// Runs a test for the seeds 1 to `count`, up to the first one that fails; that one's message says how to repeat it.
/// With the environment variable SEED only for that seed.
inline void for_each_seed(std::uint64_t count, const std::function<void(std::uint64_t seed)>& test) {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  const char* only = std::getenv("SEED");
  const std::uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const std::uint64_t last = only != nullptr ? first : count;
  for (std::uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("to repeat: SEED=" + std::to_string(seed) + " " + testing::internal::GetArgvs()[0] +
                 " --gtest_filter=" + info->test_suite_name() + "." + info->name());
    test(seed);
  }
}

} // namespace runtime_agent::tests
