#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace runtime_agent {

/// What kind of thing went wrong: callers decide by it, and metrics are labelled with it (a bounded set).
enum class FailureKind {
  network,             ///< not reached, reset, or the connection ended before the answer was whole
  timeout,             ///< the deadline passed
  cancelled,           ///< ended by our own cancel token
  tls,                 ///< the peer's certificate or the handshake was refused by us or by it
  certificate_refused, ///< the peer refuses our client certificate
  unauthorized,        ///< 401
  forbidden,           ///< 403
  not_found,           ///< 404
  conflict,            ///< 409: the resource version or uid is no longer the one given
  already_exists,      ///< 409 with reason AlreadyExists
  gone,                ///< 410: list again
  rate_limited,        ///< 429
  unavailable,         ///< 5xx
  refused,             ///< another 4xx, or a GraphQL `errors` entry
  malformed,           ///< the answer is not what the protocol says
  too_large,           ///< the answer is over the limit
  configuration,       ///< the configuration object or a file given by the operator
  internal,            ///< a broken invariant of our own
};

/// The kind's name as in the enumeration, for metrics and logs.
std::string_view to_string(FailureKind kind);

/// What an answer shows to be wrong, as far as it does. Source: contract §2.2.
enum class Blame {
  none,
  identity,  ///< the service that answered refuses this identity
  tenant,    ///< likewise, for its `TENANT`
  runtime,   ///< likewise, for its `RUNTIME_ID`
  elsewhere, ///< something else than the service has answered: its URL, or a gateway in between
};

/// An expected failure: says where, what and what next, in words for an operator. Never holds a secret.
struct Failure {
  FailureKind kind = FailureKind::internal;
  std::string where{}; ///< "Director, Applications page 3"
  std::string what{};  ///< "429 Too Many Requests"
  std::string next{};  ///< "trying again in 40 s; the cluster is unchanged"; may be empty
  /// What `Retry-After` asked for, counted from the answer.
  std::optional<std::chrono::milliseconds> retry_after{};
  int http_status = 0; ///< 0 where no answer came
  /// The request may have been carried out although no (whole) answer came.
  bool maybe_processed = false;
  std::string request_id{}; ///< `x-request-id` of the failed request; may be empty
  Blame blame = Blame::none;

  /// One sentence: "where: what; next (x-request-id …)".
  std::string text() const;
};

/// A service that answered refused this identity. It counts once it is repeated on a fresh connection (contract §2.2).
inline bool refuses_identity(const Failure& failure) {
  return failure.blame == Blame::identity || failure.blame == Blame::tenant || failure.blame == Blame::runtime;
}

template <class T>
using Result = tl::expected<T, Failure>;

inline tl::unexpected<Failure> failed(Failure failure) {
  return tl::unexpected<Failure>(std::move(failure));
}

} // namespace runtime_agent
