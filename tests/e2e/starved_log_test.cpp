#include <array>
#include <cerrno>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "transport/kubernetes/lease.hpp"

/// Neither who reads the log nor the volume that it goes to stops the agent, its end or a standby.
namespace runtime_agent::e2e {
namespace {

/// A named pipe that is full from the beginning, and nobody reads it.
class FullPipe {
public:
  FullPipe() {
    if (::mkfifo(path().c_str(), 0600) != 0)
      throw std::runtime_error("no pipe");
    descriptor_ = ::open(path().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    const std::array<char, 4096> filler{};
    while (::write(descriptor_, filler.data(), filler.size()) > 0)
      ;
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;
  ~FullPipe() { ::close(descriptor_); }
  std::string path() const { return (folder_.path() / "log").string(); }
  /// All that is in it and comes within a second.
  std::string read() {
    std::string text;
    eventually(1s, [&] {
      std::array<char, 65536> bytes{};
      for (ssize_t got = 0; (got = ::read(descriptor_, bytes.data(), bytes.size())) > 0;)
        text.append(bytes.data(), static_cast<std::size_t>(got));
      return false;
    });
    text.erase(0, std::min(text.find_first_not_of('\0'), text.size()));
    return text;
  }

private:
  TemporaryFolder folder_;
  int descriptor_ = -1;
};

std::chrono::seconds time_of_silence() {
  return std::getenv("RUNTIME_AGENT_LONG") != nullptr ? 60s : 5s;
}

class StarvedLog : public EndToEnd {
protected:
  void SetUp() override {
    make_world(ClusterKind::sandbox);
    give_applications(3);
  }
  Variables logging_to(const std::string& place) {
    Variables variables = world().quick_environment();
    variables["TEST_OUTPUT"] = place;
    return variables;
  }
  double dropped_lines() {
    const std::string text = world().agent().health_body("/metrics");
    const std::string name = "\nruntime_agent_log_lines_dropped_total ";
    const auto found = text.find(name);
    return found == std::string::npos ? -1 : std::stod(text.substr(found + name.size()));
  }
};

TEST_F(StarvedLog, AFullPipeStopsNothingAndNotTheEndEither) {
  FullPipe pipe;
  Variables variables = logging_to(pipe.path());
  variables["APP_LOG_LEVEL"] = "debug";
  synchronise(variables);
  std::this_thread::sleep_for(time_of_silence()); // the reader's silence is what is tested
  give_applications(5, "while nobody read the log");
  EXPECT_TRUE(converges());
  EXPECT_EQ(world().agent().health("/healthz"), 200);
  end_agent();
}

TEST_F(StarvedLog, WhatWaitedIsWrittenInItsOrderWhenSomebodyReadsAgain) {
  FullPipe pipe;
  synchronise(logging_to(pipe.path()));
  const std::string text = pipe.read();
  const auto start = text.find("runtime-agent starts");
  const auto synchronised = text.find("\"to\":\"Synchronized\"");
  ASSERT_NE(start, std::string::npos) << text;
  ASSERT_NE(synchronised, std::string::npos) << text;
  EXPECT_LT(start, synchronised);
  EXPECT_EQ(dropped_lines(), 0);
  end_agent();
  EXPECT_THAT(pipe.read(), testing::HasSubstr("ended")); // nothing is lost where somebody reads
}

TEST_F(StarvedLog, AClosedStderrCostsTheLogAndNothingElse) {
  synchronise(logging_to(""));
  EXPECT_GT(dropped_lines(), 0);
  EXPECT_TRUE(another_cycle());
  end_agent();
}

TEST_F(StarvedLog, AFullVolumeCostsTheLogAndNothingElse) {
  synchronise(logging_to("/dev/full"));
  EXPECT_GT(dropped_lines(), 0);
  EXPECT_TRUE(another_cycle());
  end_agent();
}

TEST_F(StarvedLog, WithActorsStuckAsWellTheStandbyLeadsWithinTheLeaseAndTheProcessEnds) {
  FullPipe pipe;
  Variables variables = logging_to(pipe.path());
  variables["APP_LEADER_ELECTION"] = "auto";
  variables["RUNTIME_AGENT_TEST_WATCHDOG"] = "3s"; // stuck after 3 s, ended after 9 s
  variables["RUNTIME_AGENT_TEST_LEASE"] = "4s/3s/500ms";
  synchronise(variables);
  const auto holder = [this] {
    const auto lease = world().get(kubernetes::leases(World::certificates_namespace), "runtime-agent");
    return lease ? kubernetes::read_lease(*lease).holder : std::string();
  };
  const std::string leader = holder();
  ASSERT_FALSE(leader.empty());
  variables.erase("TEST_OUTPUT");
  AgentProcess standby(variables);
  ASSERT_TRUE(comes_true([&] { return standby.health_body("/readyz").find("standby") != std::string::npos; }));
  const auto hung = std::chrono::steady_clock::now();
  for (const char* actor :
       {"ConfigWatcher", "ConnectionManager", "DirectorFetcher", "ApplicationReconciler", "StatusWriter"})
    world().agent().diagnostics_post(std::string("/crash?actor=") + actor + "&message=*&action=hang&count=1");
  EXPECT_TRUE(comes_true([&] { return holder() != leader; }));
  const auto led = std::chrono::steady_clock::now();
  EXPECT_EQ(world().agent().wait(30s), 4);
  const auto ended = std::chrono::steady_clock::now();
  std::cout << "led after " << std::chrono::duration<double>(led - hung).count() << " s, ended after "
            << std::chrono::duration<double>(ended - hung).count() << " s\n";
  EXPECT_LT(led - hung, 3s + 4s + 2s); // noticed, and the Lease's duration after the last renewal
  EXPECT_LT(ended - hung, 9s + 8s);
  give_applications(1, "by the other one");
  EXPECT_TRUE(converges());
}

} // namespace
} // namespace runtime_agent::e2e
