#include "transport/kubernetes/exec_plugin.hpp"

#include <algorithm>
#include <ctime>

#include <unistd.h>

#include <fmt/format.h>

#include "transport/encoding.hpp"
#include "transport/http/status.hpp"
#include "transport/kubernetes/bounded_json.hpp"
#include "transport/kubernetes/child_process.hpp"
#include "transport/kubernetes/timestamp.hpp"

namespace runtime_agent::kubernetes {
namespace {

constexpr std::chrono::seconds longest_run{60};

/// What KUBERNETES_EXEC_INFO holds: the cluster, where the plug-in asks for it.
std::string exec_info(const ClusterConfig& config, const std::string& ca_pem) {
  Json spec{{"interactive", false}};
  if (config.exec->provide_cluster_info) {
    Json cluster{{"server", config.server}};
    if (!config.tls_server_name.empty())
      cluster["tls-server-name"] = config.tls_server_name;
    if (config.insecure_skip_tls_verify)
      cluster["insecure-skip-tls-verify"] = true;
    if (!ca_pem.empty())
      cluster["certificate-authority-data"] = base64_encode(ca_pem);
    if (!config.proxy_url.empty())
      cluster["proxy-url"] = config.proxy_url;
    cluster["config"] = nullptr;
    spec["cluster"] = std::move(cluster);
  }
  const Json info{{"kind", "ExecCredential"}, {"apiVersion", config.exec->api_version}, {"spec", std::move(spec)}};
  return info.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Ours, then the kubeconfig's and the protocol's in the place of variables of the same name.
std::vector<std::string> environment_of(const ClusterConfig& config, const std::string& ca_pem) {
  auto added = config.exec->environment;
  added.emplace_back("KUBERNETES_EXEC_INFO", exec_info(config, ca_pem));
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const auto same = [&](const auto& pair) { return text.rfind(pair.first + "=", 0) == 0; };
    if (std::none_of(added.begin(), added.end(), same))
      variables.emplace_back(text);
  }
  for (const auto& [name, value] : added)
    variables.push_back(fmt::format("{}={}", name, value));
  return variables;
}

tl::unexpected<Failure> unusable(std::string what) {
  return failed(configuration_failure("exec plug-in", std::move(what)));
}

Result<ExecCredential> named(Result<ExecCredential> result, const std::string& where) {
  if (!result)
    result.error().where = where;
  return result;
}

} // namespace

Result<ExecCredential> parse_exec_credential(const std::string& output, const std::string& api_version) {
  const auto parsed = parse_bounded(output);
  if (!parsed || !parsed->is_object())
    return unusable("did not print an ExecCredential as JSON");
  if (text_at(*parsed, "kind") != "ExecCredential")
    return unusable("printed JSON that is not an ExecCredential");
  if (text_at(*parsed, "apiVersion") != api_version)
    return unusable(fmt::format("printed an ExecCredential of another apiVersion than {}, which the kubeconfig names",
                                api_version));
  ExecCredential credential;
  credential.token = Secret(text_at(*parsed, "status", "token"));
  credential.client_certificate = Secret(text_at(*parsed, "status", "clientCertificateData"));
  credential.client_key = Secret(text_at(*parsed, "status", "clientKeyData"));
  if (credential.client_certificate.empty() != credential.client_key.empty())
    return unusable("printed only one of clientCertificateData and clientKeyData");
  if (credential.token.empty() && credential.client_key.empty())
    return unusable("printed an ExecCredential without status.token and without a client certificate");
  const auto expiration = text_at(*parsed, "status", "expirationTimestamp");
  if (!expiration.empty()) {
    credential.expires = parse_rfc3339(expiration);
    if (!credential.expires)
      return unusable("printed a status.expirationTimestamp that is not an RFC 3339 time");
  }
  return credential;
}

Result<ExecCredential> run_exec_plugin(const ClusterConfig& config, const std::string& ca_pem,
                                       const CallContext& context) {
  const ExecPlugin& plugin = *config.exec;
  const std::string where = fmt::format("exec plug-in {} of {}", plugin.command, config.source);
  if (plugin.needs_terminal)
    return failed(configuration_failure(where, "asks for a terminal (interactiveMode: Always), and there is none"));

  CallContext bounded = context;
  bounded.deadline = std::min(context.deadline, std::chrono::steady_clock::now() + longest_run);
  ProcessRequest request{plugin.command, plugin.arguments, environment_of(config, ca_pem)};
  auto result = run_process(request, bounded);
  if (!result) {
    result.error().where = where;
    if (result.error().kind == FailureKind::not_found) {
      result.error().kind = FailureKind::configuration;
      result.error().what = "the program does not exist";
      result.error().next = http::excerpt(plugin.install_hint, 500);
    }
    return failed(std::move(result.error()));
  }
  if (result->exit_code != 0) {
    wipe(result->output);
    // Standard error is meant for a person's eyes: the plug-in's own words say best what is wrong.
    return failed(configuration_failure(
        where, fmt::format("ended with {}: {}", result->exit_code, http::excerpt(result->error_output, 300))));
  }
  auto credential = named(parse_exec_credential(result->output, plugin.api_version), where);
  wipe(result->output);
  return credential;
}

} // namespace runtime_agent::kubernetes
