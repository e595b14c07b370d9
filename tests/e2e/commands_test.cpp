#include <cstdio>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// What a person asks of the agent by its own binary. Source: contract §1.2.
namespace runtime_agent::e2e {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// What another program prints that is given a script.
CommandEnd shell(const std::string& command) {
  CommandEnd ended;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe)
    return ended;
  char buffer[4096];
  while (const std::size_t size = fread(buffer, 1, sizeof buffer, pipe))
    ended.output.append(buffer, size);
  ended.code = WEXITSTATUS(pclose(pipe));
  return ended;
}

class CommandsInSandbox : public EndToEnd {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }
  CommandEnd ask(std::vector<std::string> arguments) {
    return run_command(std::move(arguments), world().quick_environment());
  }
  /// The agent runs, and does nothing by itself for a long time.
  void synchronise_rarely() {
    give_applications(2, "before");
    Variables variables = world().quick_environment();
    variables["APP_CONTROLLER_SYNC_PERIOD"] = "1h";
    synchronise(variables);
  }
};

TEST_F(CommandsInSandbox, ResyncSynchronisesNow) {
  synchronise_rarely();
  give_applications(3, "after");
  const auto [code, output] = ask({"resync", "--wait"});
  EXPECT_EQ(code, 0);
  EXPECT_EQ(output, "synchronized\n");
  EXPECT_EQ(world().application_names().size(), 3u);
}

TEST_F(CommandsInSandbox, RefreshCredentialsRenewsTheCertificate) {
  synchronise_rarely();
  const auto [code, output] = ask({"refresh-credentials", "--wait"});
  EXPECT_EQ(code, 0) << output;
  EXPECT_EQ(compass().certificates().size(), 2u);
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(CommandsInSandbox, ReconnectConnectsAnewWithTheToken) {
  synchronise_rarely();
  world().configure();
  const auto [code, output] = ask({"reconnect", "--wait"});
  EXPECT_EQ(code, 0) << output;
  EXPECT_EQ(world().tokens_spent(), 2u);
  EXPECT_EQ(compass().certificates().size(), 2u);
}

TEST_F(CommandsInSandbox, SaysWhatIsWrongWhereItIsNotDoneInTime) {
  synchronise_rarely();
  add_fault({{"service", "director"}, {"action", "http-500"}, {"times", -1}});
  const auto [code, output] = ask({"resync", "--wait", "--timeout", "3s"});
  EXPECT_EQ(code, 1);
  EXPECT_THAT(output, AllOf(HasSubstr("not done within the timeout"), HasSubstr("500")));
}

TEST_F(CommandsInSandbox, PointsToCheckWhereTheAgentHasNeverRun) {
  for (const char* command : {"resync", "refresh-credentials", "reconnect"}) {
    const auto [code, output] = ask({command});
    EXPECT_EQ(code, 1) << command;
    EXPECT_THAT(output, HasSubstr("runtime-agent check"));
  }
}

TEST_F(CommandsInSandbox, DiffShowsWhatWouldBeDoneAndWritesNothing) {
  give_applications(3, "before");
  synchronise();
  end_agent();
  const auto same = ask({"diff"});
  EXPECT_EQ(same.code, 0);
  EXPECT_EQ(same.output, "nothing would change\n");

  auto dataset = compass().dataset();
  dataset["applications"].erase(0);
  dataset["applications"][0]["description"] = "after";
  auto added = dataset["applications"][1];
  added["id"] = "a-new-one";
  added["name"] = "app-9999";
  for (auto& bundle : added["bundles"])
    bundle["id"] = "bundle-" + bundle["id"].get<std::string>();
  dataset["applications"].push_back(added);
  give(dataset);
  world().sandbox_server()->requests().clear();
  const auto [code, output] = ask({"diff", "--output", "json"});
  EXPECT_EQ(code, 1);
  const Json document = Json::parse(output, nullptr, false);
  ASSERT_TRUE(document.is_object()) << output;
  std::vector<std::string> applications;
  for (const Json& change : document["changes"])
    if (change["kind"] == "Application")
      applications.push_back(change["action"].get<std::string>() + " " + change["name"].get<std::string>() +
                             (change.contains("fields") ? " " + change["fields"].dump() : ""));
  EXPECT_THAT(applications,
              ElementsAre("delete mp-app-0001", "change mp-app-0002 [\"/spec/description\"]", "create mp-app-9999"));
  EXPECT_THAT(output, Not(HasSubstr("password")));
  EXPECT_THAT(world().sandbox_server()->requests().effective_writes(), IsEmpty());
}

TEST_F(CommandsInSandbox, DiffSaysWhatItLacks) {
  const auto [code, output] = ask({"diff"});
  EXPECT_EQ(code, 2);
  EXPECT_THAT(output, AllOf(HasSubstr("there is no certificate yet"), HasSubstr("runtime-agent check")));
}

// -- completion and manual page, made of the command line's own description

class Scripts : public testing::Test {
protected:
  std::string file(const std::string& name, const std::string& content) {
    const std::string path = (folder_.path() / name).string();
    std::ofstream(path) << content;
    return path;
  }
  /// What bash offers after these words.
  std::string offered(const std::string& words, int at) {
    const std::string script = file("completion", run_command({"completion", "bash"}).output);
    const std::string test =
        file("test", "source " + script + "\nCOMP_WORDS=(" + words + ")\nCOMP_CWORD=" + std::to_string(at) +
                         "\n_runtime_agent\necho \"${COMPREPLY[*]}\"\n");
    return shell("bash " + test).output;
  }
  TemporaryFolder folder_;
};

TEST_F(Scripts, BashCompletesCommandsOptionsAndTheirArguments) {
  EXPECT_EQ(offered("runtime-agent che", 1), "check\n");
  EXPECT_EQ(offered("runtime-agent refresh-credentials --t", 2), "--timeout\n");
  EXPECT_EQ(offered("runtime-agent diff --output j", 3), "json\n");
  EXPECT_EQ(offered("runtime-agent completion ''", 2), "--help bash zsh\n");
  const std::string first = offered("runtime-agent ''", 1);
  for (const char* command :
       {"run", "check", "diff", "resync", "refresh-credentials", "reconnect", "completion", "man"})
    EXPECT_THAT(first, HasSubstr(command));
}

TEST_F(Scripts, ZshTakesItsScript) {
  const auto [code, script] = run_command({"completion", "zsh"});
  EXPECT_EQ(code, 0);
  EXPECT_THAT(script, testing::StartsWith("#compdef runtime-agent\n"));
  const CommandEnd parsed = shell("zsh -n " + file("_runtime-agent", script));
  EXPECT_EQ(parsed.code, 0) << parsed.output;
  EXPECT_EQ(parsed.output, "");
}

TEST_F(Scripts, AnUnknownShellIsRefused) {
  const auto [code, output] = run_command({"completion", "fish"});
  EXPECT_EQ(code, 2);
  EXPECT_THAT(output, HasSubstr("bash"));
}

TEST_F(Scripts, TheManualPageHoldsEveryCommandOptionAndVariable) {
  const auto [code, page] = run_command({"man"});
  EXPECT_EQ(code, 0);
  const std::string source = file("runtime-agent.1", page);
  const std::string groff = "groff -man -Tutf8 -P-cbou -ww " + source;
  EXPECT_EQ(shell("{ " + groff + " >/dev/null; }").output, ""); // it warns of nothing
  const CommandEnd set = shell(groff);
  EXPECT_EQ(set.code, 0);
  for (const char* word : {"RUNTIME-AGENT(1)", "refresh-credentials", "--output", "text|json", "--wait",
                           "APP_LEADER_ELECTION", "KUBECONFIG"})
    EXPECT_THAT(set.output, HasSubstr(word));
}

} // namespace
} // namespace runtime_agent::e2e
