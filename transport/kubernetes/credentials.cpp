#include "transport/kubernetes/credentials.hpp"

#include <fmt/format.h>

#include "transport/encoding.hpp"

namespace runtime_agent::kubernetes {
namespace {

// client-go's periods: files each minute; a plug-in's credential a little before its time.
constexpr std::chrono::seconds read_again_after{60};
constexpr std::chrono::seconds expiry_margin{10};

/// The material's content now, or `last` where its file cannot be read any more.
Result<Secret> content(const Material& material, const Secret& last, bool file_wins = false) {
  if (material.file.empty() || (!material.data.empty() && !file_wins))
    return material.data;
  auto text = read_file(material.file);
  if (text) {
    Secret read{std::string(trimmed(*text))};
    wipe(*text);
    if (!read.empty())
      return read;
    text = failed(configuration_failure(material.file.string(), "is empty"));
  }
  if (!last.empty())
    return last;
  if (!material.data.empty())
    return material.data;
  return failed(std::move(text.error()));
}

Secret authorization(const ClusterConfig& config, const Secret& token) {
  if (!token.empty())
    return Secret("Bearer " + token.reveal());
  if (!config.username.empty())
    return Secret("Basic " + base64_encode(config.username + ":" + config.password.reveal()));
  return {};
}

Secret bearer_of(const Login* login) {
  constexpr std::size_t scheme = std::string_view("Bearer ").size();
  if (login == nullptr || login->authorization.reveal().rfind("Bearer ", 0) != 0)
    return {};
  return Secret(login->authorization.reveal().substr(scheme));
}

bool same_tls(const Login& a, const Login& b) {
  return a.ca_pem == b.ca_pem && a.certificate_pem == b.certificate_pem && a.key_pem == b.key_pem;
}

} // namespace

bool same_login(const Login& a, const Login& b) {
  return same_tls(a, b) && a.authorization == b.authorization;
}

Credentials::Credentials(ClusterConfig config, Clock& clock) : config_(std::move(config)), clock_(clock) {}

bool Credentials::plugin_expired() const {
  if (!config_.exec)
    return false;
  return !plugin_credential_ ||
         (plugin_credential_->expires && clock_.wall() + expiry_margin >= *plugin_credential_->expires);
}

Result<LoginPtr> Credentials::current(const CallContext& context) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!renewing_) {
      if (login_ && !plugin_expired() && clock_.now() - read_at_ < read_again_after)
        return login_;
      return renew(lock, Plugin::when_expired, context);
    }
    // Reading files again changes nothing for whoever has a login; a plug-in that runs does.
    if (login_ && !config_.exec)
      return login_;
    if (!wait_for_renewal(lock, context))
      return failed(configuration_failure(config_.source, "timed out while waiting for the login of another request"));
  }
}

Result<LoginPtr> Credentials::renewed(const LoginPtr& refused, Plugin plugin, const CallContext& context) {
  std::unique_lock lock(mutex_);
  while (renewing_)
    if (!wait_for_renewal(lock, context))
      return refused;
  if (login_ != refused)
    return login_;
  return renew(lock, plugin, context);
}

bool Credentials::wait_for_renewal(std::unique_lock<std::mutex>& lock, const CallContext& context) {
  if (context.cancel.cancelled() || std::chrono::steady_clock::now() >= context.deadline)
    return false;
  // In short steps: a cancel does not wake this condition, and the renewal has a deadline of its own.
  renewed_.wait_for(lock, std::chrono::milliseconds(50));
  return true;
}

Result<LoginPtr> Credentials::renew(std::unique_lock<std::mutex>& lock, Plugin plugin, const CallContext& context) {
  renewing_ = true;
  const LoginPtr previous = login_;
  lock.unlock();
  auto read_now = read(previous.get(), plugin, context);
  lock.lock();
  renewing_ = false;
  if (read_now) {
    login_ = *read_now;
    read_at_ = clock_.now();
  }
  renewed_.notify_all();
  return read_now;
}

Result<LoginPtr> Credentials::read(const Login* previous, Plugin plugin, const CallContext& context) {
  static const Login nothing;
  const Login& last = previous == nullptr ? nothing : *previous;
  auto login = std::make_shared<Login>();
  const auto ca = content(config_.ca, Secret(last.ca_pem));
  if (!ca)
    return failed(ca.error());
  login->ca_pem = ca->reveal();
  if (config_.exec) {
    if (const auto done = read_plugin(*login, plugin, context); !done)
      return failed(done.error());
  } else {
    auto certificate = content(config_.client_certificate, last.certificate_pem);
    auto key = content(config_.client_key, last.key_pem);
    const auto token = content(config_.token, bearer_of(previous), true);
    if (!certificate || !key || !token)
      return failed(!certificate ? certificate.error() : !key ? key.error() : token.error());
    login->certificate_pem = std::move(*certificate);
    login->key_pem = std::move(*key);
    login->authorization = authorization(config_, *token);
  }
  login->tls_generation = same_tls(*login, last) ? last.tls_generation : last.tls_generation + 1;
  return login;
}

Result<void> Credentials::read_plugin(Login& login, Plugin plugin, const CallContext& context) {
  if (plugin == Plugin::now || plugin_expired()) {
    auto credential = run_exec_plugin(config_, login.ca_pem, context);
    if (!credential)
      return failed(std::move(credential.error()));
    plugin_credential_ = std::move(*credential);
  }
  login.certificate_pem = plugin_credential_->client_certificate;
  login.key_pem = plugin_credential_->client_key;
  login.authorization = authorization(config_, plugin_credential_->token);
  return {};
}

} // namespace runtime_agent::kubernetes
