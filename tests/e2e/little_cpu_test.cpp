#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// A process that gets a hundredth of a CPU is slow, and neither stuck nor begun anew.
namespace runtime_agent::e2e {
namespace {

constexpr const char* cpu_groups = "/sys/fs/cgroup/cpu";

/// Keeps a process at a share of one CPU by the kernel's quota (cgroup v1, where this user may make one).
class CpuQuota {
public:
  CpuQuota(pid_t process, int milli_cpus) : folder_(std::string(cpu_groups) + "/agent-" + std::to_string(process)) {
    std::error_code problem;
    std::filesystem::create_directory(folder_, problem);
    write("cpu.cfs_period_us", "100000");
    write("cpu.cfs_quota_us", std::to_string(100 * milli_cpus));
    set_ = write("cgroup.procs", std::to_string(process));
  }
  CpuQuota(const CpuQuota&) = delete;
  CpuQuota& operator=(const CpuQuota&) = delete;
  ~CpuQuota() {
    write("cpu.cfs_quota_us", "-1"); // the end is not what is measured
    for (std::error_code problem; std::filesystem::exists(folder_); std::this_thread::sleep_for(50ms))
      if (std::filesystem::remove(folder_, problem) || ++attempts_ > 100)
        break;
  }
  bool set() const { return set_; }

private:
  bool write(const std::string& file, const std::string& value) {
    std::ofstream stream(folder_ + "/" + file);
    stream << value << std::flush;
    return stream.good();
  }
  const std::string folder_;
  bool set_ = false;
  int attempts_ = 0;
};

bool long_run() {
  return std::getenv("RUNTIME_AGENT_LONG") != nullptr;
}

class LittleCpu : public EndToEnd {
protected:
  void SetUp() override {
    make_world(ClusterKind::sandbox);
    give_applications(10);
    world().configure();
  }
};

TEST_F(LittleCpu, APairingWithAKeyOfItsOwnComesToItsEnd) {
  // 10m, as an operator may set it, takes minutes for the key alone.
  Variables variables = world().environment();
  variables["APP_LEADER_ELECTION"] = "auto";
  const auto begun = std::chrono::steady_clock::now();
  world().start(variables);
  {
    const CpuQuota quota(world().agent().pid(), long_run() ? 10 : 100);
    if (!quota.set())
      GTEST_SKIP() << "no cgroup can be made here";
    EXPECT_TRUE(reaches("Synchronized", long_run() ? 1200s : 240s));
    EXPECT_TRUE(world().agent().running());
    EXPECT_EQ(world().tokens_spent(), 1u);
    std::cout << "synchronised after "
              << std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() << " s\n";
  }
  end_agent();
}

} // namespace
} // namespace runtime_agent::e2e
