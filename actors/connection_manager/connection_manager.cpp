#include "actors/connection_manager/connection_manager.hpp"

#include <algorithm>
#include <random>

#include "actors/connection_manager/connection_manager_calls.hpp"
#include "actors/connection_manager/renewal_policy.hpp"
#include "actors/connection_manager/secret_objects.hpp"
#include "actors/supervision/log.hpp"

namespace runtime_agent::connection_manager {
namespace {

/// Writing to the cluster has no service to spare and nobody to wait for.
constexpr std::chrono::milliseconds cluster_backoff(1'000);
constexpr std::chrono::milliseconds cluster_ceiling(30'000);

bool same_target(const Pending& pending, const ConnectionConfiguration& configuration) {
  return pending.sign_url == configuration.connector_url && pending.access.runtime_id == configuration.runtime_id &&
         pending.access.tenant == configuration.tenant;
}

/// A clock that was set back in between makes no token better.
bool token_good(const Pending& pending, WallTime now) {
  const auto age = now - pending.token_time;
  return !pending.token.empty() && age < second_token_lifetime && age > -second_token_lifetime;
}

} // namespace

ConnectionManager::ConnectionManager(caf::actor_config& config, supervision::Environment& environment, Peers peers,
                                     Settings settings, std::shared_ptr<kubernetes::Api> api,
                                     std::shared_ptr<compass::ConnectorClient> connector,
                                     std::shared_ptr<x509::KeySource> keys)
    : Base(config, environment), peers_(std::move(peers)), settings_(std::move(settings)),
      wall_clock_(environment.wall_now), cluster_(std::move(api), settings_.certificates, settings_.ca),
      connector_(std::move(connector)), keys_(std::move(keys)),
      cluster_lane_(cluster_backoff, cluster_ceiling, [this] { return fraction(random()); }),
      ca_lane_(cluster_backoff, cluster_ceiling, [this] { return fraction(random()); }),
      pairing_lane_(settings_.minimal_sync_time, settings_.backoff_ceiling, [this] { return fraction(random()); }),
      renewal_lane_(settings_.minimal_sync_time, settings_.backoff_ceiling, [this] { return fraction(random()); }),
      maintain_lane_(settings_.minimal_sync_time, settings_.backoff_ceiling, [this] { return fraction(random()); }) {}

ConnectionManager::behavior_type ConnectionManager::make_behavior() {
  tell(peers_.config_watcher, FactsRequested{});
  proceed();
  return {
      [this](const ConfigurationObserved& observed) { configuration_observed(observed); },
      [this](const ReconnectRequested& request) { reconnect_requested(request.id); },
      [this](const CredentialsRefreshRequested& request) { refresh_requested(request.id); },
      [this](const CertificateRefused& refused) { certificate_refused(refused); },
      [this](const FactsRequested&) {
        if (!loaded_)
          return; // told as soon as there is something to tell
        tell_connection(Say::all);
        report();
      },
  };
}

void ConnectionManager::on_exit() {
  peers_ = {};
}

void ConnectionManager::stop_requested() {
  stopping_ = true;
  if (call_ != 0 &&
      (under_way_ == Action::maintain || under_way_ == Action::make_key || under_way_ == Action::read_record ||
       under_way_ == Action::try_issued || under_way_ == Action::renew))
    return this->quit(caf::exit_reason::user_shutdown);
  proceed();
}

void ConnectionManager::configuration_observed(const ConfigurationObserved& observed) {
  const auto before = std::exchange(configuration_, observed.configuration);
  configuration_problem_ = observed.problem;
  if (configuration_ && (!before || !(*before == *configuration_))) {
    if (before && before->connector_url != configuration_->connector_url)
      connector_due_ = Time::min(); // another service's wish
    // Whatever has changed: a token that a wrong URL seemed to spend may be good for the right one.
    spent_token_.clear();
    pairing_lane_.reset();
    notice_lost_reply();
  }
  complete_access();
  notice_missing_configuration();
  settle();
}

void ConnectionManager::reconnect_requested(const std::string& id) {
  // Told again with each change of the object, until it has been served and the StatusWriter has taken note.
  if (id == reconnect_wanted_ || (current_ && id == current_->reconnect_served))
    return settle();
  log::info("connecting with the configuration's token is asked for", {{"absence", id}});
  reconnect_wanted_ = id;
  if (pending_ && !pending_->for_renewal && !situation().pending_in_use) {
    Pending pending = *pending_; // the pairing under way serves it, also if the agent is restarted before its end
    pending.reconnect_id = id;
    change_pending(std::move(pending));
  }
  if (!configuration_ || configuration_->token_sha256 != spent_token_)
    pairing_lane_.reset();
  settle();
}

void ConnectionManager::refresh_requested(const std::string& id) {
  if (id == refresh_wanted_ || id == report_.refresh_served)
    return settle();
  refresh_wanted_ = id;
  renewal_lane_.reset();
  settle();
}

void ConnectionManager::certificate_refused(const CertificateRefused& refused) {
  // One that a newer one has replaced may well be refused.
  if (!current_ || current_->identity->serial != refused.serial)
    return;
  if (last_check_ == Time::min() || now() - last_check_ >= settings_.minimal_sync_time)
    check_wanted_ = Time::min();
  else
    check_wanted_ = last_check_ + settings_.minimal_sync_time;
  settle();
}

void ConnectionManager::settle() {
  if (loaded_)
    tell_connection(Say::changes);
  // Before it is known what there is, only a missing right is worth saying: it does not pass by itself.
  if (loaded_ || (storing_ && storing_->kind == FailureKind::forbidden))
    report();
  proceed();
}

void ConnectionManager::proceed() {
  if (call_ != 0)
    return;
  cancel_timer(timer_);
  Next next = next_action(situation(), now());
  if (stopping_ && (next.action != Action::write_pending || pending_->step == Step::preparing))
    return this->quit(caf::exit_reason::user_shutdown);
  under_way_ = next.action;
  if (next.action == Action::wait)
    return sleep_until(next.due);
  carry_out(next.action);
}

void ConnectionManager::carry_out(Action action) {
  switch (action) {
  case Action::wait:
    return;
  case Action::read_record:
    return read_record();
  case Action::make_key:
    return make_key();
  case Action::write_pending:
    return write_pending();
  case Action::exchange_token:
    return exchange_token();
  case Action::announce_csr:
    return announce_csr();
  case Action::send_csr:
    return send_csr();
  case Action::try_issued:
    return try_issued();
  case Action::adopt_issued:
    return adopt_issued(false);
  case Action::write_certificates:
    return write_certificates();
  case Action::write_ca:
    return write_ca();
  case Action::remove_pending:
    return remove_pending();
  case Action::renew:
    return renew();
  case Action::maintain:
    return maintain();
  }
}

void ConnectionManager::sleep_until(Time due) {
  if (situation().certificate && !situation().expired) {
    // The end of the validity is noticed at once; by the hour, since the wall clock may be set meanwhile.
    const auto left = current_->identity->validity.not_after - wall_now();
    const auto at_most = std::chrono::milliseconds(std::chrono::hours(1));
    due = std::min(due, now() + (left < at_most ? std::chrono::ceil<std::chrono::milliseconds>(left) : at_most));
  }
  if (due == Time::max())
    return;
  const auto delay = std::max(std::chrono::ceil<std::chrono::milliseconds>(due - now()), std::chrono::milliseconds(1));
  timer_ = after(delay, "look after the connection", supervision::Traced::begins, [this] {
    timer_ = 0;
    settle();
  });
}

Situation ConnectionManager::situation() const {
  Situation s;
  s.record_read = record_read_;
  s.certificate = current_ && !current_->access.connector_url.empty();
  s.urls_awaited = current_ && !s.certificate && !record_.urls;
  s.expired = current_ && current_->identity->validity.not_after <= wall_now();
  s.refused = refused_;
  s.proven = proven_;
  s.certificates_stored =
      current_ && record_.credentials && same_certificates(*current_, *record_.credentials) && !record_.problem;
  s.ca_stored = current_ && (current_->identity->ca_pem.empty() || current_->identity->ca_pem == record_.ca_pem);
  s.renewal_due = renewal_is_due();
  s.reconnect_wanted = !reconnect_wanted_.empty();
  s.pending = pending_.has_value();
  if (pending_) {
    s.step = pending_->step;
    s.pending_stored = pending_stored_;
    s.pending_useless = pending_useless_;
    s.pending_in_use =
        s.step == Step::issued && current_ && current_->identity->certificate_pem == pending_->issued.certificate_pem;
    // A key that has a certificate already is not used for another one.
    s.key_sufficient = s.step != Step::issued && pending_->key_bits >= bits_needed(*pending_);
    s.token_good = token_good(*pending_, wall_now());
    s.csr_answered = csr_answered_;
    s.same_target = !configuration_ || same_target(*pending_, *configuration_);
  }
  s.configuration = configuration_ != nullptr;
  s.cluster_due = cluster_lane_.due();
  s.ca_due = ca_lane_.due();
  s.connector_due = connector_due_;
  s.pairing_due = pairing_lane_.due();
  if (pending_ && s.step == Step::issued && pending_->for_renewal && !s.pending_in_use)
    s.pairing_due = renewal_lane_.due(); // the trial of a renewed certificate
  s.renewal_at = renewal_lane_.due();
  s.maintain_due = std::min(maintain_lane_.due(), check_wanted_);
  return s;
}

bool ConnectionManager::renewal_is_due() const {
  if (!current_)
    return false;
  RenewalFacts facts{.validity = current_->identity->validity, .now = wall_now()};
  facts.ca_missing = current_->identity->ca_pem.empty();
  facts.requested = !refresh_wanted_.empty();
  facts.jitter = renewal_jitter_;
  if (last_renewal_)
    facts.since_last_renewal = std::chrono::duration_cast<std::chrono::milliseconds>(now() - *last_renewal_);
  return renewal_due({settings_.renewal_threshold, settings_.minimal_sync_time}, facts);
}

} // namespace runtime_agent::connection_manager
