#include "tests/unit/connection_model/world_model.hpp"

#include <array>

namespace runtime_agent::connection_model {
namespace {

using namespace std::chrono_literals;
namespace machine = connection_manager;

constexpr auto validity = 100h;
constexpr auto season = 75h;
constexpr auto clock_step = 150h; ///< a fresh certificate is expired by a clock that is so far ahead

std::shared_ptr<const ConnectionConfiguration> configuration_with(const std::string& token) {
  auto configuration = std::make_shared<ConnectionConfiguration>();
  configuration->connector_url = "https://t";
  configuration->runtime_id = "r";
  configuration->tenant = "t";
  configuration->token = Secret(token);
  configuration->token_sha256 = token;
  configuration->source = "Secret x";
  return configuration;
}

Failure failure(FailureKind kind, bool maybe_processed = false, int status = 0) {
  Failure result{.kind = kind, .where = "model", .what = "fails"};
  result.maybe_processed = maybe_processed;
  result.http_status = status;
  return result;
}

Failure identity_refused() {
  Failure result = failure(FailureKind::refused, false, 200);
  result.blame = Blame::identity;
  return result;
}

compass::ConnectorConfiguration connector_configuration(const std::string& token = {}) {
  compass::ConnectorConfiguration answer;
  answer.token = Secret(token);
  answer.signing = {"CN=r", "rsa4096"};
  answer.management = {"https://d", "https://c"};
  return answer;
}

bool is_compass(Action action) {
  return action == Action::exchange_token || action == Action::send_csr || action == Action::try_issued ||
         action == Action::renew || action == Action::maintain;
}

bool is_read(Action action) {
  return action == Action::read_record || action == Action::verify_record;
}

bool touches_cluster(Action action) {
  return is_read(action) || action == Action::write_pending || action == Action::write_certificates ||
         action == Action::write_ca || action == Action::remove_pending;
}

bool is_write(Action action) {
  return touches_cluster(action) && !is_read(action);
}

template <class T>
Result<T> result_of(const Flight& flight, T value) {
  if (flight.failure)
    return failed(*flight.failure);
  return value;
}

/// "TokenExchanged"; by the order of Event's alternatives.
constexpr std::array<const char*, std::variant_size_v<Event>> event_names{"ConfigurationObserved",
                                                                          "ReconnectRequested",
                                                                          "CredentialsRefreshRequested",
                                                                          "CertificateRefused",
                                                                          "RecordRead",
                                                                          "KeyMade",
                                                                          "PendingWritten",
                                                                          "TokenExchanged",
                                                                          "CsrAnswered",
                                                                          "IssuedTried",
                                                                          "CertificatesWritten",
                                                                          "CaWritten",
                                                                          "PendingRemoved",
                                                                          "Renewed",
                                                                          "Checked",
                                                                          "RecordVerified",
                                                                          "SecretsSeen",
                                                                          "TimePassed"};

} // namespace

std::string_view to_string(Happening happening) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(Happening::count)> names{
      "process",
      "answer",
      "wait",
      "tell the configuration",
      "tell the reconnect",
      "tell what a watch sees of the Secrets",
      "tell what the Director says of the certificate",
      "process the late request",
      "drop the late request",
      "crash",
      "crash with the request on its way",
      "lose the request",
      "lose the answer",
      "delay the request",
      "duplicate the request",
      "refuse for now",
      "conflict",
      "new token",
      "remove the configuration",
      "delete the CompassConnection",
      "delete the certificates Secret",
      "corrupt the certificates Secret",
      "delete the CA Secret",
      "delete the pending Secret",
      "revoke the certificate",
      "refuse the identity at the Connector",
      "refuse the identity at the Director",
      "take the identity again",
      "answer by a gateway",
      "minutes pass",
      "a season passes",
      "set the clock ahead",
      "set the clock back",
      "set the clock right"};
  return names.at(static_cast<std::size_t>(happening));
}

WorldModel::WorldModel(const std::string& first_token, Sabotage sabotage)
    : sabotage_(sabotage), policy_{.sync_period = 3ms,
                                   .minimal_sync_time = 1ms,
                                   .backoff_ceiling = 2ms,
                                   .record_period = 6min,
                                   .cluster_backoff = 1ms,
                                   .cluster_ceiling = 2ms,
                                   .renewal_threshold = 0.3,
                                   .process_id = {},
                                   .certificates_name = {}},
      agent_(policy_) {
  if (!first_token.empty()) {
    tokens_[first_token] = true;
    configuration_ = configuration_with(first_token);
  }
  start_process();
  wish_ = policy_.process_id; // there has never been a CompassConnection
}

void WorldModel::start_process() {
  policy_.process_id = next_name('p');
  agent_ = ConnectionState(policy_);
  flight_ = {};
  asked_after_expiry_ = false;
  configuration_untold_ = true;
  reconnect_untold_ = !wish_.empty() || names_ == 1;
  secrets_untold_ = true;
  director_untold_ = true;
  feed(machine::TimePassed{});
}

void WorldModel::feed(Event event) {
  last_event_ = event_names.at(event.index());
  if (sabotage_)
    sabotage_(agent_, event, moment());
  const auto next = machine::advance(agent_, std::move(event), moment(), policy_);
  if (!over_by_its_clock())
    asked_after_expiry_ = false;
  if (flight_.action == Action::wait && next.action != Action::wait)
    begin(next);
  // The StatusWriter takes note of a reconnect that has been served.
  if (!wish_.empty() && agent_.current && agent_.current->reconnect_served == wish_) {
    wish_.clear();
    reconnect_untold_ = false;
  }
}

void WorldModel::begin(const machine::Next& next) {
  flight_ = {};
  flight_.action = next.action;
  switch (next.action) {
  case Action::exchange_token:
    flight_.configuration = agent_.configuration;
    if (tokens_.at(flight_.configuration->token_sha256))
      check_exchange();
    break;
  case Action::send_csr:
    flight_.token = agent_.pending->token.reveal();
    check_csr();
    break;
  case Action::try_issued:
    flight_.identity = agent_.pending->identity;
    break;
  case Action::maintain:
    asked_after_expiry_ |= over_by_its_clock();
    [[fallthrough]];
  case Action::renew:
    flight_.identity = agent_.current->identity;
    break;
  case Action::write_pending:
    flight_.pending = std::make_shared<const Pending>(*agent_.pending);
    flight_.version = agent_.record.pending_version;
    break;
  case Action::write_certificates:
    flight_.credentials = std::make_shared<const Credentials>(*agent_.current);
    flight_.version = agent_.record.certificates_version;
    break;
  case Action::write_ca:
    flight_.ca_pem = agent_.current->identity->ca_pem;
    flight_.version = agent_.record.ca_version;
    break;
  case Action::remove_pending:
    flight_.version = agent_.record.pending_version;
    break;
  default:
    break;
  }
}

Event WorldModel::event_of(Flight flight) const {
  switch (flight.action) {
  case Action::read_record:
    return machine::RecordRead{flight.failure ? Result<Record>(failed(*flight.failure)) : *flight.record};
  case Action::make_key:
    return machine::KeyMade{result_of(flight, Secret("k"))};
  case Action::write_pending:
    return machine::PendingWritten{result_of(flight, flight.text)};
  case Action::exchange_token:
    return machine::TokenExchanged{flight.configuration, result_of(flight, connector_configuration(flight.text))};
  case Action::send_csr:
    return machine::CsrAnswered{result_of(flight, flight.issued)};
  case Action::try_issued:
    return machine::IssuedTried{result_of(flight, connector_configuration())};
  case Action::write_certificates:
    return machine::CertificatesWritten{*flight.credentials, result_of(flight, flight.text)};
  case Action::write_ca:
    return machine::CaWritten{flight.ca_pem, result_of(flight, flight.text)};
  case Action::remove_pending:
    return machine::PendingRemoved{flight.failure ? Result<void>(failed(*flight.failure)) : Result<void>()};
  case Action::renew:
    return machine::Renewed{result_of(flight, flight.issued)};
  case Action::maintain:
    return machine::Checked{result_of(flight, connector_configuration())};
  case Action::verify_record:
    return machine::RecordVerified{flight.failure ? Result<Record>(failed(*flight.failure)) : *flight.record};
  default:
    return machine::TimePassed{};
  }
}

bool WorldModel::happen(Happening happening) {
  const auto versions = [this] { return std::pair(pair_ ? pair_->version : "", ca_ ? ca_->version : ""); };
  const auto before = versions();
  const bool happened = take_place(happening);
  // Whatever has changed, a watch tells: also of what has come and gone in between.
  secrets_untold_ |= versions() != before;
  return happened;
}

bool WorldModel::take_place(Happening happening) {
  violation_.clear();
  last_event_.clear();
  const bool sent = flight_.action != Action::wait && !flight_.answered;
  const bool at_rest = flight_.action == Action::wait || (sent && touches_cluster(flight_.action));
  const auto give_up = [&](Failure why) {
    flight_.failure = std::move(why);
    flight_.answered = true;
    return true;
  };
  const auto unanswered = [&](bool maybe_processed) {
    return failure(is_compass(flight_.action) ? FailureKind::timeout : FailureKind::unavailable, maybe_processed);
  };
  const auto let_time_pass = [&](auto duration) {
    now_ += duration;
    true_wall_ += duration;
    if (flight_.action == Action::wait)
      feed(machine::TimePassed{});
    return true;
  };
  const auto set_clock = [&](std::chrono::hours error) {
    if (clock_error_ == error)
      return false;
    clock_error_ = error;
    if (flight_.action == Action::wait)
      feed(machine::TimePassed{});
    return true;
  };
  switch (happening) {
  case Happening::process:
    if (!sent)
      return false;
    process(flight_);
    flight_.answered = true;
    return true;
  case Happening::answer: {
    if (!flight_.answered)
      return false;
    const bool fails = flight_.failure.has_value();
    Event event = event_of(std::exchange(flight_, {}));
    feed(std::move(event));
    if (fails)
      last_event_ += " fails";
    return true;
  }
  case Happening::wait:
    return flight_.action == Action::wait && let_time_pass(10ms);
  case Happening::tell_configuration: {
    if (!configuration_untold_)
      return false;
    configuration_untold_ = false;
    ConfigurationObserved observed{configuration_, std::nullopt};
    if (!configuration_)
      observed.problem = failure(FailureKind::configuration);
    feed(std::move(observed));
    return true;
  }
  case Happening::tell_reconnect:
    if (!reconnect_untold_)
      return false;
    reconnect_untold_ = false;
    feed(ReconnectRequested{wish_});
    return true;
  case Happening::tell_secrets:
    if (!secrets_untold_)
      return false;
    secrets_untold_ = false;
    feed(machine::SecretsSeen{pair_ ? pair_->version : "", ca_ ? ca_->version : ""});
    return true;
  case Happening::tell_director: {
    if (!director_untold_ || !agent_.current)
      return false;
    director_untold_ = false;
    CertificateRefused said{agent_.current->identity->serial, std::nullopt};
    if (certificates_.at(said.serial).director_refuses)
      said.failure = identity_refused();
    feed(std::move(said));
    return true;
  }
  case Happening::process_late: {
    if (!late_)
      return false;
    Flight late = *late_;
    late_.reset();
    process(late);
    return true;
  }
  case Happening::drop_late:
    if (!late_)
      return false;
    late_.reset();
    return true;
  case Happening::crash:
    start_process();
    last_event_ = "restart";
    return true;
  case Happening::crash_with_request_on_its_way:
    if (!sent || late_ || flight_.action == Action::make_key || is_read(flight_.action))
      return false;
    late_ = std::make_shared<const Flight>(flight_);
    start_process();
    last_event_ = "restart";
    return true;
  case Happening::lose_request:
    return sent && flight_.action != Action::make_key && give_up(unanswered(false));
  case Happening::lose_answer:
    if (!flight_.answered || flight_.failure || flight_.action == Action::make_key || is_read(flight_.action))
      return false;
    return give_up(unanswered(true));
  case Happening::delay_request:
    if (!sent || late_ || flight_.action == Action::make_key || is_read(flight_.action))
      return false;
    late_ = std::make_shared<const Flight>(flight_);
    return give_up(unanswered(true));
  case Happening::duplicate_request: {
    if (!sent || flight_.action == Action::make_key || is_read(flight_.action) || flight_.action == Action::maintain ||
        flight_.action == Action::try_issued)
      return false;
    Flight first = flight_;
    process(first);
    process(flight_);
    flight_.answered = true;
    return true;
  }
  case Happening::refuse_for_now: {
    if (!sent || !is_compass(flight_.action))
      return false;
    Failure refusal = failure(FailureKind::rate_limited, false, 429);
    refusal.retry_after = 5ms;
    return give_up(std::move(refusal));
  }
  case Happening::conflict:
    if (!sent || !is_write(flight_.action))
      return false;
    if (flight_.action == Action::write_certificates && pair_)
      pair_->version = next_name('v');
    else if (flight_.action == Action::write_ca && ca_)
      ca_->version = next_name('v');
    else if (pending_ && (flight_.action == Action::write_pending || flight_.action == Action::remove_pending))
      pending_->version = next_name('v');
    else
      return false;
    return true;
  case Happening::new_token: {
    const std::string token = next_name('t');
    tokens_[token] = true;
    configuration_ = configuration_with(token);
    configuration_untold_ = true;
    return true;
  }
  case Happening::remove_configuration:
    if (!configuration_)
      return false;
    configuration_ = nullptr;
    configuration_untold_ = true;
    return true;
  case Happening::delete_connection:
    if (!wish_.empty())
      return false;
    wish_ = next_name('w');
    reconnect_untold_ = true;
    return true;
  case Happening::delete_certificates:
    if (!at_rest || !pair_)
      return false;
    removed_ = pair_->credentials ? pair_->credentials->identity->serial : removed_;
    pair_.reset();
    return true;
  case Happening::corrupt_certificates:
    if (!at_rest || !pair_ || !pair_->credentials)
      return false;
    removed_ = pair_->credentials->identity->serial;
    pair_->credentials.reset();
    pair_->version = next_name('v');
    return true;
  case Happening::delete_ca:
    if (!at_rest || !ca_)
      return false;
    ca_.reset();
    return true;
  case Happening::delete_pending:
    if (!at_rest || !pending_)
      return false;
    pending_.reset();
    return true;
  case Happening::revoke:
    if (!agent_.current || !good(agent_.current->identity))
      return false;
    certificates_.at(agent_.current->identity->serial).revoked = true;
    return true;
  case Happening::refuse_identity:
    if (!agent_.current || certificates_.at(agent_.current->identity->serial).connector_refuses)
      return false;
    return certificates_.at(agent_.current->identity->serial).connector_refuses = true;
  case Happening::director_refuses:
    if (!agent_.current || certificates_.at(agent_.current->identity->serial).director_refuses)
      return false;
    director_untold_ = true;
    return certificates_.at(agent_.current->identity->serial).director_refuses = true;
  case Happening::take_identity:
    if (!agent_.current || !refused_in_words(agent_.current->identity))
      return false;
    certificates_.at(agent_.current->identity->serial).connector_refuses = false;
    certificates_.at(agent_.current->identity->serial).director_refuses = false;
    director_untold_ = true;
    return true;
  case Happening::answer_by_gateway: {
    if (!sent || (flight_.action != Action::exchange_token && flight_.action != Action::send_csr))
      return false;
    Failure page = failure(FailureKind::unavailable, true, 500);
    page.blame = Blame::elsewhere;
    return give_up(std::move(page));
  }
  case Happening::minutes_pass:
    return let_time_pass(6min);
  case Happening::season_passes:
    return let_time_pass(season);
  case Happening::set_clock_ahead:
    return set_clock(clock_step);
  case Happening::set_clock_back:
    return set_clock(-clock_step);
  case Happening::set_clock_right:
    return set_clock(0h);
  case Happening::count:
    break;
  }
  return false;
}

Happening WorldModel::ordinary_course() const {
  if (configuration_untold_)
    return Happening::tell_configuration;
  if (reconnect_untold_)
    return Happening::tell_reconnect;
  if (secrets_untold_)
    return Happening::tell_secrets;
  if (director_untold_ && agent_.current)
    return Happening::tell_director;
  if (late_)
    return Happening::process_late;
  if (flight_.answered)
    return Happening::answer;
  return flight_.action == Action::wait ? Happening::wait : Happening::process;
}

void WorldModel::process(Flight& flight) {
  flight.failure.reset();
  const auto with = [&](const x509::IdentityPtr& identity) {
    if (good(identity))
      certificates_.at(identity->serial).accepted = true;
    else
      flight.failure = failure(FailureKind::certificate_refused);
    if (!flight.failure && certificates_.at(identity->serial).connector_refuses)
      flight.failure = identity_refused();
  };
  switch (flight.action) {
  case Action::read_record:
    flight.record = std::make_shared<const Record>(read(true));
    return;
  case Action::exchange_token:
    return process_exchange(flight);
  case Action::send_csr:
    return process_sign(flight, false);
  case Action::renew:
    return process_sign(flight, true);
  case Action::try_issued:
    return with(flight.identity);
  case Action::maintain:
    return with(flight.identity);
  case Action::verify_record:
    flight.record = std::make_shared<const Record>(read(false));
    return;
  case Action::write_certificates: {
    std::string version = pair_ ? pair_->version : "";
    write(flight, version, pair_.has_value());
    if (flight.failure)
      return;
    check_overwriting(*flight.credentials);
    const std::string& ca_pem = flight.credentials->identity->ca_pem;
    pair_ = StoredPair{version, *flight.credentials, ca_pem.empty() && pair_ ? pair_->ca_expected : ca_pem};
    return;
  }
  case Action::write_ca: {
    std::string version = ca_ ? ca_->version : "";
    write(flight, version, ca_.has_value());
    if (!flight.failure)
      ca_ = StoredText{version, flight.ca_pem};
    return;
  }
  case Action::write_pending: {
    std::string version = pending_ ? pending_->version : "";
    write(flight, version, pending_.has_value());
    if (flight.failure)
      return;
    check_losing(*flight.pending);
    pending_ = StoredPending{version, *flight.pending};
    return;
  }
  case Action::remove_pending:
    if (pending_ && pending_->version != flight.version)
      flight.failure = failure(FailureKind::conflict);
    else
      pending_.reset();
    return;
  default:
    return;
  }
}

/// Onto the version that was read, or a creation where there was none.
void WorldModel::write(Flight& flight, std::string& present_version, bool present) {
  if (present ? present_version != flight.version : !flight.version.empty()) {
    flight.failure = failure(FailureKind::conflict);
    return;
  }
  present_version = flight.text = next_name('v');
}

void WorldModel::process_exchange(Flight& flight) {
  auto& good_token = tokens_.at(flight.configuration->token_sha256);
  if (!good_token) {
    flight.failure = failure(FailureKind::unauthorized, false, 200);
    return;
  }
  good_token = false;
  flight.text = next_name('s');
  second_tokens_[flight.text] = {true_wall_, false};
}

void WorldModel::process_sign(Flight& flight, bool with_certificate) {
  if (with_certificate) {
    if (!good(flight.identity)) {
      flight.failure = failure(FailureKind::certificate_refused);
      return;
    }
    if (certificates_.at(flight.identity->serial).connector_refuses) {
      flight.failure = identity_refused();
      return;
    }
    certificates_.at(flight.identity->serial).accepted = true;
    flight.issued = issue(flight.identity->ca_pem.empty() ? next_name('a') : flight.identity->ca_pem);
    return;
  }
  auto& token = second_tokens_.at(flight.token);
  if (token.spent || true_wall_ - token.made >= 5min) {
    token.spent = true;
    flight.failure = failure(FailureKind::unauthorized, false, 200);
    return;
  }
  token.spent = true;
  if (clock_error_ != 0h) { // the agent finds that it is not within its validity (contract §2, step 4)
    flight.failure = failure(FailureKind::malformed);
    return;
  }
  flight.issued = issue(next_name('a'));
}

x509::IdentityPtr WorldModel::issue(std::string ca_pem) {
  const std::string serial = next_name('c');
  x509::Identity identity;
  identity.certificate_pem = identity.chain_pem = identity.serial = serial;
  identity.key_pem = Secret("k");
  identity.validity = {true_wall_, true_wall_ + validity};
  Certificate& certificate = certificates_[serial];
  certificate.not_after = identity.validity.not_after;
  certificate.without_ca = std::make_shared<const x509::Identity>(identity);
  identity.ca_pem = std::move(ca_pem);
  certificate.identity = std::make_shared<const x509::Identity>(std::move(identity));
  return certificate.identity;
}

bool WorldModel::good(const x509::IdentityPtr& identity) const {
  const Certificate& certificate = certificates_.at(identity->serial);
  return !certificate.revoked && certificate.not_after > true_wall_;
}

bool WorldModel::refused_in_words(const x509::IdentityPtr& identity) const {
  const Certificate& certificate = certificates_.at(identity->serial);
  return certificate.connector_refuses || certificate.director_refuses;
}

Record WorldModel::read(bool with_pending) const {
  Record record;
  if (ca_) {
    record.ca_version = ca_->version;
    record.ca_pem = ca_->text;
  }
  if (pair_) {
    record.certificates_version = pair_->version;
    record.credentials = pair_->credentials;
    if (!pair_->credentials)
      record.problem = failure(FailureKind::malformed);
    else {
      const Certificate& certificate = certificates_.at(pair_->credentials->identity->serial);
      const bool ca_belongs = ca_ && (pair_->ca_expected.empty() || pair_->ca_expected == ca_->text);
      record.credentials->identity = ca_belongs ? certificate.identity : certificate.without_ca;
    }
  }
  if (with_pending && pending_) {
    record.pending_version = pending_->version;
    record.pending = pending_->pending;
  }
  return record;
}

bool WorldModel::over_by_its_clock() const {
  return agent_.current && agent_.current->identity->validity.not_after <= moment().wall;
}

/// A good token is sent: would something else do?
void WorldModel::check_exchange() {
  const bool given_up = over_by_its_clock() && asked_after_expiry_;
  const bool refused = agent_.connector_refuses || agent_.director_refuses; // it may have passed meanwhile
  if (agent_.current && good(agent_.current->identity) && !refused && wish_.empty() &&
      agent_.reconnect_wanted.empty() && !given_up)
    violate("a token is spent although the certificate in use is good and nobody wants to connect anew");
  if (agent_.pending && !agent_.pending_useless && !agent_.csr_answered)
    check_second_token(*agent_.pending);
  const bool known = pending_ && pending_->version == agent_.record.pending_version;
  if (known && !agent_.pending)
    check_second_token(pending_->pending);
}

void WorldModel::check_second_token(const Pending& pending) {
  const bool in_use =
      agent_.current && pending.identity && agent_.current->identity->serial == pending.identity->serial;
  if (pending.step == Step::issued && !in_use && good(pending.identity))
    violate("a token is spent although a good certificate has been issued");
  if (pending.step != Step::paired && pending.step != Step::signing)
    return;
  const SecondToken& second = second_tokens_.at(pending.token.reveal());
  const bool clocks_agree = clock_error_ == 0h && moment().wall - pending.token_time < 5min;
  if (clocks_agree && !second.spent && true_wall_ - second.made < 5min)
    violate("a token is spent although the second token is good");
}

/// What a token was spent for is on record, and is about to be replaced: by nothing less, while it is good.
void WorldModel::check_losing(const Pending& written) {
  if (!pending_ || pending_->pending.for_renewal || agent_.csr_answered || agent_.pending_useless)
    return;
  const Pending& stored = pending_->pending;
  const bool same_token = !stored.token.empty() && written.token == stored.token;
  const bool same_certificate =
      stored.identity && written.identity && written.identity->serial == stored.identity->serial;
  const auto is = [&](const std::string& serial) { return stored.identity && stored.identity->serial == serial; };
  const bool stored_elsewhere =
      (pair_ && pair_->credentials && is(pair_->credentials->identity->serial)) || is(removed_);
  const auto second = second_tokens_.find(written.token.reveal());
  const bool as_good = second != second_tokens_.end() && !second->second.spent;
  if (!same_token && !same_certificate && !stored_elsewhere && !as_good && written.step != Step::issued)
    check_second_token(stored);
}

/// The CSR is announced on record before it is sent, so that a crash does not lose the second token.
void WorldModel::check_csr() {
  if (agent_.record.pending_version.empty())
    return violate("the CSR is sent before it is on record");
  const bool untouched = pending_ && pending_->version == agent_.record.pending_version;
  if (untouched && (pending_->pending.step != Step::signing || !(pending_->pending.token == agent_.pending->token)))
    violate("the CSR is sent before it is on record");
}

void WorldModel::check_overwriting(const Credentials& written) {
  if (!pair_ || !pair_->credentials || pair_->credentials->identity->serial == written.identity->serial)
    return;
  const Certificate& now = certificates_.at(written.identity->serial);
  const bool unusable = !good(written.identity) && (!now.accepted || agent_.refused);
  if (good(pair_->credentials->identity) && unusable && clock_error_ == 0h)
    violate("a usable pair is overwritten by an unusable one");
}

void WorldModel::violate(std::string what) {
  if (violation_.empty())
    violation_ = std::move(what);
}

bool WorldModel::idle() const {
  return flight_.action == Action::wait && !late_ && !configuration_untold_ && !reconnect_untold_ && !secrets_untold_ &&
         (!director_untold_ || !agent_.current);
}

Standing WorldModel::standing() const {
  return machine::standing(machine::situation(agent_, moment(), policy_));
}

std::string WorldModel::unsettled() const {
  if (!idle())
    return "something is on its way";
  const auto report = machine::connection_report(agent_, moment(), policy_);
  const bool token = configuration_ && tokens_.at(configuration_->token_sha256);
  if (report.connected) {
    if (!good(agent_.current->identity))
      return "it says connected, but Compass does not take the certificate";
    if (refused_in_words(agent_.current->identity))
      return "it says connected, but a service refuses the identity";
    if (!agent_.proven)
      return "the certificate has not been used";
    if (!wish_.empty() && (token || !report.connecting))
      return token ? "it does not connect anew with a good token" : "it does not say why it does not connect anew";
    if (!pair_ || !pair_->credentials || pair_->credentials->identity->serial != agent_.current->identity->serial)
      return "the certificates Secret does not hold the certificate in use";
    if (!ca_ || ca_->text != agent_.current->identity->ca_pem)
      return "the CA Secret does not hold the CA of the certificate in use";
    if (agent_.storing || agent_.storing_ca)
      return "it says that something cannot be stored, though all is";
    // One that a late request made is not known of; the next start clears it.
    const bool known = agent_.pending || !agent_.record.pending_version.empty();
    if (pending_ && known && wish_.empty())
      return "the pending Secret is left";
    return {};
  }
  if (token)
    return "it is not connected although there is a good token";
  if (agent_.current && good(agent_.current->identity) && !refused_in_words(agent_.current->identity))
    return "it is not connected although its certificate is good";
  if (pair_ && pair_->credentials && good(pair_->credentials->identity) &&
      !refused_in_words(pair_->credentials->identity))
    return "it is not connected although the certificate on record is good";
  if (!report.connecting)
    return "it is not connected and does not say why";
  if (configuration_ && report.connecting->what.find("the token is spent, give a new one") == std::string::npos)
    return "it does not say that the token is spent: " + report.connecting->what;
  return {};
}

} // namespace runtime_agent::connection_model
