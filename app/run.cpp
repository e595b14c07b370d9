#include "app/run.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "actors/supervision/log.hpp"
#include "app/agent.hpp"
#include "app/cluster_information.hpp"
#include "app/diagnostics.hpp"
#include "app/last_words.hpp"
#include "app/leadership.hpp"
#include "app/test_controls.hpp"
#include "app/version.hpp"
#include "transport/http/url.hpp"
#include "transport/memory.hpp"

namespace runtime_agent::app {
namespace {

using namespace std::chrono_literals;

constexpr int give_up_signal = SIGUSR1;
constexpr auto longest_end = 8s;

/// Blocks what `wait_for_end` waits for, in this thread and every one that is started after it.
sigset_t block_signals() {
  std::signal(SIGPIPE, SIG_IGN); // a peer that hangs up is an error of that write, nothing more
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, give_up_signal})
    sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void keep_out_of_core_dumps() {
  if (test_dumpable())
    return;
#if !defined(__SANITIZE_ADDRESS__) &&                                                                                  \
    !defined(__SANITIZE_THREAD__) // their leak check reads the process as a debugger does
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

/// Of the end that is under way: what the process returns where that end hangs itself.
std::atomic<int> code_of_the_end{0};

/// From now on the process has `longest_end`, whatever hangs: no thread, no lock, no log has to do its part for that.
void limit_the_end(int code) {
  code_of_the_end = code;
  std::signal(SIGALRM, [](int) {
    log::flush();
    ::_exit(code_of_the_end);
  });
  ::alarm(static_cast<unsigned>(longest_end.count()));
}

void end_with_the_queued_lines(int signal) {
  log::flush(); // written by a thread of their own, while this one waits
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

/// What was logged right before a crash is what explains it.
void keep_the_log_of_a_crash() {
  std::set_terminate([] {
    if (const auto thrown = std::current_exception())
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& error) {
        log::error("the process ends because of an exception that nobody has caught", {{"error", error.what()}});
      } catch (...) {
        log::error("the process ends because of an exception that nobody has caught");
      }
    std::abort();
  });
  std::signal(SIGABRT, end_with_the_queued_lines);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they have handlers of their own
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL})
    std::signal(signal, end_with_the_queued_lines);
#endif
}

void say_what_is_unusual(const Settings& settings) {
  if (settings.skip_compass_tls_verify)
    log::warning("TLS checks are off: Compass' server certificates are not verified",
                 {{"variable", "APP_SKIP_COMPASS_TLS_VERIFY"}});
  for (const auto& [variable, text] : {std::pair{"APP_RUNTIME_EVENTS_URL", &settings.runtime_events_url},
                                       std::pair{"APP_RUNTIME_CONSOLE_URL", &settings.runtime_console_url}})
    if (!http::Url::parse(*text))
      log::warning("a label of the Runtime is not a URL; it is set as given", {{"variable", variable}});
  for (const std::string& variable : settings.raised)
    log::warning("an interval is too short and is raised: no server is asked more than once in a second",
                 {{"variable", variable}, {"interval", "1s"}});
  if (settings.ignored.empty())
    return;
  std::string names;
  for (const std::string& name : settings.ignored)
    names += (names.empty() ? "" : " ") + name;
  log::warning("ignoring environment variables that are no longer used", {{"variables", names}});
}

/// Until SIGTERM or SIGINT (0), or until the agent gives up (`given_up`).
int wait_for_end(const sigset_t& signals, const std::atomic<int>& given_up) {
  int signal = 0;
  sigwait(&signals, &signal);
  if (signal == give_up_signal)
    return given_up;
  log::info("ending", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  return 0;
}

/// StatusWriter is down by now. Not by way of the gate: it is shut where an actor was stuck for long, and nobody else
/// has taken over.
void say_why(kubernetes::Api& api, const Leadership& leadership, const std::string& reason) {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + 500ms;
  if (leadership.is_last_holder(context))
    write_last_words(api, reason, std::chrono::system_clock::now(), 1500ms);
}

int run_until_signal(const Settings& settings, const std::string& kubeconfig) {
  const sigset_t signals = block_signals();
  keep_out_of_core_dumps();
  keep_the_log_of_a_crash();
  log::configure(settings.log_format, settings.log_level);
  log::info("runtime-agent starts", {{"version", version}});
  say_what_is_unusual(settings);

  const pthread_t main_thread = pthread_self();
  auto clients = make_clients(settings, kubeconfig);
  if (!clients) {
    log::error("the agent cannot start", {{"error", clients.error().text()}});
    return exit_invalid_settings;
  }
  const auto bystander = clients->bystander;
  const auto gate = clients->gate;
  ClusterInformationLog cluster_information(bystander, settings.metrics_logging_interval);
  std::atomic<int> given_up{0};
  std::string last_words;
  std::once_flag giving_up; // the first reason counts
  const auto ring = clients->ring;
  Agent agent(settings, std::move(*clients), [&](int code, const std::string& reason) {
    std::call_once(giving_up, [&] {
      limit_the_end(code); // whatever hangs may hang what follows as well
      log::error("the process exits so that Kubernetes restarts it", {{"exit_code", code}, {"reason", reason}});
      ring->say_end(code, reason);
      last_words = reason;
      given_up = code;
      pthread_kill(main_thread, give_up_signal);
    });
  });
  Leadership leadership(settings, *bystander, *gate, agent);
  Diagnostics diagnostics(settings, agent);
  if (auto listening = diagnostics.start(); !listening) {
    log::error("the agent cannot start", {{"error", listening.error().text()}});
    return exit_invalid_settings;
  }
  leadership.start();
  cluster_information.start();
  const int code = wait_for_end(signals, given_up);
  limit_the_end(code);
  diagnostics.stop();
  cluster_information.stop();
  leadership.stop();
  // Five seconds are what operators are promised (architecture §3); an actor that hangs costs one more than the limit.
  const bool clean = agent.stop(code == 0 ? 3500ms : 2000ms);
  if (code != 0)
    say_why(*bystander, leadership, last_words);
  leadership.release();
  log::info("ended", {{"clean", clean}});
  // A thread that hangs is waited for by nobody: the memory that it uses must not be taken from it either.
  if (!clean) {
    log::flush();
    std::_Exit(code);
  }
  return code;
}

} // namespace

int run(const Settings& settings, const std::string& kubeconfig) {
  use_little_memory();
  try {
    return run_until_signal(settings, kubeconfig);
  } catch (const std::exception& error) {
    log::error("the agent exits because of an exception", {{"error", error.what()}});
    return exit_escalation;
  }
}

} // namespace runtime_agent::app
