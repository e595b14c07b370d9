#include "transport/compass/client_cache.hpp"

#include <algorithm>
#include <iterator>

namespace runtime_agent::compass {
namespace {

// The old and the new identity for two services that may have moved; beyond that nobody asks any more.
constexpr std::size_t most_clients = 4;

} // namespace

ClientCache::ClientCache(ClientSettings settings, std::string_view target)
    : settings_(std::move(settings)), target_(target) {}

Result<graphql::Endpoint> ClientCache::endpoint(const std::string& url, const x509::IdentityPtr& identity,
                                                const std::string& where) {
  auto parsed = http::Url::parse(url);
  if (!parsed) {
    parsed.error().where = where + ", URL";
    return failed(std::move(parsed.error()));
  }
  if (settings_.verify_tls && !parsed->https())
    return failed({.kind = FailureKind::configuration,
                   .where = where + ", URL",
                   .what = "it begins with http:// although TLS is verified",
                   .next = "use an https:// URL"});
  return graphql::Endpoint{client(*parsed, identity), std::move(*parsed)};
}

std::shared_ptr<http::Client> ClientCache::client(const http::Url& url, const x509::IdentityPtr& identity) {
  const auto origin = url.origin();
  std::list<Entry> retired; // ended outside the lock: closing a TLS session writes
  std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.origin == origin && entry.identity == identity;
  });
  if (found != entries_.end()) {
    // Used twice in a row: it was not only tried. Private keys that have been replaced do not stay in memory.
    if (found == entries_.begin() && identity)
      for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (entry->identity && entry->identity != identity)
          retired.splice(retired.end(), entries_, entry);
        entry = next;
      }
    entries_.splice(entries_.begin(), entries_, found);
    return found->client;
  }
  http::ClientOptions options;
  options.origin = url;
  options.target = target_;
  options.observer = settings_.observer;
  options.identity = identity;
  options.trust = settings_.verify_tls ? http::Trust{} : http::Trust::unchecked();
  options.proxy = settings_.proxies.proxy_for(url);
  options.user_agent = settings_.user_agent;
  options.permit = settings_.permit;
  entries_.push_front({origin, identity, settings_.make_http(std::move(options))});
  if (entries_.size() > most_clients)
    entries_.pop_back();
  return entries_.front().client;
}

void ClientCache::drop_idle_connections() {
  std::lock_guard lock(mutex_);
  for (const auto& entry : entries_)
    entry.client->drop_idle_connections();
}

} // namespace runtime_agent::compass
