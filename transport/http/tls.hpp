#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "transport/failure.hpp"
#include "transport/http/socket.hpp"
#include "transport/http/trust_store.hpp"
#include "transport/x509/identity.hpp"

namespace runtime_agent::http {

/// Which server certificates are believed.
struct Trust {
  enum class Mode {
    system,    ///< the system's CAs, or those of SSL_CERT_FILE and SSL_CERT_DIR; read when first needed
    only,      ///< exactly the certificates of `ca_pem`
    unchecked, ///< any certificate, any name
  };
  Mode mode = Mode::system;
  std::string ca_pem{};

  static Trust exactly(std::string ca_pem) { return {Mode::only, std::move(ca_pem)}; }
  static Trust unchecked() { return {Mode::unchecked, {}}; }
};

/// What all TLS connections of a client share: trust, client certificate, versions (1.2 or later). Immutable.
class TlsContext {
public:
  /// Failure (configuration): a PEM that does not parse, or no CA certificate at all.
  static Result<std::shared_ptr<const TlsContext>> make(const Trust& trust, const x509::IdentityPtr& identity);

  SSL_CTX* get() const noexcept { return context_.get(); }
  bool checks_server() const noexcept { return checks_server_; }
  bool has_identity() const noexcept { return has_identity_; }
  const TrustStore& trust() const noexcept { return trust_; }

private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  TrustStore trust_;
  std::unique_ptr<SSL_CTX, Free> context_;
  bool checks_server_ = true;
  bool has_identity_ = false;
};

/// One TLS session over a connected socket, which it does not own and which must outlive it.
class TlsSession {
public:
  /// Shakes hands with the server `name` (a host name or an IP address). Failure: tls (the server's certificate, no
  /// common version, …), certificate_refused, network, timeout or cancelled.
  static Result<std::unique_ptr<TlsSession>> connect(const TlsContext& context, int fd, const std::string& name,
                                                     const Waiter& waiter, Clock::time_point limit);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  /// Sends close_notify where that is possible at once.
  ~TlsSession();

  enum class Outcome { done, want_read, want_write, closed, failed };
  struct Step {
    Outcome outcome = Outcome::failed;
    std::size_t bytes = 0;
    Failure failure; ///< where `failed`
  };
  /// Without waiting. `closed`: the peer has ended the session, in order or not.
  Step read(char* data, std::size_t size);
  Step write(const char* data, std::size_t size);
  /// Whether nothing has come from the peer since the last answer, so that the session may carry another request.
  bool idle_and_alive();
  /// Whether the server asked for a client certificate and may still refuse it: under TLS 1.3 the client's handshake
  /// ends before the server has looked at the certificate.
  bool refusal_may_follow() const noexcept { return certificate_asked_ && SSL_version(ssl_.get()) >= TLS1_3_VERSION; }

private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  TlsSession() = default;
  Step step(int result);
  Failure explain(unsigned long error) const;

  std::unique_ptr<SSL, Free> ssl_;
  bool established_ = false;
  bool broken_ = false;            // no close_notify after an error: OpenSSL forbids it
  bool certificate_asked_ = false; // the server asked for a client certificate
  int system_error_ = 0;           // errno of the last failed send or receive
  std::string left_out_;           // what of the operator's CA files could not be used
  std::string host_;               // as its certificate has to name it
  std::string refusal_;            // why a certificate was not believed
  friend struct SocketBio;
  friend struct VerifyCallback;
};

} // namespace runtime_agent::http
