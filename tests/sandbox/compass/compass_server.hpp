#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "tests/sandbox/compass/connector.hpp"
#include "tests/sandbox/compass/faults.hpp"
#include "tests/sandbox/compass/request_log.hpp"
#include "tests/sandbox/compass/token_ledger.hpp"
#include "tests/sandbox/request_gate.hpp"

namespace runtime_agent::sandbox {

struct CompassOptions {
  std::string runtime_id = "3e64ebae-38b5-46a0-b1ed-9ccee153a0ae"; ///< the Runtime that is known from the start
  std::string tenant = "5b1e5b9a-0b0b-4f0e-9d0c-2f1c3c9a7e11";
  /// In the URLs that the server gives.
  std::string host = "localhost";
  /// Names and addresses in the servers' certificates.
  std::vector<std::string> certificate_hosts = {"localhost", "127.0.0.1", "::1"};
  bool tls_1_2_only = false;
  /// 0: a free port.
  int token_connector_port = 0;
  int connector_port = 0;
  int director_port = 0;
  /// Subject, validity and so on; the URLs are filled in by the server where they are empty.
  compass::ConnectorSettings connector;
  /// How a revoked certificate is met: in the handshake, as a TLS alert, or afterwards with 403.
  enum class Refusal { alert, forbidden };
  Refusal revoked = Refusal::alert;
  /// What the orders of nested lists are drawn from; nothing: as the dataset has them.
  std::optional<std::uint64_t> order_seed = 1;
};

/// Compass as the agent meets it: the Connector behind tokens, the Connector and the Director behind mutual TLS, each
/// on a loopback port of its own, with a certification authority made on the fly (contract §§2 to 4). The servers'
/// certificates come from another authority than the clients', as in production.
///
/// A one-time token is spent by the first request that carries it, whatever the answer; only a fault that strikes
/// "before" spares it. Thread-safe. Throws std::runtime_error from the constructor where a port cannot be had.
class CompassServer {
public:
  explicit CompassServer(CompassOptions options = {});
  ~CompassServer();
  CompassServer(const CompassServer&) = delete;
  CompassServer& operator=(const CompassServer&) = delete;
  /// Ends at once whatever runs or hangs; the destructor does it too.
  void stop();

  const std::string& runtime_id() const;
  const std::string& tenant() const;
  std::string token_connector_url() const; ///< CONNECTOR_URL of the configuration object
  std::string connector_url() const;       ///< certificate-secured
  std::string director_url() const;
  /// The root that clients need to trust the servers (SSL_CERT_FILE).
  std::string server_ca_pem() const;
  /// The client certificates' root.
  std::string client_ca_pem() const;

  /// Another Runtime, or another tenant for one that is known.
  void register_runtime(const std::string& runtime_id, const std::string& tenant);
  /// `runtime_id` empty, here and below: the one known from the start.
  std::string issue_token(const std::string& runtime_id = "",
                          std::chrono::milliseconds lifetime = std::chrono::hours(1));
  /// Shaped as tests/vectors/*/dataset.json. Error: what is wrong with it; nothing is changed then.
  tl::expected<void, std::string> set_dataset(const nlohmann::json& dataset, const std::string& runtime_id = "");
  nlohmann::json dataset(const std::string& runtime_id = "") const;
  /// From now on; nothing: nested lists come as the dataset has them.
  void set_order(std::optional<std::uint64_t> seed);
  void set_runtime_label(const std::string& key, const nlohmann::json& value, const std::string& runtime_id = "");
  nlohmann::json runtime_labels(const std::string& runtime_id = "") const; ///< an object, or null

  /// Returns the fault's id.
  int add_fault(compass::Fault fault);
  void remove_fault(int id);
  /// Also lets go on what hangs.
  void clear_faults();
  std::vector<compass::Fault> faults() const;
  void release_hanging();
  /// Ends the idle and busy connections of a service ("connector-token", "connector", "director"; empty: all).
  void drop_connections(const std::string& service = "");

  std::vector<compass::RequestRecord> requests() const;
  /// Empty strings match anything.
  std::uint64_t request_count(const std::string& service = "", const std::string& field = "") const;
  void clear_requests();
  /// Where a test can stand in the way of a request; its record is whole once it has been answered.
  RequestGate<compass::RequestRecord>& gate();

  std::vector<compass::IssuedCertificate> certificates() const;
  /// Whether there is such a certificate. It is refused from now on, on open connections too.
  bool revoke(const std::string& serial);
  std::vector<compass::TokenRecord> tokens() const;
  /// For certificates signed from now on.
  void set_certificate_validity(std::chrono::seconds validity);
  void configure_connector(const std::function<void(compass::ConnectorSettings&)>& change);
  compass::ConnectorSettings connector_settings() const;

private:
  struct Services;
  std::unique_ptr<Services> services_;
};

} // namespace runtime_agent::sandbox
