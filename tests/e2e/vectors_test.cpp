#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/support/world.hpp"

/// Every recorded case through the real binary: what stands in the cluster and in Compass afterwards equals the golden.
namespace runtime_agent::e2e {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const fs::path vectors_folder = fs::path(RUNTIME_AGENT_SOURCE_DIR) / "tests" / "vectors";

Json read_json(const fs::path& file) {
  std::ifstream stream(file);
  return stream ? Json::parse(stream) : Json();
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(vectors_folder))
    if (entry.is_directory())
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// "/apis/group/v1/things/name", "/api/v1/namespaces/x/secrets": a collection, and a name where the path has one.
std::pair<kubernetes::Resource, std::string> resource_of(const std::string& path) {
  std::vector<std::string> parts;
  std::stringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');)
    if (!part.empty())
      parts.push_back(part);
  kubernetes::Resource resource;
  std::size_t i = 1;
  if (parts[0] == "apis")
    resource.group = parts[i++];
  resource.version = parts[i++];
  if (parts[i] == "namespaces") {
    resource.namespace_ = parts[i + 1];
    i += 2;
  }
  resource.plural = parts[i++];
  return {resource, i < parts.size() ? parts[i] : ""};
}

CallContext context() {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + 30s;
  return context;
}

void change_cluster(World& world, const Json& changes) {
  for (const Json& change : changes) {
    const auto [resource, name] = resource_of(change["path"]);
    if (change.contains("object")) {
      const auto created = world.api().create(resource, change["object"], context());
      ASSERT_TRUE(created) << created.error().text();
    } else if (change.contains("patch")) {
      world.merge(resource, name, change["patch"]);
    } else {
      world.remove(resource, name);
    }
  }
}

/// Until the live objects equal the golden step; the differences at the end otherwise.
std::string settle(World& world, const Json& golden) {
  std::vector<std::string> differences;
  eventually(30s, [&] {
    differences = vectors::differences(golden, vectors::normalised(world.live()));
    return differences.empty();
  });
  return vectors::report(differences);
}

/// The next whole synchronisation that begins after now has ended, so that what it would change has changed.
void wait_for_another_cycle(World& world) {
  const auto before = world.compass().request_count("director", "");
  eventually(20s, [&] { return world.compass().request_count("director", "") >= before + 4; });
}

using Parameter = std::tuple<ClusterKind, std::string>;
class Vectors : public testing::TestWithParam<Parameter> {};

TEST_P(Vectors, EndAsRecorded) {
  const auto& [kind, name] = GetParam();
  const fs::path folder = vectors_folder / name;
  const Json golden = read_json(folder / "golden.json");
  Json options = read_json(folder / "case.json");
  if (options.is_null())
    options = Json::object();

  World world(kind);
  const auto dataset = world.compass().set_dataset(nlohmann::json::parse(read_json(folder / "dataset.json").dump()));
  ASSERT_TRUE(dataset) << dataset.error();
  if (options.contains("pre"))
    change_cluster(world, options["pre"]);
  const Json faults = options.value("faults", Json::array());
  for (const Json& fault : faults) {
    const auto parsed = sandbox::compass::fault_from_json(nlohmann::json::parse(fault.dump()));
    ASSERT_TRUE(parsed) << parsed.error();
    world.compass().add_fault(*parsed);
  }
  std::map<std::string, std::optional<std::string>> values;
  const Json configure = options.value("configure", Json::object());
  for (const auto& [key, value] : configure.items()) {
    std::string upper = key;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
    values[upper] = value.get<std::string>();
  }
  world.configure(values);
  Variables environment = world.environment();
  const Json variables = options.value("env", Json::object());
  for (const auto& [key, value] : variables.items()) {
    if (value.is_null())
      environment.erase(key);
    else
      environment[key] = value.get<std::string>();
  }

  world.start(environment);
  EXPECT_TRUE(world.wait_for_state(options.value("wait", "Synchronized"))) << world.state() << "\n" << world.errors();
  EXPECT_EQ(settle(world, golden["step1"]), "");

  if (golden.contains("step2")) {
    if (options.contains("between"))
      change_cluster(world, options["between"]);
    Json step2 = read_json(folder / "step2.json");
    if (!step2.is_null()) {
      ASSERT_TRUE(world.compass().set_dataset(nlohmann::json::parse(step2.dump())));
    }
    EXPECT_EQ(settle(world, golden["step2"]), "");
  }
  // And it stays so.
  if (options.value("wait", "Synchronized") == "Synchronized")
    wait_for_another_cycle(world);
  EXPECT_EQ(settle(world, golden.contains("step2") ? golden["step2"] : golden["step1"]), "");
  EXPECT_TRUE(world.agent().running());
  if (HasFailure())
    std::cerr << world.agent().output();
}

INSTANTIATE_TEST_SUITE_P(Recorded, Vectors, testing::Combine(testing::ValuesIn(clusters()), testing::ValuesIn(cases())),
                         [](const testing::TestParamInfo<Parameter>& parameter) {
                           std::string name =
                               name_of(std::get<0>(parameter.param)) + "_" + std::get<1>(parameter.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

} // namespace
} // namespace runtime_agent::e2e
