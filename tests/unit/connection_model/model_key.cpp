#include <algorithm>

#include "tests/unit/connection_model/world_model.hpp"

/// The abstraction: what of a world decides about its future, and nothing else.
namespace runtime_agent::connection_model {
namespace {

using namespace std::chrono_literals;

/// Numbers names in the order of their first appearance: which names they are does not matter.
class Names {
public:
  char number(const std::string& name) {
    if (name.empty())
      return '-';
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found != names_.end())
      return static_cast<char>('a' + (found - names_.begin()));
    names_.push_back(name);
    return static_cast<char>('a' + static_cast<char>(names_.size() - 1));
  }
  const std::vector<std::string>& names() const { return names_; }

private:
  std::vector<std::string> names_;
};

char flags(std::initializer_list<bool> values) {
  char result = 0;
  for (const bool value : values)
    result = static_cast<char>(2 * result + (value ? 1 : 0));
  return static_cast<char>('0' + result);
}

char age(WallTime from, WallTime now) {
  constexpr auto season = 75h;
  const auto seasons = std::chrono::floor<std::chrono::hours>(now - from) / season;
  return static_cast<char>('2' + std::clamp<long>(now < from ? -1 : static_cast<long>(seasons), -1, 2));
}

} // namespace

std::string WorldModel::key() const {
  Names tokens;
  Names seconds;
  Names certificates;
  Names authorities;
  Names wishes;
  std::string key;
  key.reserve(160);
  const Moment at = moment();
  const auto put = [&](char c) { key += c; };
  const auto identity = [&](const x509::IdentityPtr& one) {
    put(one ? certificates.number(one->serial) : '-');
    put(one ? authorities.number(one->ca_pem) : '-');
  };
  const auto credentials = [&](const std::optional<Credentials>& one) {
    if (!one)
      return put('-');
    identity(one->identity);
    put(wishes.number(one->reconnect_served));
  };
  const auto pending = [&](const Pending& one) {
    put(static_cast<char>('0' + static_cast<int>(one.step)));
    put(flags({one.for_renewal, !one.key_pem.empty()}));
    put(seconds.number(one.token.reveal()));
    const auto token_age = at.wall - one.token_time;
    put(one.token.empty() ? '-' : flags({token_age<5min, token_age> - 5min}));
    put(tokens.number(one.token_sha256));
    put(wishes.number(one.reconnect_id));
    identity(one.identity);
  };
  const auto flight = [&](const Flight& one) {
    put(static_cast<char>('A' + static_cast<int>(one.action)));
    if (one.action == Action::wait)
      return;
    put(flags({one.answered, one.failure.has_value()}));
    switch (one.action) {
    case Action::exchange_token:
      put(tokens.number(one.configuration->token_sha256));
      break;
    case Action::send_csr:
      put(seconds.number(one.token));
      break;
    case Action::write_pending:
      pending(*one.pending);
      put(flags({pending_ ? one.version == pending_->version : one.version.empty()}));
      break;
    case Action::write_certificates:
      credentials(*one.credentials);
      put(flags({pair_ ? one.version == pair_->version : one.version.empty(), one.version.empty()}));
      break;
    case Action::write_ca:
      put(authorities.number(one.ca_pem));
      put(flags({ca_ ? one.version == ca_->version : one.version.empty(), one.version.empty()}));
      break;
    case Action::remove_pending:
      put(flags({pending_ && one.version == pending_->version}));
      break;
    default:
      identity(one.identity);
    }
    if (!one.answered)
      return;
    if (one.failure) {
      put(static_cast<char>('A' + static_cast<int>(one.failure->kind)));
      put(flags({one.failure->maybe_processed, one.failure->retry_after.has_value()}));
      put(static_cast<char>('0' + static_cast<int>(one.failure->blame)));
    }
    if (one.action == Action::exchange_token)
      put(seconds.number(one.text));
    identity(one.issued);
    if (!one.record)
      return;
    // Of what was read it matters how it differs from what is there now.
    put(flags({one.record->certificates_version == (pair_ ? pair_->version : ""),
               one.record->ca_version == (ca_ ? ca_->version : ""),
               one.record->pending_version == (pending_ ? pending_->version : "")}));
    credentials(one.record->credentials);
    put(authorities.number(one.record->ca_pem));
    put(flags({one.record->problem.has_value(), one.record->pending.has_value()}));
    if (one.record->pending)
      pending(*one.record->pending);
  };

  // The agent.
  const auto& a = agent_;
  put(flags({a.record_read, a.loaded, a.refused, a.proven}));
  put(flags({a.connector_refuses.has_value(), a.director_refuses.has_value(), director_untold_}));
  put(a.record_read_at ? flags({at.now - *a.record_read_at > policy_.minimal_sync_time,
                                at.now - *a.record_read_at >= policy_.backoff_ceiling})
                       : '-');
  put(static_cast<char>('0' + static_cast<int>(a.after_expiry)));
  put(flags({a.under_way == Action::maintain && a.asking_after_expiry}));
  put(flags({a.record.certificates_version == (pair_ ? pair_->version : ""),
             a.record.ca_version == (ca_ ? ca_->version : ""),
             a.record.pending_version == (pending_ ? pending_->version : "")}));
  put(flags({a.record.certificates_version.empty(), a.record.ca_version.empty(), a.record.pending_version.empty()}));
  credentials(a.record.credentials);
  put(authorities.number(a.record.ca_pem));
  put(flags({a.record.problem.has_value()}));
  // Of the pending Secret as it was read, only a CA that it may give back is looked at later.
  const bool gives_ca = a.record.pending && a.record.pending->step == Step::issued;
  identity(gives_ca ? a.record.pending->identity : nullptr);
  credentials(a.current);
  const auto since = [&](const std::optional<Time>& time, auto limit) {
    return time ? flags({at.now - *time > limit}) : '-';
  };
  put(since(a.obtained, 70h));
  put(since(a.last_renewal, 10h));
  put(flags({a.pending.has_value(), a.pending_stored, a.pending_useless, a.csr_answered}));
  if (a.pending)
    pending(*a.pending);
  put(since(a.token_came, 5min - 1ms));
  put(tokens.number(a.spent_token));
  put(a.configuration ? tokens.number(a.configuration->token_sha256) : '-');
  put(flags({a.configuration_problem.has_value(), a.connecting.has_value(), a.storing.has_value(),
             a.storing_ca.has_value()}));
  put(flags({a.certificates_seen.has_value(), a.certificates_seen == (pair_ ? pair_->version : ""),
             a.ca_seen.has_value(), a.ca_seen == (ca_ ? ca_->version : "")}));
  put(wishes.number(a.reconnect_wanted));
  put(wishes.number(policy_.process_id));
  const auto due = [&](Time time) { return time <= at.now; };
  put(flags({due(a.cluster_lane.due()), due(a.ca_lane.due()), due(a.pairing_lane.due()), due(a.renewal_lane.due()),
             due(a.record_lane.due())}));
  put(flags({due(a.maintain_lane.due()), due(a.connector_due), due(a.check_wanted)}));
  // Its request, and one that nobody waits for.
  flight(flight_);
  if (late_)
    flight(*late_);
  put(flags({asked_after_expiry_, late_ != nullptr, configuration_untold_, reconnect_untold_, secrets_untold_}));
  // The cluster.
  put(flags({pair_.has_value(), ca_.has_value(), pending_.has_value()}));
  if (pair_) {
    credentials(pair_->credentials);
    put(authorities.number(pair_->ca_expected));
  }
  if (ca_)
    put(authorities.number(ca_->text));
  if (pending_) {
    pending(pending_->pending);
    put(flags({pending_->pending.identity && pending_->pending.identity->serial == removed_}));
  }
  put(configuration_ ? tokens.number(configuration_->token_sha256) : '-');
  put(wishes.number(wish_));
  // What Compass knows of those that are still named anywhere.
  for (const auto& name : tokens.names())
    put(flags({tokens_.at(name)}));
  for (const auto& name : seconds.names()) {
    const auto& second = second_tokens_.at(name);
    put(flags({second.spent || true_wall_ - second.made >= 5min}));
  }
  for (const auto& name : certificates.names()) {
    const Certificate& one = certificates_.at(name);
    put(flags({one.revoked, one.accepted, one.connector_refuses, one.director_refuses}));
    put(age(one.identity->validity.not_before, true_wall_));
    put(age(one.identity->validity.not_before, at.wall));
  }
  // Which of two certificates is younger decides where one is read from the record.
  for (std::size_t i = 1; i < certificates.names().size(); ++i)
    put(flags({certificates_.at(certificates.names()[i]).identity->validity.not_before >
               certificates_.at(certificates.names()[i - 1]).identity->validity.not_before}));
  put(static_cast<char>('1' + (clock_error_ > 0h ? 1 : clock_error_ < 0h ? -1 : 0)));
  return key;
}

} // namespace runtime_agent::connection_model
