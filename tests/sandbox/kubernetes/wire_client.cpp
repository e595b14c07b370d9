#include "tests/sandbox/kubernetes/wire_client.hpp"

#include <stdexcept>

#include <httplib.h>
#include <openssl/pem.h>
#include <yaml-cpp/yaml.h>

namespace runtime_agent::sandbox {
namespace {

std::unique_ptr<httplib::SSLClient> client_for(const std::string& url, const std::string& ca_pem) {
  const auto host = url.substr(url.find("//") + 2);
  const auto colon = host.rfind(':');
  auto client = std::make_unique<httplib::SSLClient>(host.substr(0, colon), std::stoi(host.substr(colon + 1)));
  // Only this CA: httplib's own setter would keep the system's besides.
  X509_STORE* store = X509_STORE_new();
  BIO* bio = BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  X509_STORE_add_cert(store, certificate);
  SSL_CTX_set1_verify_cert_store(client->ssl_context(), store);
  X509_free(certificate);
  BIO_free(bio);
  X509_STORE_free(store);
  client->set_tcp_nodelay(true);
  client->set_keep_alive(true); // also spares the system's CAs, which each new connection would load
  client->set_read_timeout(20);
  return client;
}

std::string decoded(const std::string& base64) {
  std::string bytes(base64.size(), '\0');
  const auto size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(base64.data()), static_cast<int>(base64.size()));
  if (size < 0)
    throw std::runtime_error("not base64");
  bytes.resize(static_cast<std::size_t>(size) - (base64.ends_with("==") ? 2 : base64.ends_with('=') ? 1 : 0));
  return bytes;
}

} // namespace

WireClient::WireClient(std::string url, std::string ca_pem, std::string token)
    : client_(client_for(url, ca_pem)), url_(std::move(url)), ca_pem_(std::move(ca_pem)), token_(std::move(token)) {}

WireClient WireClient::from_kubeconfig(const std::string& file) {
  const auto config = YAML::LoadFile(file);
  const auto cluster = config["clusters"][0]["cluster"];
  return {cluster["server"].as<std::string>(), decoded(cluster["certificate-authority-data"].as<std::string>()),
          config["users"][0]["user"]["token"].as<std::string>()};
}

Response WireClient::request(const std::string& method, const std::string& path,
                             const std::optional<nlohmann::json>& body, const std::string& content_type) const {
  return raw(method, path, body ? body->dump() : std::string(), body ? content_type : std::string(), token_);
}

Response WireClient::raw(const std::string& method, const std::string& path, const std::string& body,
                         const std::string& content_type, const std::optional<std::string>& token) const {
  httplib::Request request;
  request.method = method;
  request.path = path;
  request.set_header("Accept", accept_);
  if (token)
    request.set_header("Authorization", "Bearer " + *token);
  if (!content_type.empty()) {
    request.set_header("Content-Type", content_type);
    request.body = body;
  }
  const auto result = client_->send(request);
  Response response;
  if (!result)
    return response;
  response.status = result->status;
  response.text = result->body;
  response.headers.insert(result->headers.begin(), result->headers.end());
  response.body = nlohmann::json::parse(result->body, nullptr, false);
  if (response.body.is_discarded())
    response.body = nullptr;
  return response;
}

std::vector<nlohmann::json> WireClient::watch(const std::string& path, std::size_t enough) const {
  const auto client = client_for(url_, ca_pem_);
  std::vector<nlohmann::json> events;
  std::string buffer;
  client->Get(path, {{"Authorization", "Bearer " + token_}, {"Accept", accept_}},
              [&](const char* data, std::size_t size) {
                buffer.append(data, size);
                for (auto end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n')) {
                  events.push_back(nlohmann::json::parse(buffer.substr(0, end)));
                  buffer.erase(0, end + 1);
                }
                return events.size() < enough;
              });
  return events;
}

} // namespace runtime_agent::sandbox
