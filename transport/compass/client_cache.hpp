#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "transport/compass/make_clients.hpp"
#include "transport/graphql/execute.hpp"
#include "transport/x509/identity.hpp"

namespace runtime_agent::compass {

/// The HTTP clients of one service, by origin and identity: the ones used last are kept, those of other identities only
/// until one has been used twice in a row. Thread-safe.
class ClientCache {
public:
  /// `target` is for RequestSpan; a literal.
  ClientCache(ClientSettings settings, std::string_view target);

  /// Failure (configuration): the URL is none, or it is http:// where TLS is verified; `where` is the Failure's.
  Result<graphql::Endpoint> endpoint(const std::string& url, const x509::IdentityPtr& identity,
                                     const std::string& where);
  void drop_idle_connections();
  const ClientSettings& settings() const noexcept { return settings_; }

private:
  struct Entry {
    std::string origin;
    x509::IdentityPtr identity; // held, so that its address stays its own
    std::shared_ptr<http::Client> client;
  };
  std::shared_ptr<http::Client> client(const http::Url& origin, const x509::IdentityPtr& identity);

  const ClientSettings settings_;
  const std::string_view target_;
  std::mutex mutex_;
  std::list<Entry> entries_; // the one used last is first
};

} // namespace runtime_agent::compass
