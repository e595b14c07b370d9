#include "tests/campaigns/scenario.hpp"

#include <thread>

#include <sys/wait.h>

#include "tests/e2e/support/credentials.hpp"
#include "tests/sandbox/compass/datasets.hpp"

namespace runtime_agent::campaigns {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* connections = "compassconnections";
constexpr const char* connection_name = "compass-connection";
constexpr int most_tokens = 3;

std::string text_at(const json& object, const char* pointer) {
  const json::json_pointer place(pointer);
  return object.contains(place) && object.at(place).is_string() ? object.at(place).get<std::string>() : std::string();
}

} // namespace

Scenario::Scenario() : world_(ClusterKind::sandbox), environment_(world_.quick_environment()) {
  // The steps bring about what happens; the period only has to be there.
  environment_["APP_CONTROLLER_SYNC_PERIOD"] = "3s";
  environment_["APP_MINIMAL_COMPASS_SYNC_TIME"] = "100ms";
  environment_["APP_DIAGNOSTICS_PORT"] = "0";
  const auto set = world_.compass().set_dataset(sandbox::compass::generated_applications(1));
  if (!set)
    throw std::runtime_error(set.error());
}

void Scenario::guard(std::function<bool(const Point&, sandbox::Stage)> passes) {
  world_.compass().gate().set(
      [passes](const auto& record, sandbox::Stage stage) { return passes(kind_of(record), stage); });
  world_.sandbox_server()->gate().set([passes](const auto& record, sandbox::Stage stage) {
    return !is_agents(record) || passes(kind_of(record), stage);
  });
}

void Scenario::unguard() {
  world_.compass().gate().set(nullptr);
  world_.sandbox_server()->gate().set(nullptr);
}

Outcome Scenario::run(std::chrono::milliseconds limit) {
  const auto begun = std::chrono::steady_clock::now();
  limit_ = limit;
  configure();
  start_agent();
  const auto synchronized = [this] { return state() == "Synchronized"; };
  bool good = step("pair", synchronized);

  std::string before;
  if (good) {
    before = certificate();
    auto object = connection();
    object["spec"]["refreshCredentialsNow"] = true;
    world_.sandbox_server()->put_object(std::move(object));
    good = step("renew", [&] {
      const json now = connection();
      return certificate() != before && state() == "Synchronized" &&
             now["spec"].value("refreshCredentialsNow", false) == false;
    });
  }
  if (good) {
    before = certificate();
    const std::string uid = text_at(connection(), "/metadata/uid");
    configure();
    world_.sandbox_server()->remove_object(connections, "", connection_name);
    good = step("reconnect", [&] {
      return certificate() != before && state() == "Synchronized" && text_at(connection(), "/metadata/uid") != uid;
    });
  }
  const auto finished = [this] { return unfinished().empty(); };
  if (good)
    good = step("come to rest", finished);
  unguard();
  // A guard that has just struck at one of the last requests has left something to do.
  if (good)
    good = step("come to rest again", finished);
  if (!good)
    outcome_.wrong += ": " + unfinished();
  outcome_.duration = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  return outcome_;
}

bool Scenario::step(const std::string& name, const std::function<bool()>& reached) {
  const auto deadline = std::chrono::steady_clock::now() + limit_;
  while (!reached()) {
    if (meanwhile_)
      meanwhile_();
    restart_if_ended();
    give_token_if_spent();
    if (std::chrono::steady_clock::now() > deadline || !outcome_.unexpected_end.empty()) {
      const json now = connection();
      outcome_.wrong = "step \"" + name + "\" was not done; state " + text_at(now, "/status/connectionState") + " " +
                       text_at(now, "/status/connectionStatus/error") + " " +
                       text_at(now, "/status/synchronizationStatus/error") + outcome_.unexpected_end;
      return false;
    }
    std::this_thread::sleep_for(5ms); // between two looks at another process
  }
  return true;
}

void Scenario::start_agent() {
  const std::lock_guard lock(process_mutex_);
  killed_ = false;
  started_at_ = std::chrono::system_clock::now();
  process_ = world_.start(environment_).id();
  ++processes_;
}

void Scenario::kill_agent(const std::function<void()>& then) {
  const std::lock_guard lock(process_mutex_);
  killed_ = true;
  ::kill(process_, SIGKILL);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOWAIT); // reaped by the one that started it
  then();
}

void Scenario::restart_if_ended() {
  {
    const std::lock_guard lock(process_mutex_); // a kill is over before it is noticed
    if (world_.agent().running())
      return;
  }
  const int code = world_.agent().wait(0ms).value_or(0);
  const std::string output = world_.agent().output();
  old_logs_ += output + "-- the process ended with " + std::to_string(code) + "\n";
  // Another program may have taken the free port in the meantime: not the agent's doing, and it has done nothing yet.
  if (output.find("cannot listen on") != std::string::npos) {
    --processes_;
  } else {
    if (!(killed_ && code == -SIGKILL))
      outcome_.unexpected_end = "; the process ended by itself with " + std::to_string(code);
    ++outcome_.restarts;
  }
  start_agent();
}

void Scenario::give_token_if_spent() {
  const json now = connection();
  const std::string error = text_at(now, "/status/connectionStatus/error");
  if (error == answered_error_ || error.find("give a new one") == std::string::npos ||
      text_at(now, "/status/connectionState") != "ConnectionFailed" || outcome_.new_tokens == most_tokens)
    return;
  const auto time = std::chrono::steady_clock::now();
  if (asking_error_ != error)
    asked_since_ = time;
  asking_error_ = error;
  if (time - asked_since_ < patience_)
    return;
  answered_error_ = error;
  ++outcome_.new_tokens;
  configure();
}

void Scenario::configure() {
  world_.sandbox_server()->put_object(world_.configuration_secret());
}

json Scenario::connection() {
  return world_.sandbox_server()->object(connections, "", connection_name).value_or(json::object());
}

std::string Scenario::state() {
  return text_at(connection(), "/status/connectionState");
}

std::string Scenario::certificate() {
  return data_of(secret(world_, certificates_secret), "crt");
}

std::string Scenario::unfinished() {
  if (!world_.agent().running())
    return "the process has ended";
  if (auto wrong = wrong_with_credentials(world_); !wrong.empty())
    return wrong;
  if (secret(world_, pending_secret))
    return "the pending Secret is still there";
  const json now = connection();
  if (text_at(now, "/status/connectionState") != "Synchronized")
    return "the state is " + text_at(now, "/status/connectionState");
  for (const char* part : {"/status/connectionStatus/error", "/status/synchronizationStatus/error"})
    if (const auto error = text_at(now, part); !error.empty())
      return error;
  if (world_.sandbox_server()->count("applications") != 1)
    return "the cluster's Applications are not the Director's";
  const auto requests = world_.compass().requests();
  const std::string serial = serial_in(certificate());
  for (const auto& request : requests)
    if (request.service == "director" && request.certificate_serial == serial && request.status == 200 &&
        request.time > started_at_)
      return {};
  return "this process has not shown the certificate to the Director";
}

std::string Scenario::log() {
  return old_logs_ + world_.agent().output();
}

} // namespace runtime_agent::campaigns
