#include "transport/http/tls.hpp"

#include <cerrno>
#include <vector>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "transport/http/certificate_refusal.hpp"
#include "transport/http/url.hpp"
#include "transport/x509/openssl.hpp"

namespace runtime_agent::http {

/// OpenSSL's own socket BIO writes with write(), which raises SIGPIPE once the peer is gone. This one sends without.
struct SocketBio {
  static TlsSession& session(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  static int transferred(BIO* bio, ssize_t count, int retry_flag) {
    BIO_clear_retry_flags(bio);
    if (count >= 0)
      return static_cast<int>(count);
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
      BIO_set_flags(bio, BIO_FLAGS_SHOULD_RETRY | retry_flag);
    else
      session(bio).system_error_ = errno;
    return -1;
  }
  static int write(BIO* bio, const char* data, int size) {
    const auto sent = ::send(descriptor(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    return transferred(bio, sent, BIO_FLAGS_WRITE);
  }
  static int read(BIO* bio, char* data, int size) {
    const auto received = ::recv(descriptor(bio), data, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (received == 0)
      BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return transferred(bio, received, BIO_FLAGS_READ);
  }
  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF)
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static int descriptor(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_ex_data(bio, descriptor_index())));
  }
  static int descriptor_index() {
    static const int index = BIO_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
  }
  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
      BIO_meth_set_write(fresh, write);
      BIO_meth_set_read(fresh, read);
      BIO_meth_set_ctrl(fresh, control);
      return fresh;
    }();
    return made;
  }
  static BIO* make(TlsSession& owner, int fd) {
    BIO* bio = BIO_new(method());
    BIO_set_data(bio, &owner);
    // A number in the place of a pointer: OpenSSL hands it back and never looks behind it.
    BIO_set_ex_data(bio, descriptor_index(),
                    reinterpret_cast<void*>(static_cast<std::intptr_t>(fd))); // NOLINT(performance-no-int-to-ptr)
    BIO_set_init(bio, 1);
    return bio;
  }
};

/// Called for each error of a chain: afterwards the certificate is no longer to be had.
struct VerifyCallback {
  static int call(int accepted, X509_STORE_CTX* verification) {
    const auto* ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
    auto* session = static_cast<TlsSession*>(SSL_get_app_data(static_cast<const SSL*>(ssl)));
    if (accepted == 0 && session != nullptr)
      session->refusal_ = certificate_refusal(X509_STORE_CTX_get_error(verification), session->host_,
                                              X509_STORE_CTX_get_current_cert(verification));
    return accepted;
  }
};

namespace {

tl::unexpected<Failure> bad_configuration(std::string what) {
  ERR_clear_error();
  return failed({.kind = FailureKind::configuration, .what = std::move(what)});
}

/// What the x509 room says about a PEM: here the operator's files are wrong, not an answer.
tl::unexpected<Failure> bad_configuration(const Failure& failure) {
  return bad_configuration(fmt::format("{} {}", failure.where, failure.what));
}

Result<void> use_identity(SSL_CTX* context, const x509::Identity& identity) {
  const auto leaf = x509::read_certificates(identity.certificate_pem, "the client certificate");
  if (!leaf)
    return bad_configuration(leaf.error());
  const auto key = x509::read_private_key(identity.key_pem, "the client certificate's key");
  if (!key)
    return bad_configuration(key.error());
  if (SSL_CTX_use_certificate(context, leaf->front().get()) != 1 || SSL_CTX_use_PrivateKey(context, key->get()) != 1)
    return bad_configuration("the client certificate and its key do not belong together");
  const auto chain = x509::read_certificates(identity.chain_pem, "the certificate chain");
  if (!chain && !identity.chain_pem.empty())
    return bad_configuration(chain.error());
  for (std::size_t i = 0; chain && i < chain->size(); ++i) {
    X509* certificate = (*chain)[i].get();
    // Servers have the root themselves.
    if (X509_self_signed(certificate, 0) != 1 && X509_cmp(certificate, leaf->front().get()) != 0)
      SSL_CTX_add1_chain_cert(context, certificate);
  }
  ERR_clear_error();
  return {};
}

Result<TrustStore> use_trust(SSL_CTX* context, const Trust& trust) {
  SSL_CTX_set_verify(context, trust.mode == Trust::Mode::unchecked ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     VerifyCallback::call);
  // As Go has it: whatever is in the store is believed, an intermediate certificate too.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  if (trust.mode == Trust::Mode::unchecked)
    return TrustStore{};
  auto store = trust.mode == Trust::Mode::system ? system_trust() : trust_in(trust.ca_pem);
  if (store)
    SSL_CTX_set1_verify_cert_store(context, store->store.get()); // strictly these, nothing besides
  return store;
}

bool is_alert(int reason) {
  return reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256;
}

/// Alerts that can only be about our certificate.
bool is_certificate_alert(int reason) {
  switch (reason - SSL_AD_REASON_OFFSET) {
  case SSL_AD_BAD_CERTIFICATE:
  case SSL_AD_UNSUPPORTED_CERTIFICATE:
  case SSL_AD_CERTIFICATE_REVOKED:
  case SSL_AD_CERTIFICATE_EXPIRED:
  case SSL_AD_CERTIFICATE_UNKNOWN:
  case SSL_AD_UNKNOWN_CA:
  case SSL_AD_CERTIFICATE_REQUIRED:
    return true;
  default:
    return false;
  }
}

/// Alerts that are about our certificate where the server had asked for one before.
bool may_be_certificate_alert(int reason) {
  switch (reason - SSL_AD_REASON_OFFSET) {
  case SSL_AD_ACCESS_DENIED:
  case SSL_AD_DECRYPT_ERROR:
  case SSL_AD_HANDSHAKE_FAILURE:
    return true;
  default:
    return false;
  }
}

/// Empties the queue. OpenSSL leaves in it what it has tried on its way: the cause is what its TLS said last.
unsigned long cause_in_queue() {
  unsigned long cause = 0;
  while (const auto error = ERR_get_error())
    if (cause == 0 || ERR_GET_LIB(error) == ERR_LIB_SSL || ERR_GET_LIB(cause) != ERR_LIB_SSL)
      cause = error;
  return cause;
}

std::string reason_text(unsigned long error) {
  const char* text = ERR_reason_error_string(error);
  return text == nullptr ? fmt::format("error {:x}", error) : text;
}

/// Remembers that the server asked; the certificate itself is in the context.
int certificate_asked(SSL*, void* flag) {
  *static_cast<bool*>(flag) = true;
  return 1;
}

bool expect_host(SSL* ssl, const std::string& host) {
  if (is_ip_address(host))
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  // Names count from the subjectAltName only, as in Go and RFC 9525: a CN is no host name.
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return SSL_set1_host(ssl, host.c_str()) == 1;
}

} // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::make(const Trust& trust, const x509::IdentityPtr& identity) {
  ERR_clear_error();
  auto made = std::make_shared<TlsContext>();
  made->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr)
    return failed({.kind = FailureKind::internal, .what = "OpenSSL gives no TLS context"});
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Cleansed: an idle connection would keep the last answer, and the secrets in it, until the next one comes.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1); // a record with one system call, not one for its head and one for the rest
  // Gateways that also speak HTTP/2 choose by this list.
  static constexpr unsigned char protocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1);
  // Of TLS 1.2 what has forward secrecy and authenticated encryption; 1.3 has nothing else.
  if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return failed({.kind = FailureKind::internal, .what = "OpenSSL knows none of the cipher suites"});
  auto believed = use_trust(context, trust);
  if (!believed)
    return tl::unexpected(believed.error());
  made->trust_ = std::move(*believed);
  if (identity)
    if (auto done = use_identity(context, *identity); !done)
      return tl::unexpected(done.error());
  made->checks_server_ = trust.mode != Trust::Mode::unchecked;
  made->has_identity_ = identity != nullptr;
  return made;
}

Result<std::unique_ptr<TlsSession>> TlsSession::connect(const TlsContext& context, int fd, const std::string& name,
                                                        const Waiter& waiter, Clock::time_point limit) {
  // A dot at the end tells the resolver not to search; no certificate and no server knows it.
  const std::string host = name.size() > 1 && name.back() == '.' ? name.substr(0, name.size() - 1) : name;
  std::unique_ptr<TlsSession> session(new TlsSession);
  session->ssl_.reset(SSL_new(context.get()));
  SSL* ssl = session->ssl_.get();
  if (ssl == nullptr)
    return failed({.kind = FailureKind::internal, .what = "OpenSSL gives no TLS session"});
  BIO* bio = SocketBio::make(*session, fd);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, session.get());
  SSL_set_cert_cb(ssl, certificate_asked, &session->certificate_asked_);
  session->host_ = host;
  session->left_out_ = context.trust().left_out;
  if (context.checks_server() && !expect_host(ssl, host))
    return failed({.kind = FailureKind::tls, .what = fmt::format("{} is no host name that can be checked", host)});
  if (!is_ip_address(host))
    SSL_set_tlsext_host_name(ssl, host.c_str());
  for (;;) {
    ERR_clear_error();
    const auto step = session->step(SSL_connect(ssl));
    if (step.outcome == Outcome::done) {
      session->established_ = true;
      return session;
    }
    if (step.outcome == Outcome::closed)
      return failed({.kind = FailureKind::network, .what = "the connection was closed during the TLS handshake"});
    if (step.outcome == Outcome::failed)
      return failed(step.failure);
    const short events = step.outcome == Outcome::want_read ? POLLIN : POLLOUT;
    if (auto ready = waiter.wait(fd, events, limit, "the TLS handshake was not finished"); !ready)
      return tl::unexpected(ready.error());
  }
}

TlsSession::~TlsSession() {
  if (established_ && !broken_)
    SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

TlsSession::Step TlsSession::read(char* data, std::size_t size) {
  ERR_clear_error();
  std::size_t bytes = 0;
  auto result = step(SSL_read_ex(ssl_.get(), data, size, &bytes));
  result.bytes = bytes;
  return result;
}

TlsSession::Step TlsSession::write(const char* data, std::size_t size) {
  ERR_clear_error();
  std::size_t bytes = 0;
  auto result = step(SSL_write_ex(ssl_.get(), data, size, &bytes));
  result.bytes = bytes;
  return result;
}

bool TlsSession::idle_and_alive() {
  char byte = 0;
  std::size_t bytes = 0;
  ERR_clear_error();
  // Session tickets of TLS 1.3 are taken in here; application data or an end makes the session useless.
  return !broken_ && step(SSL_peek_ex(ssl_.get(), &byte, 1, &bytes)).outcome == Outcome::want_read;
}

TlsSession::Step TlsSession::step(int result) {
  if (result == 1)
    return {Outcome::done, 0, {}};
  const int kind = SSL_get_error(ssl_.get(), result);
  switch (kind) {
  case SSL_ERROR_WANT_READ:
    return {Outcome::want_read, 0, {}};
  case SSL_ERROR_WANT_WRITE:
    return {Outcome::want_write, 0, {}};
  case SSL_ERROR_ZERO_RETURN:
    return {Outcome::closed, 0, {}};
  default:
    break;
  }
  broken_ = true;
  const auto error = cause_in_queue();
  if (kind == SSL_ERROR_SSL && ERR_GET_REASON(error) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
    return {Outcome::failed, 0, explain(error)};
  if (kind == SSL_ERROR_SYSCALL && system_error_ != 0)
    return {Outcome::failed, 0, network_failure("the connection broke", system_error_)};
  return {Outcome::closed, 0, {}};
}

Failure TlsSession::explain(unsigned long error) const {
  const int reason = ERR_GET_REASON(error);
  if (!established_ && !refusal_.empty())
    return {.kind = FailureKind::tls,
            .what = fmt::format("the server's certificate is not accepted: {}{}", refusal_,
                                left_out_.empty() ? "" : "; of the CA certificates " + left_out_)};
  const bool about_certificate =
      is_certificate_alert(reason) || (certificate_asked_ && may_be_certificate_alert(reason));
  if (about_certificate && SSL_get_certificate(ssl_.get()) == nullptr)
    return {.kind = FailureKind::certificate_refused,
            .what = fmt::format("the server asks for a client certificate ({})", reason_text(error))};
  if (about_certificate)
    return {.kind = FailureKind::certificate_refused,
            .what = fmt::format("the server refuses the client certificate ({})", reason_text(error))};
  if (is_alert(reason))
    return {.kind = FailureKind::tls, .what = fmt::format("the server ended the TLS session ({})", reason_text(error))};
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG)
    return {.kind = FailureKind::tls, .what = "what answers there does not speak TLS"};
  return {.kind = FailureKind::tls, .what = fmt::format("TLS: {}", reason_text(error))};
}

} // namespace runtime_agent::http
