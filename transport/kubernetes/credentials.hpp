#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "transport/kubernetes/clock.hpp"
#include "transport/kubernetes/cluster_config.hpp"
#include "transport/kubernetes/exec_plugin.hpp"

namespace runtime_agent::kubernetes {

/// What a request needs to be let in, as of one moment. Immutable and shared.
struct Login {
  std::string ca_pem;               ///< empty: the system's CAs
  Secret certificate_pem;           ///< empty: no client certificate
  Secret key_pem;                   ///< of the certificate
  Secret authorization;             ///< the header's value; empty: none
  std::uint64_t tls_generation = 0; ///< another one: the first three differ
};
using LoginPtr = std::shared_ptr<const Login>;

/// Keeps the login of a ClusterConfig current: files are read again each minute (tokens of ServiceAccounts and CAs
/// rotate), a plug-in runs again when its credential expires. Thread-safe; while one thread renews, the others go on
/// with what is still good.
class Credentials {
public:
  Credentials(ClusterConfig config, Clock& clock);

  /// A file that can no longer be read leaves its last content in use. Failure: nothing usable has ever been read, or
  /// the plug-in failed.
  Result<LoginPtr> current(const CallContext& context);
  enum class Plugin { when_expired, now };
  /// The server refused `refused`: files are read again at once, and the plug-in runs again where that is wanted. The
  /// result may be as it was.
  Result<LoginPtr> renewed(const LoginPtr& refused, Plugin plugin, const CallContext& context);

private:
  Result<LoginPtr> renew(std::unique_lock<std::mutex>& lock, Plugin plugin, const CallContext& context);
  Result<LoginPtr> read(const Login* previous, Plugin plugin, const CallContext& context);
  Result<void> read_plugin(Login& login, Plugin plugin, const CallContext& context);
  bool wait_for_renewal(std::unique_lock<std::mutex>& lock, const CallContext& context);
  bool plugin_expired() const;

  const ClusterConfig config_;
  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable renewed_;
  bool renewing_ = false; // guarded by mutex_, as is what follows
  LoginPtr login_;
  std::chrono::steady_clock::time_point read_at_{};
  // The plug-in's last answer: touched by the renewing thread only, and under mutex_ in between.
  std::optional<ExecCredential> plugin_credential_;
};

/// Whether a request with `a` is let in where one with `b` is.
bool same_login(const Login& a, const Login& b);

} // namespace runtime_agent::kubernetes
