#include "actors/connection_manager/connection_manager_calls.hpp"
#include "actors/supervision/log.hpp"

/// What the actor tells its peers: each time the whole present fact. Source: contract §5.4.
namespace runtime_agent::connection_manager {
namespace {

bool same(const Connection& one, const Connection& other) {
  return one.identity == other.identity && one.director_url == other.director_url &&
         one.connector_url == other.connector_url && one.runtime_id == other.runtime_id && one.tenant == other.tenant;
}

} // namespace

void ConnectionManager::tell_connection(Say say) {
  const Situation s = situation();
  const bool usable = s.certificate && !s.expired && !s.refused;
  if (usable && current_->access.complete()) {
    const auto& access = current_->access;
    Connection connection{.identity = current_->identity,
                          .director_url = access.director_url,
                          .connector_url = access.connector_url,
                          .runtime_id = access.runtime_id,
                          .tenant = access.tenant};
    const bool changed = !connection_ || !same(*connection_, connection);
    if (changed)
      connection_ = std::make_shared<const Connection>(std::move(connection));
    lost_.reset();
    if (changed || say == Say::all)
      tell(peers_.director_fetcher, ConnectionReady{connection_});
    return;
  }
  ConnectionLost lost{.reason = why_lost(), .unreadable_configuration = {}};
  if (usable && current_->access.runtime_id.empty())
    lost.unreadable_configuration =
        configuration_problem_.value_or(Failure{.kind = FailureKind::configuration,
                                                .where = cluster_.certificates().text(),
                                                .what = "does not say whose certificate it holds (RUNTIME_ID, TENANT)",
                                                .next = "waiting for the configuration object"});
  connection_.reset();
  if (lost_ != lost.reason || say == Say::all)
    tell(peers_.director_fetcher, lost);
  lost_ = lost.reason;
}

std::string ConnectionManager::why_lost() const {
  if (!current_)
    return record_.problem ? record_.problem->text() : "there is no certificate yet";
  const auto clock = x509::outside_validity(current_->identity->validity, wall_now(), std::chrono::seconds(0));
  if (situation().expired && clock)
    return "the client certificate is " + *clock;
  if (refused_)
    return "Compass refuses the client certificate" + (checking_ ? ": " + checking_->what : std::string());
  if (current_->access.connector_url.empty())
    return "nothing on record says where Compass is";
  return "RUNTIME_ID and TENANT are nowhere on record" +
         (configuration_problem_ ? ": " + configuration_problem_->what : std::string());
}

void ConnectionManager::report() {
  const Situation s = situation();
  report_.connected = s.certificate && !s.expired && !s.refused;
  report_.connecting = connecting_problem();
  report_.maintaining = maintaining_problem();
  if (current_) {
    report_.validity = current_->identity->validity;
    report_.connector_url = current_->access.connector_url;
    report_.director_url = current_->access.director_url;
    report_.reconnect_served = current_->reconnect_served;
  }
  tell(peers_.status_writer, report_);
}

std::optional<Failure> ConnectionManager::connecting_problem() const {
  const Standing stands = standing(situation());
  if (stands == Standing::unread)
    return loaded_ ? std::nullopt : storing_;
  if (stands == Standing::connected)
    return std::nullopt;
  if (stands == Standing::issued && pending_->for_renewal && reconnect_wanted_.empty() && report_.connected)
    return std::nullopt;
  if (storing_)
    return storing_; // nothing goes on before it is written down
  if (!configuration_ && configuration_problem_ && stands != Standing::resuming && stands != Standing::issued)
    return configuration_problem_;
  return connecting_;
}

std::optional<Failure> ConnectionManager::maintaining_problem() const {
  if (!current_)
    return std::nullopt;
  const auto validity = current_->identity->validity;
  const auto clock = x509::outside_validity(validity, wall_now(), x509::clock_skew);
  if (clock && validity.not_after > wall_now())
    return Failure{.kind = FailureKind::configuration,
                   .where = "client certificate",
                   .what = *clock,
                   .next = "set the clock of this node; the certificate is used all the same"};
  for (const auto* problem : {&checking_, &renewing_, &storing_, &storing_ca_})
    if (*problem)
      return *problem;
  return std::nullopt;
}

} // namespace runtime_agent::connection_manager
