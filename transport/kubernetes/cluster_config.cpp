#include "transport/kubernetes/cluster_config.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "transport/encoding.hpp"
#include "transport/kubernetes/kubeconfig.hpp"

namespace runtime_agent::kubernetes {
namespace {

constexpr std::size_t file_limit = 1u << 20;

bool is_port(const std::string& text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos &&
         std::stoi(text) >= 1 && std::stoi(text) <= 65535;
}

/// KUBECONFIG's entries, as client-go takes them: empty ones mean nothing.
std::vector<std::filesystem::path> paths_of(const std::string& variable) {
  std::vector<std::filesystem::path> paths;
  std::size_t begin = 0;
  while (begin <= variable.size()) {
    const std::size_t end = std::min(variable.find(':', begin), variable.size());
    if (end > begin)
      paths.emplace_back(variable.substr(begin, end - begin));
    begin = end + 1;
  }
  return paths;
}

Result<ClusterConfig> from_variable(const std::string& variable, const std::string& context) {
  std::vector<std::filesystem::path> present;
  for (auto& path : paths_of(variable)) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored))
      present.push_back(std::move(path));
  }
  if (present.empty())
    return failed(configuration_failure("KUBECONFIG=" + variable, "none of the files exists",
                                        "name an existing kubeconfig, or unset it to use the pod's ServiceAccount"));
  return kubeconfig(present, context);
}

} // namespace

Failure configuration_failure(std::string where, std::string what, std::string next) {
  Failure failure;
  failure.kind = FailureKind::configuration;
  failure.where = std::move(where);
  failure.what = std::move(what);
  failure.next = std::move(next);
  return failure;
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code unreadable;
  if (std::filesystem::is_directory(path, unreadable))
    return failed(configuration_failure(path.string(), "is a directory; a file was expected"));
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return failed(configuration_failure(path.string(), fmt::format("cannot be read ({})", std::strerror(errno))));
  std::string text(file_limit + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto size = static_cast<std::size_t>(file.gcount());
  if (size > file_limit)
    return failed(configuration_failure(path.string(), "is larger than a megabyte"));
  std::string content = text.substr(0, size);
  wipe(text); // it may be a key or a token
  return content;
}

ClusterEnvironment process_environment() {
  return {[](const char* name) {
            const char* value = std::getenv(name); // nothing in this program sets variables
            return value == nullptr ? std::string() : std::string(value);
          },
          "/var/run/secrets/kubernetes.io/serviceaccount"};
}

Result<ClusterConfig> in_cluster_config(const ClusterEnvironment& environment) {
  const std::string host = environment.variable("KUBERNETES_SERVICE_HOST");
  const std::string port = environment.variable("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty())
    return failed(configuration_failure("in-cluster configuration",
                                        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set"));
  if (!is_port(port))
    return failed(configuration_failure("KUBERNETES_SERVICE_PORT=" + port, "a port from 1 to 65535 was expected"));

  ClusterConfig config;
  config.source = "in-cluster configuration";
  config.in_cluster = true;
  const bool ipv6 = host.find(':') != std::string::npos && host.front() != '[';
  config.server = fmt::format("https://{}:{}", ipv6 ? "[" + host + "]" : host, port);
  config.token.file = environment.service_account / "token";
  config.ca.file = environment.service_account / "ca.crt";
  // Read once now: a pod without a mounted ServiceAccount should hear of it in these words, not as a failed handshake.
  for (const auto& path : {config.token.file, config.ca.file}) {
    auto content = read_file(path);
    if (!content) {
      content.error().next = "the pod needs a ServiceAccount (automountServiceAccountToken)";
      return failed(std::move(content.error()));
    }
    const bool blank = trimmed(*content).empty();
    wipe(*content);
    if (blank)
      return failed(configuration_failure(path.string(), "is empty"));
  }
  const auto named = read_file(environment.service_account / "namespace");
  config.namespace_ = named ? std::string(trimmed(*named)) : std::string();
  if (config.namespace_.empty())
    config.namespace_ = "default";
  return config;
}

Result<ClusterConfig> load_cluster_config(const std::string& explicit_kubeconfig, const ClusterEnvironment& environment,
                                          const std::string& context) {
  if (!explicit_kubeconfig.empty())
    return kubeconfig({explicit_kubeconfig}, context);
  if (const std::string variable = environment.variable("KUBECONFIG"); !variable.empty())
    return from_variable(variable, context);
  if (!environment.variable("KUBERNETES_SERVICE_HOST").empty() &&
      !environment.variable("KUBERNETES_SERVICE_PORT").empty())
    return in_cluster_config(environment);
  const std::string home = environment.variable("HOME");
  const std::filesystem::path usual = std::filesystem::path(home) / ".kube" / "config";
  std::error_code ignored;
  if (home.empty() || !std::filesystem::exists(usual, ignored))
    return failed(configuration_failure(
        "Kubernetes configuration",
        fmt::format("no --kubeconfig, no KUBECONFIG, not in a pod (KUBERNETES_SERVICE_HOST), and no {}",
                    home.empty() ? "HOME" : usual.string()),
        "give one of them"));
  return kubeconfig({usual}, context);
}

} // namespace runtime_agent::kubernetes
