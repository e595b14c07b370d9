#include "actors/connection_manager/connection_manager.hpp"

#include <algorithm>
#include <random>

#include "actors/connection_manager/change_log.hpp"
#include "actors/connection_manager/connection_facts.hpp"
#include "actors/connection_manager/secret_watch.hpp"
#include "actors/supervision/log.hpp"

namespace runtime_agent::connection_manager {
namespace {

Settings with_names(Settings settings) {
  settings.certificates_name = settings.certificates.text();
  return settings;
}

} // namespace

ConnectionManager::ConnectionManager(caf::actor_config& config, supervision::Environment& environment, Peers peers,
                                     Settings settings, std::shared_ptr<kubernetes::Api> api,
                                     std::shared_ptr<compass::ConnectorClient> connector,
                                     std::shared_ptr<x509::KeySource> keys)
    : Base(config, environment), peers_(std::move(peers)), settings_(with_names(std::move(settings))),
      wall_clock_(environment.wall_now), api_(std::move(api)), cluster_(api_, settings_.certificates, settings_.ca),
      connector_(std::move(connector)), keys_(std::move(keys)), state_(settings_) {}

ConnectionManager::behavior_type ConnectionManager::make_behavior() {
  tell(peers_.config_watcher, FactsRequested{});
  watch_secret({settings_.certificates, "watch the certificates Secret", &SecretsSeen::certificates_version,
                &SecretsSeen::certificates_unwatched});
  watch_secret({settings_.ca, "watch the CA Secret", &SecretsSeen::ca_version, &SecretsSeen::ca_unwatched});
  feed(TimePassed{});
  return {
      [this](const ConfigurationObserved& observed) { feed(observed); },
      [this](const ReconnectRequested& request) { feed(request); },
      [this](const CredentialsRefreshRequested& request) { feed(request); },
      [this](const CertificateRefused& refused) { feed(refused); },
      [this](const FactsRequested&) {
        if (state_.loaded) // otherwise told as soon as there is something to tell
          tell_facts(Say::all);
      },
  };
}

void ConnectionManager::on_exit() {
  peers_ = {};
}

void ConnectionManager::watch_secret(const WatchedSecret& watched) {
  const auto id = std::make_shared<supervision::CallId>();
  *id = watch<SecretVersion>(
      watched.span,
      [api = api_, secret = watched.name, seed = random()()](const CancelToken& cancel, const auto& emit) {
        watch_secret_version(*api, secret, seed, cancel, emit);
      },
      [this, id, watched](const SecretVersion& seen) {
        SecretsSeen event;
        if (seen.forbidden) {
          log::info("a Secret may not be watched: it is read once in each sync period",
                    {{"object", watched.name.text()}});
          cancel_call(*id);
          after(settings_.record_period, "try to watch a Secret", supervision::Traced::begins,
                [this, watched] { watch_secret(watched); });
          event.*watched.unwatched = true;
        } else {
          event.*watched.version = seen.version;
        }
        feed(std::move(event));
      });
}

void ConnectionManager::stop_requested() {
  stopping_ = true;
  switch (state_.under_way) {
  case Action::maintain:
  case Action::make_key:
  case Action::read_record:
  case Action::try_issued:
  case Action::renew:
  case Action::verify_record:
  case Action::wait:
    return this->quit(caf::exit_reason::user_shutdown);
  default:
    return; // its answer is waited for
  }
}

void ConnectionManager::feed(Event event) {
  const ChangeLog log(state_);
  const Next next = advance(state_, std::move(event), moment(), settings_);
  log.write(state_);
  // Before it is known what there is, only a refusal (a missing right, a quota) is worth saying: it does not pass by
  // itself.
  const auto refused = [](const Failure& failure) {
    return failure.kind == FailureKind::forbidden || failure.kind == FailureKind::refused;
  };
  if (state_.loaded || (state_.storing && refused(*state_.storing)))
    tell_facts(Say::changes);
  if (call_ == 0)
    go_on(next);
}

void ConnectionManager::go_on(const Next& next) {
  cancel_timer(timer_);
  if (stopping_ && !worth_finishing(next))
    return this->quit(caf::exit_reason::user_shutdown);
  if (next.action == Action::wait)
    return sleep_until(next.due);
  carry_out(next.action);
}

bool ConnectionManager::worth_finishing(const Next& next) const {
  return next.action == Action::write_pending &&
         (state_.pending->step == Step::paired || state_.pending->step == Step::issued);
}

Moment ConnectionManager::moment() {
  return {now(), wall_now(), std::uniform_real_distribution<double>(0, 1)(random())};
}

void ConnectionManager::sleep_until(Time due) {
  if (due == Time::max())
    return;
  const auto delay = std::max(std::chrono::ceil<std::chrono::milliseconds>(due - now()), std::chrono::milliseconds(1));
  timer_ = after(delay, "look after the connection", supervision::Traced::begins, [this] {
    timer_ = 0;
    feed(TimePassed{});
  });
}

void ConnectionManager::tell_facts(Say say) {
  const Moment moment{now(), wall_now()};
  if (auto connection = usable_connection(state_, moment, settings_)) {
    const bool changed = !connection_ || !same(*connection_, *connection);
    if (changed)
      connection_ = std::make_shared<const Connection>(std::move(*connection));
    lost_.reset();
    if (changed || say == Say::all)
      tell(peers_.director_fetcher, ConnectionReady{connection_});
  } else if (state_.loaded) {
    const ConnectionLost lost = why_lost(state_, moment, settings_);
    connection_.reset();
    if (lost_ != lost.reason || say == Say::all)
      tell(peers_.director_fetcher, lost);
    lost_ = lost.reason;
  }
  tell(peers_.status_writer, connection_report(state_, moment, settings_));
}

} // namespace runtime_agent::connection_manager
