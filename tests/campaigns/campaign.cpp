#include "tests/campaigns/campaign.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <random>
#include <thread>

namespace runtime_agent::campaigns {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing here sets variables
  return value ? value : "";
}

} // namespace

Plan make_plan(std::size_t sample, std::chrono::seconds budget) {
  Plan plan;
  plan.whole = variable("RUNTIME_AGENT_LONG") == "1";
  plan.only = variable("RUNTIME_AGENT_RUN");
  const std::string seed = variable("RUNTIME_AGENT_SEED");
  plan.seed = seed.empty() ? std::random_device{}() : std::stoull(seed);
  plan.sample = sample;
  plan.budget = budget;
  if (!plan.whole && plan.only.empty())
    std::cout << "a sample; the same again with RUNTIME_AGENT_SEED=" << plan.seed
              << ", all with RUNTIME_AGENT_LONG=1\n";
  return plan;
}

std::vector<std::size_t> choose(const Plan& plan, const std::vector<std::string>& names) {
  std::vector<std::size_t> chosen(names.size());
  std::iota(chosen.begin(), chosen.end(), 0);
  if (!plan.only.empty()) {
    std::erase_if(chosen, [&](std::size_t i) { return names[i] != plan.only; });
    return chosen;
  }
  if (plan.whole)
    return chosen;
  std::mt19937_64 random(plan.seed);
  std::shuffle(chosen.begin(), chosen.end(), random);
  chosen.resize(std::min(chosen.size(), plan.sample));
  return chosen;
}

std::size_t run_all(const Plan& plan, const std::vector<std::size_t>& chosen,
                    const std::function<void(std::size_t)>& work, std::size_t workers) {
  const std::string wanted = variable("RUNTIME_AGENT_WORKERS");
  if (workers == 0)
    workers = wanted.empty() ? 4 : std::stoul(wanted);
  const auto begun = std::chrono::steady_clock::now();
  std::atomic<std::size_t> next{0}, done{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min(workers, chosen.size()); ++i)
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < chosen.size(); at = next++) {
        if (!plan.whole && plan.only.empty() && std::chrono::steady_clock::now() - begun > plan.budget)
          return;
        work(chosen[at]);
        ++done;
      }
    });
  for (auto& thread : threads)
    thread.join();
  return done;
}

std::string command_for(const std::string& test, const std::string& run) {
  return "RUNTIME_AGENT_RUN='" + run + "' build/debug/tests/campaigns --gtest_filter=" + test;
}

} // namespace runtime_agent::campaigns
