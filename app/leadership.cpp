#include "app/leadership.hpp"

#include <array>
#include <cstdlib>
#include <random>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "actors/supervision/log.hpp"
#include "app/test_controls.hpp"

namespace runtime_agent::app {
namespace {

using namespace std::chrono_literals;

/// client-go's form: the pod's name, and what tells two processes in it apart.
std::string identity() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0')
    host = {'r', 'u', 'n', 't', 'i', 'm', 'e', '-', 'a', 'g', 'e', 'n', 't'};
  std::random_device device;
  return fmt::format("{}_{:08x}{:08x}", host.data(), device(), device());
}

/// RUNTIME_AGENT_TEST_LEASE="2s/1500ms/300ms": duration, renew deadline, retry period.
kubernetes::LeaseTimes lease_times() {
  kubernetes::LeaseTimes times;
  const char* given = test_controls() ? std::getenv("RUNTIME_AGENT_TEST_LEASE") : nullptr;
  if (!given)
    return times;
  const std::string text = given;
  const auto first = text.find('/'), second = text.rfind('/');
  if (first == std::string::npos || first == second)
    return times;
  times.duration = parse_duration(text.substr(0, first)).value_or(times.duration);
  times.renew_deadline = parse_duration(text.substr(first + 1, second - first - 1)).value_or(times.renew_deadline);
  times.retry_period = parse_duration(text.substr(second + 1)).value_or(times.retry_period);
  return times;
}

kubernetes::ElectionSettings election_settings(const Settings& settings) {
  kubernetes::ElectionSettings result;
  result.namespace_ = settings.certificates_secret.namespace_;
  result.name = lease_name;
  result.identity = identity();
  result.times = lease_times();
  result.required = settings.leader_election == LeaderElection::on;
  return result;
}

std::function<double()> random_source() {
  return [random = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0.0, 1.0)(random);
  };
}

} // namespace

std::string_view to_string(Standing standing) {
  constexpr std::array<std::string_view, 3> names = {"waiting", "leader", "standby"};
  return names.at(static_cast<std::size_t>(standing));
}

Leadership::Leadership(const Settings& settings, kubernetes::Api& api, kubernetes::LeaderGate& gate, Agent& agent)
    : wanted_(settings.leader_election), settings_(election_settings(settings)), api_(api), gate_(gate), agent_(agent) {
  if (wanted_ != LeaderElection::off)
    election_.emplace(api, settings_, gate_, *this, random_source());
  publish(Standing::waiting);
}

Leadership::~Leadership() {
  stop();
}

void Leadership::start() {
  if (election_) {
    thread_ = std::thread([this] { election_->run(cancel_); });
    return;
  }
  gate_.open_for_ever();
  publish(Standing::leader);
  agent_.start();
}

void Leadership::stop() {
  cancel_.cancel();
  if (thread_.joinable())
    thread_.join();
}

void Leadership::release() {
  if (!election_)
    return;
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + 1s; // a standby need not wait for the Lease to expire
  election_->release(context);
}

bool Leadership::is_last_holder(const CallContext& context) const {
  if (!election_ || agent_.leadership().facts().alone)
    return true;
  const auto lease = api_.get(kubernetes::leases(settings_.namespace_), settings_.name, context);
  return lease && kubernetes::read_lease(*lease).holder == settings_.identity;
}

bool Leadership::able() {
  const bool is_able = agent_.able();
  if (std::exchange(was_able_, is_able) && !is_able)
    log::error("an actor is stuck: the Lease is not renewed, so that another process takes over",
               {{"lease", settings_.namespace_ + "/" + settings_.name}});
  return is_able;
}

void Leadership::leads() {
  log::info("leading", {{"lease", settings_.namespace_ + "/" + settings_.name}, {"identity", settings_.identity}});
  publish(Standing::leader);
  agent_.start();
}

void Leadership::leads_alone(const Failure& failure) {
  log::warning("no permission to use Leases: this process is active and would not notice another one",
               {{"error", failure.text()}});
  publish(Standing::leader, {}, {}, true);
  agent_.start();
}

void Leadership::lost(const std::string& reason) {
  log::warning("no longer the leader; the actors are stopped", {{"reason", reason}});
  publish(Standing::waiting, {}, reason);
  agent_.step_down(4s);
}

void Leadership::stands_by(const std::string& holder) {
  log::info("standing by", {{"leader", holder}, {"lease", settings_.namespace_ + "/" + settings_.name}});
  publish(Standing::standby, holder);
}

void Leadership::cannot_ask(const Failure& failure) {
  const bool forbidden = failure.kind == FailureKind::forbidden;
  log::warning(forbidden ? "APP_LEADER_ELECTION is on, but there is no permission to use Leases; waiting for it"
                         : "cannot acquire the Lease",
               {{"error", failure.text()}});
  if (agent_.leadership().facts().standing != Standing::leader) // a leader has some time left
    publish(Standing::waiting, {}, failure.text());
}

void Leadership::publish(Standing standing, const std::string& holder, const std::string& problem, bool alone) {
  LeadershipFacts facts;
  facts.standing = standing;
  facts.election = election_.has_value();
  facts.alone = alone;
  facts.lease = settings_.namespace_ + "/" + settings_.name;
  facts.identity = settings_.identity;
  facts.holder = holder;
  facts.problem = problem;
  facts.since = std::chrono::system_clock::now();
  agent_.leadership().publish(std::move(facts));
}

} // namespace runtime_agent::app
