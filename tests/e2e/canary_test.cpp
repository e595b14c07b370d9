#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "transport/encoding.hpp"

/// Secrets of all kinds, planted in all inputs, reach none of what is written down; those that have been used up are
/// not in the process's memory either.
namespace runtime_agent::e2e {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The middle of a PEM's base64 text: what a leak would show of it.
std::string heart_of(const std::string& pem) {
  return pem.substr(pem.size() / 2, 60);
}

class Canaries : public EndToEnd {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }

  /// Private key of the present certificate, PEM.
  std::string key() {
    const auto secret = world().get(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
    return secret ? base64_decode((*secret)["data"].value("key", "")).value_or("") : std::string();
  }

  TemporaryFolder folder;
};

/// What a debugger sees. `./dev test` runs these with the release binary as well.
class MemoryImage : public Canaries {
protected:
  void SetUp() override {
    if (agent_has_sanitizers())
      GTEST_SKIP() << "a sanitizer keeps freed memory as it was, and has to read the process as a debugger does";
    Canaries::SetUp();
  }
  /// What the debugger has printed, attached to the agent, or about its attempt.
  std::string debugger(const std::string& command) {
    const std::string log = (folder.path() / "debugger.log").string();
    const std::string pid = std::to_string(world().agent().pid());
    const std::string line = "gdb -p " + pid + " -batch -ex '" + command + "' >" + log + " 2>&1";
    const int status = std::system(line.c_str());
    return content_of(log) + "\nended with " + std::to_string(status);
  }
  std::string image() {
    const std::string path = (folder.path() / "image").string();
    const std::string said = debugger("generate-core-file " + path);
    EXPECT_TRUE(std::filesystem::exists(path)) << said;
    return content_of(path);
  }
};

TEST_F(Canaries, ReachNoLogTraceOrStatusAtAnyLevel) {
  auto dataset = compass().dataset();
  give_applications(2);
  dataset = compass().dataset();
  for (auto& application : dataset["applications"])
    for (auto& bundle : application["bundles"])
      bundle["defaultInstanceAuth"] = {{"credential",
                                        {{"__typename", "OAuthCredentialData"},
                                         {"clientId", "canary-client-id"},
                                         {"clientSecret", "canary-client-secret"},
                                         {"url", "https://oauth.example.com"}}},
                                       {"additionalHeaders", {{"X-Key", {"canary-header"}}}},
                                       {"additionalQueryParams", {{"key", {"canary-parameter"}}}}};
  give(dataset);
  const std::string token = compass().issue_token();
  Variables variables = world().quick_environment();
  const std::string trace = (folder.path() / "trace").string();
  variables["APP_TRACE_FILE"] = trace;
  variables["APP_LOG_LEVEL"] = "debug";
  variables["APP_QUERY_LOGGING"] = "true";
  world().configure({{"TOKEN", token}});
  world().start(variables);
  ASSERT_TRUE(reaches("Synchronized"));
  add_fault({{"service", "director"}, {"action", "http-500"}});
  ASSERT_TRUE(another_cycle());
  const std::string private_key = key();
  const std::string pages = world().agent().diagnostics("/actorz") + world().agent().diagnostics("/tracez");
  const std::string connection = world().connection()->dump();
  end_agent();
  const std::map<std::string, std::string> places = {{"log", world().agent().output()},
                                                     {"trace file", content_of(trace)},
                                                     {"CompassConnection", connection},
                                                     {"pages", pages}};
  EXPECT_GT(places.at("trace file").size(), 1'000'000u);
  for (const auto& [place, text] : places)
    for (const std::string& canary :
         {token, heart_of(private_key), std::string("canary-client-id"), std::string("canary-client-secret"),
          std::string("canary-header"), std::string("canary-parameter")})
      EXPECT_EQ(text.find(canary), std::string::npos) << canary << " in the " << place;
}

// Not even those of its own user may look at it; the kernel gives such a process no core dump either.
TEST_F(MemoryImage, IsNotForCoreDumps) {
  world().configure();
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("Synchronized"));
  const std::string said = debugger("print (int)prctl(3)"); // PR_GET_DUMPABLE
  EXPECT_TRUE(said.find("$1 = 0") != std::string::npos || said.find("not permitted") != std::string::npos) << said;
}

TEST_F(MemoryImage, HasNeitherSpentTokensNorRetiredKeys) {
  const std::string token = compass().issue_token();
  Variables variables = world().environment(); // keys of its own making: those of a folder are read again and again
  variables["RUNTIME_AGENT_TEST_DUMPABLE"] = "on";
  world().configure({{"TOKEN", token}});
  world().start(variables);
  ASSERT_TRUE(reaches("Synchronized", 60s));
  const std::string retired = key();
  world().patch_connection({{"spec", {{"refreshCredentialsNow", true}}}});
  ASSERT_TRUE(comes_true([this] { return world().field("/spec/refreshCredentialsNow") == "false"; }, 60s));
  const std::string present = key();
  ASSERT_NE(present, retired);
  world().configure({{"TOKEN", "another-token"}}); // the configuration object is read, and holds the spent one no more
  ASSERT_TRUE(another_cycle());
  ASSERT_TRUE(another_cycle());

  const std::string memory = image();
  ASSERT_GT(memory.size(), 1'000'000u);
  EXPECT_NE(memory.find("another-token"), std::string::npos) << "the image shows what is there";
  EXPECT_EQ(memory.find(token), std::string::npos) << "the spent token";
  EXPECT_EQ(memory.find(base64_encode(token)), std::string::npos) << "the spent token, as the Secret holds it";
  EXPECT_EQ(memory.find(heart_of(retired)), std::string::npos) << "the retired key";
}

} // namespace
} // namespace runtime_agent::e2e
