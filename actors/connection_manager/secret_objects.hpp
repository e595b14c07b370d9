#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/connection_manager/credentials.hpp"
#include "transport/kubernetes/api.hpp"

/// The three Secrets as JSON: what we write into one, what we read out of one. Pure. What is not ours (other keys,
/// labels, annotations, type) stays. Source: contract §§2.1, 5.1.
namespace runtime_agent::connection_manager {

/// Before the names of our annotations.
inline constexpr std::string_view annotation_prefix = "runtime-agent.kyma-project.io/";

/// A Secret that does not exist yet: metadata and type.
kubernetes::Json new_secret(const std::string& namespace_, const std::string& name);

void put_certificates(kubernetes::Json& secret, const Credentials& credentials);
void put_ca(kubernetes::Json& secret, const std::string& ca_pem);
void put_pending(kubernetes::Json& secret, const Pending& pending);

/// Overwrites every value: the object is no longer needed, and held a key.
void wipe_data(kubernetes::Json& secret);

/// `ca_pem` becomes part of the identity where it is the one that the Secret was written with (or, in today's Secret,
/// where nothing is said about it). Failure (malformed): a key is missing, does not parse, or the pair does not match.
Result<Credentials> read_certificates(const kubernetes::Json& secret, const std::string& ca_pem);
/// Empty where there is none.
std::string read_ca(const kubernetes::Json& secret);
/// Nullopt where it is not whole: it is then as if there were none.
std::optional<Pending> read_pending(const kubernetes::Json& secret);

/// The same pair, access and served reconnect; the CA, which has a Secret of its own, does not count.
bool same_certificates(const Credentials& one, const Credentials& other);

} // namespace runtime_agent::connection_manager
