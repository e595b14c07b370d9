#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "actors/connection_manager/credential_record.hpp"

namespace runtime_agent::connection_manager {

/// What a watch says of one Secret.
struct SecretVersion {
  std::string version;    ///< empty: it is absent
  bool forbidden = false; ///< it may be neither listed nor watched; nothing is said of its version
};

/// Watches one Secret until `cancel`, by its metadata alone: what it holds is read only where its version tells that it
/// has changed. Failures other than a refusal are passed over: a reflector tries again.
void watch_secret_version(kubernetes::Api& api, const SecretName& secret, std::uint64_t seed, const CancelToken& cancel,
                          const std::function<void(SecretVersion)>& emit);

} // namespace runtime_agent::connection_manager
