#include "transport/kubernetes/kubeconfig.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "transport/encoding.hpp"
#include "transport/http/proxy.hpp"
#include "transport/http/url.hpp"

namespace runtime_agent::kubernetes {
namespace {

/// A mistake in a file, thrown inside this file only: reading YAML is all the way down nested, and every level can
/// fail.
struct Mistake {
  Failure failure;
};

/// One named entry of `clusters`, `contexts` or `users`, and where it stands.
class Entry {
public:
  Entry(std::filesystem::path file, std::string key, const YAML::Node& node)
      : file_(std::move(file)), key_(std::move(key)), node_(node) {}

  [[noreturn]] void mistake(const std::string& name, std::string what, std::string next = {}) const {
    const std::string key = name.empty() ? key_ : key_ + "." + name;
    throw Mistake{
        configuration_failure(fmt::format("kubeconfig {}, {}", file_.string(), key), std::move(what), std::move(next))};
  }

  std::string text(const char* name) const {
    const YAML::Node node = node_[name];
    if (!node || node.IsNull())
      return {};
    if (!node.IsScalar())
      mistake(name, "a text was expected");
    return node.Scalar();
  }

  bool flag(const char* name) const {
    const std::string value = text(name);
    if (!value.empty() && value != "true" && value != "false")
      mistake(name, "true or false was expected, not " + value);
    return value == "true";
  }

  /// base64 under `<name>-data`, or a path under `name`.
  Material material(const std::string& name) const {
    Material material;
    if (const std::string encoded = text((name + "-data").c_str()); !encoded.empty()) {
      auto decoded = base64_decode(encoded);
      if (!decoded || decoded->empty())
        mistake(name + "-data", "base64 was expected");
      material.data = Secret(std::move(*decoded));
    } else if (const std::string path = text(name.c_str()); !path.empty()) {
      material.file = resolved(path);
    }
    return material;
  }

  std::filesystem::path resolved(const std::filesystem::path& path) const {
    return path.is_absolute() ? path : std::filesystem::absolute(file_).parent_path() / path;
  }

  Entry child(const char* name) const {
    const YAML::Node node = node_[name];
    if (node && !node.IsNull() && !node.IsMap())
      mistake(name, "a mapping was expected");
    return {file_, key_ + "." + name, node ? node : YAML::Node(YAML::NodeType::Map)};
  }

  bool has(const char* name) const {
    const YAML::Node node = node_[name];
    return node && !node.IsNull() && !(node.IsMap() && node.size() == 0);
  }

  const YAML::Node& node() const { return node_; }

private:
  std::filesystem::path file_;
  std::string key_;
  YAML::Node node_;
};

/// Every section in one map, keyed "clusters/<name>": what the first file says stays.
struct Merged {
  std::map<std::string, Entry> entries;
  std::string current_context;
  std::string files; // for messages

  const Entry& find(const std::string& section, const std::string& name, const std::string& wanted_by) const {
    const auto found = entries.find(section + "/" + name);
    if (found == entries.end())
      throw Mistake{configuration_failure(
          "kubeconfig " + files, fmt::format("{} has no entry '{}', which {} names", section, name, wanted_by))};
    return found->second;
  }
};

void merge_section(Merged& merged, const Entry& root, const std::filesystem::path& file, const char* section,
                   const char* member) {
  const YAML::Node list = root.node()[section];
  if (!list || list.IsNull())
    return;
  if (!list.IsSequence())
    root.mistake(section, "a list was expected");
  for (const YAML::Node& item : list) {
    if (!item.IsMap() || !item["name"] || !item["name"].IsScalar())
      root.mistake(section, fmt::format("entries with a name and a {} were expected", member));
    const std::string name = item["name"].Scalar();
    const Entry entry(file, fmt::format("{}[{}]", section, name), item);
    merged.entries.emplace(std::string(section) + "/" + name, entry.child(member));
  }
}

void merge_file(Merged& merged, const std::filesystem::path& file) {
  auto content = read_file(file);
  if (!content)
    throw Mistake{std::move(content.error())};
  YAML::Node node;
  try {
    node = YAML::Load(*content);
  } catch (const YAML::Exception& error) {
    // The parser's message names a kind of mistake; it does not quote the file.
    throw Mistake{configuration_failure("kubeconfig " + file.string(),
                                        fmt::format("line {} is not valid YAML ({})", error.mark.line + 1, error.msg))};
  }
  wipe(*content);
  if (node.IsNull())
    return; // client-go: an empty file says nothing
  const Entry root(file, "the document", node);
  if (!node.IsMap())
    root.mistake("", "a mapping was expected");
  merge_section(merged, root, file, "clusters", "cluster");
  merge_section(merged, root, file, "contexts", "context");
  merge_section(merged, root, file, "users", "user");
  if (merged.current_context.empty())
    merged.current_context = root.text("current-context");
}

void take_cluster(ClusterConfig& config, const Entry& cluster) {
  config.server = cluster.text("server");
  if (config.server.empty())
    cluster.mistake("server", "is missing; the API server's URL was expected");
  if (const auto url = http::Url::parse(config.server); !url)
    cluster.mistake("server", url.error().what);
  while (config.server.back() == '/')
    config.server.pop_back();
  config.ca = cluster.material("certificate-authority");
  config.insecure_skip_tls_verify = cluster.flag("insecure-skip-tls-verify");
  if (config.insecure_skip_tls_verify && config.ca.given())
    cluster.mistake("insecure-skip-tls-verify",
                    "is true although there is a certificate-authority: use only one of them");
  config.tls_server_name = cluster.text("tls-server-name");
  config.proxy_url = cluster.text("proxy-url");
  if (config.proxy_url.empty())
    return;
  if (const auto proxy = http::Proxy::parse(config.proxy_url); !proxy)
    cluster.mistake("proxy-url", proxy.error().what);
}

ExecPlugin exec_of(const Entry& exec) {
  ExecPlugin plugin;
  plugin.api_version = exec.text("apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1")
    exec.mistake("apiVersion",
                 "client.authentication.k8s.io/v1 or v1beta1 was expected, not '" + plugin.api_version + "'");
  plugin.command = exec.text("command");
  if (plugin.command.empty())
    exec.mistake("command", "is missing");
  // A bare name is searched in PATH; a path is the kubeconfig's folder's.
  if (plugin.command.find('/') != std::string::npos)
    plugin.command = exec.resolved(plugin.command).string();
  for (const YAML::Node& argument : exec.node()["args"]) {
    if (!argument.IsScalar())
      exec.mistake("args", "a list of texts was expected");
    plugin.arguments.push_back(argument.Scalar());
  }
  for (const YAML::Node& variable : exec.node()["env"]) {
    if (!variable.IsMap() || !variable["name"] || !variable["value"] || !variable["value"].IsScalar())
      exec.mistake("env", "entries with a name and a value were expected");
    plugin.environment.emplace_back(variable["name"].Scalar(), variable["value"].Scalar());
  }
  plugin.install_hint = exec.text("installHint");
  plugin.provide_cluster_info = exec.flag("provideClusterInfo");
  plugin.needs_terminal = exec.text("interactiveMode") == "Always";
  return plugin;
}

void take_impersonation(ClusterConfig& config, const Entry& user) {
  // Left out silently, it would let the agent act with more rights than its operator meant.
  if (user.has("as-user-extra"))
    user.mistake("as-user-extra", "is not supported", "use a user that needs no extra attributes");
  if (const auto name = user.text("as"); !name.empty())
    config.impersonation.emplace_back("Impersonate-User", name);
  if (const auto uid = user.text("as-uid"); !uid.empty())
    config.impersonation.emplace_back("Impersonate-Uid", uid);
  for (const YAML::Node& group : user.node()["as-groups"]) {
    if (!group.IsScalar())
      user.mistake("as-groups", "a list of texts was expected");
    config.impersonation.emplace_back("Impersonate-Group", group.Scalar());
  }
}

void take_user(ClusterConfig& config, const Entry& user) {
  if (user.has("auth-provider"))
    user.mistake("auth-provider", "is no longer part of Kubernetes clients", "use an exec plug-in");
  config.client_certificate = user.material("client-certificate");
  config.client_key = user.material("client-key");
  if (config.client_certificate.given() != config.client_key.given())
    user.mistake("", "client-certificate and client-key need each other");
  config.token.data = Secret(std::string(trimmed(user.text("token"))));
  if (const auto file = user.text("tokenFile"); !file.empty())
    config.token.file = user.resolved(file);
  config.username = user.text("username");
  config.password = Secret(user.text("password"));
  if (config.token.given() && !config.username.empty())
    user.mistake("username", "is set although there is a token: use only one of them");
  if (user.has("exec"))
    config.exec = exec_of(user.child("exec"));
  take_impersonation(config, user);
}

std::string joined(const std::vector<std::filesystem::path>& files) {
  std::string text;
  for (const auto& file : files)
    text += (text.empty() ? "" : ":") + file.string();
  return text;
}

ClusterConfig selected(const Merged& merged, const std::string& asked) {
  const std::string name = asked.empty() ? merged.current_context : asked;
  if (name.empty())
    throw Mistake{configuration_failure("kubeconfig " + merged.files, "current-context is missing or empty",
                                        "set it: kubectl config use-context NAME")};
  const Entry& context = merged.find("contexts", name, asked.empty() ? "current-context" : "the command line");
  ClusterConfig config;
  config.source = fmt::format("kubeconfig {}, context {}", merged.files, name);
  config.namespace_ = context.text("namespace");
  if (config.namespace_.empty())
    config.namespace_ = "default";
  const std::string wanted_by = fmt::format("context '{}'", name);
  if (context.text("cluster").empty())
    context.mistake("cluster", "is missing");
  take_cluster(config, merged.find("clusters", context.text("cluster"), wanted_by));
  if (const std::string user = context.text("user"); !user.empty())
    take_user(config, merged.find("users", user, wanted_by));
  return config;
}

} // namespace

Result<ClusterConfig> kubeconfig(const std::vector<std::filesystem::path>& files, const std::string& context) {
  Merged merged;
  merged.files = joined(files);
  try {
    for (const auto& file : files)
      merge_file(merged, file);
    return selected(merged, context);
  } catch (Mistake& mistake) {
    return failed(std::move(mistake.failure));
  } catch (const YAML::Exception& error) {
    return failed(configuration_failure("kubeconfig " + merged.files,
                                        fmt::format("line {} is not what was expected", error.mark.line + 1)));
  }
}

} // namespace runtime_agent::kubernetes
