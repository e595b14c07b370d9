#include <set>

#include <gmock/gmock.h>
#include <httplib.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "transport/encoding.hpp"

/// The pages as documents, the commands over them, and what must never be on any of them.
namespace runtime_agent::e2e {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* all_pages[] = {
    "/",        "/actorz", "/tracez", "/tracez?outcome=failed", "/tracez?last=synchronize", "/applicationz",
    "/configz", "/logz"};

class DiagnosticsInSandbox : public EndToEnd {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }

  json page(const std::string& path) {
    const std::string separator = path.find('?') == std::string::npos ? "?" : "&";
    return json::parse(world().agent().diagnostics(path + separator + "format=json"), nullptr, false);
  }
  /// A command as a person in the agent's pod would call it.
  CommandEnd command(std::vector<std::string> arguments) {
    return run_command(std::move(arguments), world().agent().environment());
  }
};

TEST_F(DiagnosticsInSandbox, PagesAreDocumentsForProgramsToo) {
  give_applications(2);
  synchronise();
  for (const char* path : all_pages)
    EXPECT_TRUE(page(path).is_object()) << path;
  EXPECT_EQ(page("/")["state"], "Synchronized");
  EXPECT_EQ(page("/actorz")["actors"].size(), 5u);
  const json applications = page("/applicationz")["applications"];
  ASSERT_EQ(applications.size(), 2u);
  EXPECT_EQ(applications[0]["state"], "applied");
  EXPECT_EQ(applications[0]["desiredDigest"], applications[0]["appliedDigest"]);
}

TEST_F(DiagnosticsInSandbox, ApplicationsHoldEveryProblemThoughTheStatusHoldsFew) {
  give_applications(60);
  sandbox::kube::Fault fault;
  fault.verb = "create";
  fault.resource = "applications";
  fault.status = 500;
  fault.times = 0;
  world().sandbox_server()->faults().add(fault);
  world().configure();
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ResourceApplicationFailed"));
  EXPECT_TRUE(comes_true([&] { return page("/applicationz")["byState"]["failed"] == 60; }));
  const json shown = page("/applicationz");
  for (const json& application : shown["applications"])
    EXPECT_FALSE(application["error"].is_null()) << application["name"];
  EXPECT_LE(world().errors().size(), 4100u);
}

TEST_F(DiagnosticsInSandbox, ProbesAreAnsweredOnEveryAddressAndPagesOnLoopbackAlone) {
  give_applications(1);
  synchronise();
  const auto answers = [this](const char* port, const char* address, const char* path) {
    httplib::Client client(address, std::stoi(world().agent().environment().at(port)));
    return static_cast<bool>(client.Get(path));
  };
  // 127.0.0.2 stands for the pod's address: it is not the one that port-forward comes to.
  EXPECT_TRUE(answers("APP_HEALTH_PORT", "127.0.0.2", "/healthz"));
  EXPECT_TRUE(answers("APP_DIAGNOSTICS_PORT", "127.0.0.1", "/actorz"));
  EXPECT_FALSE(answers("APP_DIAGNOSTICS_PORT", "127.0.0.2", "/actorz"));
}

TEST_F(DiagnosticsInSandbox, SecretsAreOnNoPageNoMetricAndInNoCommand) {
  give_applications(2);
  synchronise();
  std::vector<std::string> secrets;
  for (const auto& token : compass().tokens())
    secrets.push_back(token.value);
  const std::set<std::string> secret_keys{"TOKEN", "key", "password", "clientSecret"};
  for (const char* space : {"kyma-system", "compass-system"})
    for (const auto& secret : world().list(kubernetes::secrets(space)))
      if (secret.contains("data"))
        for (const auto& [key, value] : secret["data"].items())
          if (secret_keys.contains(key)) {
            secrets.push_back(value.get<std::string>());
            secrets.push_back(base64_decode(value.get<std::string>()).value());
          }
  ASSERT_GE(secrets.size(), 5u);
  std::string everything = world().agent().health_body("/metrics");
  for (const char* path : all_pages)
    for (const char* format : {"html", "json", "text"})
      everything += world().agent().diagnostics(
          path + std::string(std::string(path).find('?') == std::string::npos ? "?" : "&") + "format=" + format);
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"status"}, {"status", "-o", "json"}, {"trace"}, {"trace", "--last", "-o", "json"}, {"actors"}})
    everything += command(arguments).output;
  ASSERT_GT(everything.size(), 10'000u);
  for (const std::string& secret : secrets)
    EXPECT_EQ(everything.find(secret), std::string::npos) << "a secret of " << secret.size() << " characters is shown";
}

TEST_F(DiagnosticsInSandbox, StatusSaysOnOneScreenHowItIs) {
  give_applications(2);
  synchronise();
  const auto [code, output] = command({"status"});
  EXPECT_EQ(code, 0) << output;
  EXPECT_THAT(output,
              AllOf(HasSubstr("Synchronized"), HasSubstr("2 of Compass in the cluster; of the Director's 2, 0 failed"),
                    HasSubstr("expires"), HasSubstr("DirectorFetcher")));
  EXPECT_THAT(json::parse(command({"status", "--output", "json"}).output, nullptr, false)["state"], "Synchronized");
}

TEST_F(DiagnosticsInSandbox, StatusNamesTheFailureAndEndsWithOne) {
  world().configure({{"TOKEN", "wrong"}});
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ConnectionFailed"));
  const auto [code, output] = command({"status"});
  EXPECT_EQ(code, 1);
  EXPECT_THAT(output, AllOf(HasSubstr("ConnectionFailed"), HasSubstr("put a new token")));
}

TEST_F(DiagnosticsInSandbox, StatusWorksWithoutAnAgent) {
  give_applications(1);
  synchronise();
  const Variables variables = world().agent().environment();
  end_agent();
  AgentProcess process(variables, {"status"});
  EXPECT_EQ(process.wait(30s), 0);
  EXPECT_THAT(process.output(), AllOf(HasSubstr("Synchronized"), Not(HasSubstr("DirectorFetcher"))));
}

TEST_F(DiagnosticsInSandbox, ActorsAndTracesAreCommands) {
  give_applications(1);
  synchronise();
  EXPECT_THAT(command({"actors"}).output, AllOf(HasSubstr("StatusWriter"), HasSubstr("running")));
  const auto last = command({"trace", "--last"});
  EXPECT_EQ(last.code, 0);
  const json document = json::parse(command({"trace", "-o", "json"}).output, nullptr, false);
  ASSERT_TRUE(document.contains("cycles"));
  const std::string id = document["cycles"].back()["id"];
  EXPECT_THAT(command({"trace", "--id", id}).output, HasSubstr(id));
}

TEST_F(DiagnosticsInSandbox, TheTraceFileOfAKilledAgentIsReadByTheCommand) {
  give_applications(1);
  synchronise();
  const std::string file = world().agent().environment().at("APP_TRACE_FILE");
  world().agent().signal(SIGKILL);
  world().agent().wait(5s);
  AgentProcess process({}, {"trace", "--file", file});
  EXPECT_EQ(process.wait(30s), 0);
  EXPECT_THAT(process.output(), HasSubstr("DirectorFetcher: timer synchronize"));
}

TEST_F(DiagnosticsInSandbox, CommandsSayHowToReachAnAgentThatIsNotHere) {
  AgentProcess process({}, {"actors"});
  EXPECT_EQ(process.wait(30s), 1);
  EXPECT_THAT(process.output(), AllOf(HasSubstr("port-forward"), HasSubstr("kubectl")));
}

TEST_F(DiagnosticsInSandbox, ReadinessSaysWhichPartIsNot) {
  world().start(world().quick_environment());
  EXPECT_TRUE(comes_true([&] { return world().agent().health("/readyz") == 503; }));
  EXPECT_THAT(world().agent().health_body("/readyz"), HasSubstr("connection"));
  EXPECT_EQ(world().agent().health("/healthz"), 200);
}

} // namespace
} // namespace runtime_agent::e2e
