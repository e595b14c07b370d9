#include <algorithm>
#include <ctime>
#include <set>

#include <fmt/format.h>

#include "app/commands/checks.hpp"
#include "app/commands/on_record.hpp"
#include "app/mapping.hpp"
#include "transport/http/make_client.hpp"
#include "transport/kubernetes/access_review.hpp"
#include "transport/kubernetes/events.hpp"
#include "transport/kubernetes/lease.hpp"

namespace runtime_agent::app {
namespace {

using namespace std::chrono_literals;
using kubernetes::Json;
using kubernetes::Resource;
using std::chrono::milliseconds;

constexpr const char* probe_name = "runtime-agent-check";
constexpr auto slow = 2s;
constexpr auto skew_to_tell = 30s;
constexpr auto skew_to_refuse = 5min; // what certificates are checked with

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// -- the API server

std::string remedy_for(const Failure& failure) {
  switch (failure.kind) {
  case FailureKind::unauthorized:
  case FailureKind::certificate_refused:
    return "log in again; in a pod: its ServiceAccount may be gone";
  case FailureKind::tls:
    return "the kubeconfig's certificate-authority is not this server's, or the server has another name";
  case FailureKind::timeout:
    return "the API server is slow, or something on the way drops packets: try again, then look at its load";
  case FailureKind::rate_limited:
  case FailureKind::unavailable:
    return "the API server is overloaded or starting: wait; the agent does";
  default:
    return "is this the right cluster (--kubeconfig, KUBECONFIG), and can it be reached from here?";
  }
}

bool check_api(Checks& checks) {
  checks.report.looking("asking the API server");
  const auto begun = std::chrono::steady_clock::now();
  const auto answer = kubernetes::allowed(*checks.api, "get", kubernetes::compass_connections(), "", check_context());
  const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
  if (!answer && answer.error().kind != FailureKind::forbidden) {
    checks.report.failed("api-server", answer.error().text(), remedy_for(answer.error()));
    return false;
  }
  const std::string found = fmt::format("{} answers, in {} ms", checks.cluster.server, took.count());
  if (took > slow)
    checks.report.warning("api-server", found + ": that is slow",
                          "the agent waits and tries again, but changes arrive late: look at the API server's load");
  else
    checks.report.passed("api-server", found);
  return true;
}

// -- the clock

/// "Tue, 24 Nov 2026 15:00:00 GMT"
std::optional<std::chrono::system_clock::time_point> parse_date(std::string_view text) {
  std::tm parts{};
  const std::string whole(text);
  const char* end = strptime(whole.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!end || *end != '\0')
    return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

/// Without logging in: any answer is dated.
Result<http::Response> ask_anonymously(const Checks& checks) {
  auto url = http::Url::parse(checks.cluster.server);
  if (!url)
    return failed(url.error());
  http::ClientOptions options;
  options.target = "kubernetes";
  options.server_name = checks.cluster.tls_server_name;
  if (!checks.cluster.in_cluster)
    options.proxy = checks.proxies.proxy_for(*url);
  options.trust = http::Trust::unchecked(); // for the time only; whom it speaks to, the row above has checked
  options.origin = std::move(*url);
  http::Request request;
  request.path = "/version";
  request.operation = "get version";
  return http::make_client(std::move(options))->send(request, check_context(5s));
}

void check_clock(Checks& checks) {
  const auto before = std::chrono::system_clock::now();
  const auto answer = ask_anonymously(checks);
  const auto date = answer ? parse_date(http::header(answer->headers, "Date")) : std::nullopt;
  if (!date)
    return checks.report.skipped("clock", "the API server does not say what time it is");
  const auto now = before + (std::chrono::system_clock::now() - before) / 2;
  const auto skew = std::chrono::duration_cast<std::chrono::seconds>(now - *date);
  const auto size = std::chrono::abs(skew);
  const std::string found =
      fmt::format("the clock here is {} s {} the API server's", size.count(), skew.count() < 0 ? "behind" : "ahead of");
  const std::string remedy = "set the clocks (NTP) of this machine and of the cluster's nodes: certificates are judged "
                             "by them";
  if (size > skew_to_refuse)
    checks.report.failed("clock", found, remedy);
  else if (size > skew_to_tell)
    checks.report.warning("clock", found, remedy);
  else
    checks.report.passed("clock", "the clock here agrees with the API server's");
}

// -- rights

struct Right {
  Resource resource;
  std::string name; ///< empty: all of the collection
  std::vector<std::string_view> needed;
  std::vector<std::string_view> useful; ///< used where they are granted
  std::string_view without;             ///< what happens without the useful ones
};

std::vector<Right> rights(const Settings& settings) {
  const config_watcher::Source configuration = source_of(settings);
  const ObjectName& certificates = settings.certificates_secret;
  const ObjectName& ca = settings.ca_secret;
  const bool election = settings.leader_election == LeaderElection::on;
  const std::vector<std::string_view> lease = {"get", "create", "update"};
  const std::vector<std::string_view> none;
  const std::vector<std::string_view> watching = {"list", "watch"};
  constexpr std::string_view late = "it is restored up to a sync period after it was deleted";
  std::vector<Right> rights = {
      {kubernetes::compass_connections(), "", {"get", "create", "update"}, {"list", "watch"}, "changes are seen late"},
      {kubernetes::applications(),
       "",
       {"get", "list", "create", "update", "delete"},
       {"watch"},
       "manual edits are reverted late"},
      {kubernetes::secrets(settings.integration_namespace),
       "",
       {"get", "create", "update", "delete"},
       {"list", "watch"},
       "Secrets are read one by one"},
      {kubernetes::secrets(certificates.namespace_), "", {"create"}, none, ""},
      {kubernetes::secrets(certificates.namespace_), certificates.name, {"get", "update"}, watching, late},
      {kubernetes::secrets(certificates.namespace_),
       pending_secret(settings).name,
       {"get", "update", "delete"},
       none,
       ""},
      {kubernetes::secrets(ca.namespace_), "", {"create"}, none, ""},
      {kubernetes::secrets(ca.namespace_), ca.name, {"get", "update"}, watching, late},
      {configuration.resource(), configuration.name, {"get"}, {"watch"}, "a new token is seen up to a minute late"},
      {kubernetes::events(kubernetes::events_namespace), "", none, {"create", "patch"}, "there are no Events"},
  };
  if (settings.leader_election != LeaderElection::off)
    rights.push_back({kubernetes::leases(certificates.namespace_), "runtime-agent", election ? lease : none,
                      election ? none : lease, "two active agents would not notice each other"});
  return rights;
}

std::string in_words(std::string_view verb, const Right& right) {
  std::string text = fmt::format("{} {}", verb, right.resource.kind);
  if (!right.name.empty())
    text += fmt::format(" {}/{}", right.resource.namespace_, right.name);
  else if (!right.resource.namespace_.empty())
    text += "s in " + right.resource.namespace_;
  else
    text += "s";
  return text;
}

void check_rights(Checks& checks) {
  checks.report.looking("checking permissions");
  std::size_t asked = 0, lacking = 0;
  const std::string remedy = "install the chart's Roles, or kubectl apply -f deploy/rbac/rbac.yaml";
  const auto may = [&](std::string_view verb, const Right& right) {
    ++asked;
    const auto answer = kubernetes::allowed(*checks.api, verb, right.resource, right.name, check_context());
    return !answer || *answer; // where not even asking is allowed, the other rows find out
  };
  for (const Right& right : rights(checks.settings)) {
    for (const std::string_view verb : right.needed)
      if (!may(verb, right)) {
        ++lacking;
        checks.report.failed("rights", "may not " + in_words(verb, right), remedy);
      }
    for (const std::string_view verb : right.useful)
      if (!may(verb, right)) {
        ++lacking;
        checks.report.warning("rights", fmt::format("may not {}: {}", in_words(verb, right), right.without), remedy);
      }
  }
  if (lacking == 0)
    checks.report.passed("rights", fmt::format("all {} rights that the agent uses are granted", asked));
}

// -- definitions

void check_definitions(Checks& checks) {
  std::size_t found = 0;
  const std::vector<Resource> resources = {kubernetes::compass_connections(), kubernetes::applications()};
  for (const Resource& resource : resources) {
    // An object that is not there and a kind that is not there are both 404; the words tell them apart.
    const auto answer = checks.api->get(resource, probe_name, check_context());
    const bool lacking = !answer && answer.error().kind == FailureKind::not_found &&
                         !contains(answer.error().what, std::string("\"") + probe_name);
    if (lacking)
      checks.report.failed(
          "definitions", fmt::format("the CustomResourceDefinition {}.{} is missing", resource.plural, resource.group),
          "kubectl apply -f deploy/chart/runtime-agent/crds; the agent waits for it");
    else
      ++found;
  }
  if (found == resources.size())
    checks.report.passed("definitions", "CompassConnection and Application are defined");
}

// -- writing: nothing is stored, but admission and quotas are asked

struct Probe {
  Resource resource;
  Json object;
};

std::vector<Probe> probes(const Settings& settings) {
  std::set<std::string> namespaces = {settings.certificates_secret.namespace_, settings.ca_secret.namespace_,
                                      settings.integration_namespace};
  std::vector<Probe> probes;
  probes.reserve(namespaces.size() + 1);
  for (const std::string& name : namespaces)
    probes.push_back({kubernetes::secrets(name),
                      Json{{"metadata", {{"name", probe_name}, {"namespace", name}}}, {"type", "Opaque"}}});
  probes.push_back({kubernetes::applications(),
                    Json{{"metadata", {{"name", probe_name}}},
                         {"spec", {{"description", "a check that stores nothing"}, {"services", Json::array()}}}}});
  return probes;
}

/// Returns whether nothing stands in the way.
bool judge(Checks& checks, const Failure& failure, const Resource& resource) {
  CheckReport& report = checks.report;
  const bool in_namespace = !resource.namespace_.empty();
  if (failure.kind == FailureKind::already_exists || contains(failure.what, "not support dry run"))
    return true;
  if (contains(failure.what, "exceeded quota")) {
    report.failed("quota", failure.text(),
                  "raise the ResourceQuota of the namespace " + resource.namespace_ + ", or delete what is not needed");
    return false;
  }
  if (contains(failure.what, "admission webhook") || contains(failure.what, "denied")) {
    report.failed("admission", failure.text(),
                  "exempt the agent's objects from that policy, or its ServiceAccount; the message names it");
    return false;
  }
  switch (failure.kind) {
  case FailureKind::not_found:
    if (in_namespace)
      report.failed(
          "namespaces", fmt::format("the namespace {} does not exist", resource.namespace_),
          fmt::format("kubectl create namespace {}, or name another one in the agent's environment; the agent "
                      "waits for it",
                      resource.namespace_));
    return !in_namespace;      // a lacking definition has its own row
  case FailureKind::forbidden: // so has a lacking right
  case FailureKind::refused:   // this object, not writing as such
  case FailureKind::conflict:
    return true;
  default:
    report.failed("writes", failure.text(),
                  "the API server accepts no writes: it may be read-only or out of space (etcd), or a webhook may not "
                  "answer; the agent waits, and the cluster is unchanged");
    return false;
  }
}

void check_writes(Checks& checks) {
  checks.report.looking("checking whether writes are accepted");
  bool free = true;
  for (const Probe& probe : probes(checks.settings)) {
    const auto answer = checks.api->dry_run_create(probe.resource, probe.object, check_context(10s));
    if (!answer)
      free = judge(checks, answer.error(), probe.resource) && free;
  }
  if (free)
    checks.report.passed("writes", "Secrets and Applications can be written");
}

} // namespace

bool check_cluster(Checks& checks) {
  checks.report.section("cluster");
  if (!check_api(checks))
    return false;
  check_clock(checks);
  check_rights(checks);
  check_definitions(checks);
  check_writes(checks);
  return true;
}

CallContext check_context(milliseconds limit) {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + limit;
  return context;
}

} // namespace runtime_agent::app
