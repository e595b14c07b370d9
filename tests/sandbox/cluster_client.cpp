#include "tests/sandbox/cluster_client.hpp"

#include <fstream>
#include <sstream>

#include <httplib.h>
#include <yaml-cpp/yaml.h>

#include "tests/sandbox/compass/base64.hpp"
#include "tests/sandbox/compass/openssl_handles.hpp"

namespace runtime_agent::sandbox {
namespace {

using compass::BioHandle;
using compass::CertificateHandle;
using compass::KeyHandle;
using compass::StoreHandle;

BioHandle bio_of(const std::string& text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// `NAME-data` in base64, or the file that `NAME` gives, relative to the kubeconfig.
std::string inline_or_file(const YAML::Node& node, const std::string& name, const std::filesystem::path& folder) {
  if (node[name + "-data"])
    return compass::from_base64(node[name + "-data"].as<std::string>()).value_or("");
  if (!node[name])
    return {};
  std::ifstream file(folder / node[name].as<std::string>());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The entry of that name in `clusters`, `users` or `contexts`.
YAML::Node named(const YAML::Node& list, const std::string& name, const char* member) {
  for (const auto& entry : list)
    if (entry["name"].as<std::string>("") == name)
      return entry[member];
  return YAML::Node(YAML::NodeType::Undefined);
}

std::unique_ptr<httplib::ClientImpl> connect(const ClusterAccess& access) {
  const bool tls = access.server.rfind("https://", 0) == 0;
  const auto start = access.server.find("//") + 2;
  const auto colon = access.server.rfind(':');
  const bool has_port = colon != std::string::npos && colon > start;
  const auto host = access.server.substr(start, has_port ? colon - start : std::string::npos);
  const int port = has_port ? std::stoi(access.server.substr(colon + 1)) : tls ? 443 : 80;
  if (!tls)
    return std::make_unique<httplib::ClientImpl>(host, port);

  const CertificateHandle certificate(
      PEM_read_bio_X509(bio_of(access.client_certificate_pem).get(), nullptr, nullptr, nullptr));
  const KeyHandle key(PEM_read_bio_PrivateKey(bio_of(access.client_key_pem).get(), nullptr, nullptr, nullptr));
  auto client = certificate != nullptr && key != nullptr
                    ? std::make_unique<httplib::SSLClient>(host, port, certificate.get(), key.get())
                    : std::make_unique<httplib::SSLClient>(host, port);
  client->enable_server_certificate_verification(!access.ca_pem.empty());
  const StoreHandle store(X509_STORE_new());
  const auto bio = bio_of(access.ca_pem);
  while (const auto ca = CertificateHandle(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)))
    X509_STORE_add_cert(store.get(), ca.get());
  SSL_CTX_set1_verify_cert_store(client->ssl_context(), store.get());
  return client;
}

} // namespace

tl::expected<ClusterAccess, std::string> read_kubeconfig(const std::filesystem::path& file) {
  try {
    const auto root = YAML::LoadFile(file.string());
    const auto context = named(root["contexts"], root["current-context"].as<std::string>(""), "context");
    if (!context)
      return tl::unexpected(file.string() + " has no current context");
    const auto cluster = named(root["clusters"], context["cluster"].as<std::string>(""), "cluster");
    const auto user = named(root["users"], context["user"].as<std::string>(""), "user");
    if (!cluster || !cluster["server"])
      return tl::unexpected(file.string() + " has no server for its current context");
    const auto folder = file.parent_path();
    ClusterAccess access;
    access.server = cluster["server"].as<std::string>();
    access.ca_pem = inline_or_file(cluster, "certificate-authority", folder);
    if (user) {
      access.token = user["token"].as<std::string>("");
      access.client_certificate_pem = inline_or_file(user, "client-certificate", folder);
      access.client_key_pem = inline_or_file(user, "client-key", folder);
    }
    return access;
  } catch (const YAML::Exception& error) {
    return tl::unexpected(file.string() + ": " + error.what());
  }
}

std::string ClusterClient::Reply::text() const {
  if (status == 0)
    return "no answer";
  const auto message = body.is_object() ? body.value("message", std::string()) : std::string();
  return std::to_string(status) + " " + message;
}

ClusterClient::Reply ClusterClient::send(const char* method, const std::string& path,
                                         const nlohmann::json& body) const {
  const auto client = connect(access_);
  client->set_tcp_nodelay(true);
  client->set_read_timeout(std::chrono::seconds(30));
  httplib::Request request;
  request.method = method;
  request.path = path;
  if (!access_.token.empty())
    request.headers.emplace("Authorization", "Bearer " + access_.token);
  if (!body.is_null()) {
    request.headers.emplace("Content-Type", "application/json");
    request.body = body.dump();
  }
  const auto result = client->send(request);
  return result ? Reply{result->status, nlohmann::json::parse(result->body, nullptr, false)} : Reply{};
}

tl::expected<nlohmann::json, std::string> ClusterClient::get(const std::string& path) const {
  auto reply = send("GET", path, nullptr);
  if (reply.status != 200)
    return tl::unexpected("GET " + path + ": " + reply.text());
  return std::move(reply.body);
}

tl::expected<void, std::string> ClusterClient::apply(const std::string& collection,
                                                     const nlohmann::json& object) const {
  const auto created = send("POST", collection, object);
  if (created.status == 201)
    return {};
  if (created.status != 409)
    return tl::unexpected("POST " + collection + ": " + created.text());
  const auto path = collection + "/" + object["metadata"]["name"].get<std::string>();
  Reply written;
  for (int attempt = 0; attempt < 5; ++attempt) {
    auto present = send("GET", path, nullptr);
    if (present.status != 200)
      return tl::unexpected("GET " + path + ": " + present.text());
    present.body["data"] = object.value("data", nlohmann::json::object());
    written = send("PUT", path, present.body);
    if (written.status == 200)
      return {};
    if (written.status != 409)
      break;
  }
  return tl::unexpected("PUT " + path + ": " + written.text());
}

tl::expected<void, std::string> ClusterClient::remove(const std::string& path) const {
  const auto reply = send("DELETE", path, nullptr);
  if (reply.status == 200 || reply.status == 202 || reply.status == 404)
    return {};
  return tl::unexpected("DELETE " + path + ": " + reply.text());
}

tl::expected<void, std::string> ClusterClient::ensure_namespace(const std::string& name) const {
  const nlohmann::json object{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}};
  const auto reply = send("POST", "/api/v1/namespaces", object);
  if (reply.status == 201 || reply.status == 409)
    return {};
  return tl::unexpected("namespace " + name + ": " + reply.text());
}

} // namespace runtime_agent::sandbox
