#include "tests/sandbox/compass/compass_server.hpp"

#include <atomic>

#include "tests/sandbox/compass/compass_schema.hpp"
#include "tests/sandbox/compass/director.hpp"
#include "tests/sandbox/compass/director_data.hpp"
#include "tests/sandbox/compass/graphql_exchange.hpp"
#include "tests/sandbox/compass/tls_listener.hpp"

namespace runtime_agent::sandbox {

using compass::Connector;
using compass::Fault;
using compass::RequestRecord;
using compass::TlsListener;

namespace {

constexpr const char* token_connector = "connector-token";
constexpr const char* certificate_connector = "connector";
constexpr const char* director = "director";

struct Peer {
  std::string serial; ///< empty: no client certificate
  std::string runtime_id;
};

Peer peer_of(const httplib::Request& request) {
  const compass::CertificateHandle certificate(SSL_get1_peer_certificate(request.ssl));
  if (certificate == nullptr)
    return {};
  return {compass::serial_of(certificate.get()),
          compass::attribute(compass::subject_of(X509_get_subject_name(certificate.get())), "CN")};
}

} // namespace

/// The three listeners and what stands behind them. The listeners come last, so that they end first.
struct CompassServer::Services {
  explicit Services(CompassOptions given)
      : options(std::move(given)), server_authority("Sandbox Web"), connector(options.connector) {
    data.register_runtime(options.runtime_id, options.tenant);
    data.set_order(options.order_seed);
    listeners.push_back(listen(token_connector, options.token_connector_port));
    listeners.push_back(listen(certificate_connector, options.connector_port));
    listeners.push_back(listen(director, options.director_port));
    connector.configure([&](compass::ConnectorSettings& settings) {
      if (settings.certificate_secured_connector_url.empty())
        settings.certificate_secured_connector_url = url(1, "/connector/graphql");
      if (settings.director_url.empty())
        settings.director_url = url(2, "/director/graphql");
    });
  }

  std::string url(std::size_t listener, const char* path) const {
    return "https://" + options.host + ":" + std::to_string(listeners[listener]->port()) + path;
  }

  const std::string& known(const std::string& runtime_id) const {
    return runtime_id.empty() ? options.runtime_id : runtime_id;
  }

  std::unique_ptr<TlsListener> listen(const char* service, int port) {
    const auto server = server_authority.server_certificate(options.certificate_hosts);
    TlsListener::Options listener;
    listener.port = port;
    listener.tls_1_2_only = options.tls_1_2_only;
    listener.certificate = server.certificate.get();
    listener.intermediate = server.intermediate.get();
    listener.key = server.key.get();
    if (service != token_connector) {
      listener.client_store = connector.authority().client_store();
      listener.admit = [this, service](const X509* certificate) { return admit(service, certificate); };
      listener.refused = [this, service](const X509* certificate, const std::string& reason) {
        RequestRecord record;
        record.time = std::chrono::system_clock::now();
        record.service = service;
        record.reason = reason;
        record.certificate_serial = certificate == nullptr ? "" : compass::serial_of(certificate);
        log.add(std::move(record));
      };
    }
    listener.handle = [this, service](const httplib::Request& request, httplib::Response& response) {
      handle(service, request, response);
    };
    return std::make_unique<TlsListener>(std::move(listener));
  }

  int admit(const char* service, const X509* certificate) {
    if (faults.match(service, "", true))
      return X509_V_ERR_CERT_REVOKED;
    const bool refused =
        options.revoked == CompassOptions::Refusal::alert && connector.revoked(compass::serial_of(certificate));
    return refused ? X509_V_ERR_CERT_REVOKED : X509_V_OK;
  }

  void handle(const char* service, const httplib::Request& request, httplib::Response& response) {
    const auto started = std::chrono::steady_clock::now();
    const auto peer = peer_of(request);
    RequestRecord record;
    record.time = std::chrono::system_clock::now();
    record.service = service;
    record.request_id = request.get_header_value("x-request-id");
    record.traceparent = request.get_header_value("traceparent");
    record.tenant = request.get_header_value("Tenant");
    record.certificate_serial = peer.serial;
    if (!peer.serial.empty() && connector.revoked(peer.serial)) {
      record.reason = "certificate revoked";
      refuse_revoked(request, response);
    } else {
      answer(service, peer, record, request, response);
    }
    record.status = response.status > 0 ? response.status : 0;
    record.duration = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
    if (record.status != 0)
      compass::on_answered([this, record] { gate.passes(record, Stage::answered); });
    log.add(std::move(record));
  }

  /// On a connection that was open before: it ends, and the next handshake shows the alert.
  void refuse_revoked(const httplib::Request& request, httplib::Response& response) const {
    if (options.revoked == CompassOptions::Refusal::alert)
      return compass::reset_connection(request);
    response.status = 403;
    response.set_content("<html><body><h1>403 Forbidden</h1></body></html>\n", "text/html");
  }

  void answer(const char* service, const Peer& peer, RequestRecord& record, const httplib::Request& request,
              httplib::Response& response) {
    const bool to_director = service == director;
    const auto expected_path = to_director ? "/director/graphql" : "/connector/graphql";
    if (request.path != expected_path) {
      response.status = 404;
      response.set_content("404 page not found\n", "text/plain");
      return;
    }
    compass::GraphqlExchange exchange(to_director ? compass::director_schema() : compass::connector_schema(), faults,
                                      record, gate);
    exchange.run(request, response, [&](const Fault* fault) -> std::unique_ptr<graphql::Resolver> {
      if (to_director)
        return std::make_unique<compass::DirectorResolver>(data, peer.runtime_id, record.tenant);
      const auto caller = service == token_connector ? token_caller(request) : certificate_caller(peer);
      return std::make_unique<compass::ConnectorResolver>(connector, caller,
                                                          fault == nullptr ? std::nullopt : std::optional(*fault));
    });
  }

  Connector::Caller token_caller(const httplib::Request& request) {
    auto runtime = connector.tokens().spend(request.get_header_value("Connector-Token"));
    return runtime ? Connector::Caller{*runtime, "", ""} : Connector::Caller{"", "", runtime.error()};
  }

  Connector::Caller certificate_caller(const Peer& peer) const {
    const bool is_known = data.snapshot(peer.runtime_id).has_value();
    return {peer.runtime_id, peer.serial, is_known ? "" : "the certificate names no known runtime"};
  }

  CompassOptions options;
  compass::CertificateAuthority server_authority;
  Connector connector;
  compass::DirectorData data;
  compass::FaultPlan faults;
  compass::RequestLog log;
  RequestGate<RequestRecord> gate;
  std::vector<std::unique_ptr<TlsListener>> listeners;
};

CompassServer::CompassServer(CompassOptions options) : services_(std::make_unique<Services>(std::move(options))) {}
CompassServer::~CompassServer() {
  stop();
}

void CompassServer::stop() {
  services_->faults.stop();
  for (auto& listener : services_->listeners)
    listener->stop();
}

const std::string& CompassServer::runtime_id() const {
  return services_->options.runtime_id;
}
const std::string& CompassServer::tenant() const {
  return services_->options.tenant;
}
std::string CompassServer::token_connector_url() const {
  return services_->url(0, "/connector/graphql");
}
std::string CompassServer::connector_url() const {
  return services_->url(1, "/connector/graphql");
}
std::string CompassServer::director_url() const {
  return services_->url(2, "/director/graphql");
}
std::string CompassServer::server_ca_pem() const {
  return services_->server_authority.root_pem();
}
std::string CompassServer::client_ca_pem() const {
  return services_->connector.authority().root_pem();
}

void CompassServer::register_runtime(const std::string& runtime_id, const std::string& tenant) {
  services_->data.register_runtime(runtime_id, tenant);
}

std::string CompassServer::issue_token(const std::string& runtime_id, std::chrono::milliseconds lifetime) {
  return services_->connector.tokens().issue(services_->known(runtime_id), true, lifetime);
}

tl::expected<void, std::string> CompassServer::set_dataset(const nlohmann::json& dataset,
                                                           const std::string& runtime_id) {
  return services_->data.set_dataset(services_->known(runtime_id), dataset);
}

void CompassServer::set_order(std::optional<std::uint64_t> seed) {
  services_->data.set_order(seed);
}

nlohmann::json CompassServer::dataset(const std::string& runtime_id) const {
  return services_->data.dataset(services_->known(runtime_id));
}

void CompassServer::set_runtime_label(const std::string& key, const nlohmann::json& value,
                                      const std::string& runtime_id) {
  services_->data.set_label(services_->known(runtime_id), key, value);
}

nlohmann::json CompassServer::runtime_labels(const std::string& runtime_id) const {
  const auto runtime = services_->data.snapshot(services_->known(runtime_id));
  return runtime ? runtime->labels : nlohmann::json(nullptr);
}

int CompassServer::add_fault(Fault fault) {
  const bool alert = fault.action == "alert";
  const auto service = fault.service;
  const int id = services_->faults.add(std::move(fault));
  if (alert)
    drop_connections(service); // a handshake is needed for it to be seen
  return id;
}

void CompassServer::remove_fault(int id) {
  services_->faults.remove(id);
}

void CompassServer::clear_faults() {
  services_->faults.clear();
  services_->faults.release();
}

std::vector<Fault> CompassServer::faults() const {
  return services_->faults.list();
}
void CompassServer::release_hanging() {
  services_->faults.release();
}

void CompassServer::drop_connections(const std::string& service) {
  const char* names[] = {token_connector, certificate_connector, director};
  for (std::size_t i = 0; i < services_->listeners.size(); ++i)
    if (service.empty() || service == names[i])
      services_->listeners[i]->drop_connections();
}

RequestGate<RequestRecord>& CompassServer::gate() {
  return services_->gate;
}

std::vector<RequestRecord> CompassServer::requests() const {
  return services_->log.records();
}

std::uint64_t CompassServer::request_count(const std::string& service, const std::string& field) const {
  return services_->log.count(service, field);
}

void CompassServer::clear_requests() {
  services_->log.clear();
}

std::vector<compass::IssuedCertificate> CompassServer::certificates() const {
  return services_->connector.certificates();
}

bool CompassServer::revoke(const std::string& serial) {
  return services_->connector.revoke(serial);
}
std::vector<compass::TokenRecord> CompassServer::tokens() const {
  return services_->connector.tokens().records();
}

void CompassServer::set_certificate_validity(std::chrono::seconds validity) {
  services_->connector.configure([validity](auto& settings) { settings.certificate_validity = validity; });
}

void CompassServer::configure_connector(const std::function<void(compass::ConnectorSettings&)>& change) {
  services_->connector.configure(change);
}

compass::ConnectorSettings CompassServer::connector_settings() const {
  return services_->connector.settings();
}

} // namespace runtime_agent::sandbox
