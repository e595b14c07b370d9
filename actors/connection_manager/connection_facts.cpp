#include "actors/connection_manager/connection_facts.hpp"

#include "actors/connection_manager/failure_texts.hpp"
#include "transport/x509/check.hpp"

namespace runtime_agent::connection_manager {
namespace {

std::string reason(const ConnectionState& state, const Situation& s, const Moment& moment) {
  if (!state.current)
    return state.record.problem ? state.record.problem->text() : "there is no certificate yet";
  const auto clock = x509::outside_validity(state.current->identity->validity, moment.wall, std::chrono::seconds(0));
  if (s.expired && clock)
    return "the client certificate is " + *clock;
  if (state.refused)
    return std::string(certificate_refused_text) + (state.checking ? ": " + state.checking->what : std::string());
  if (state.current->access.connector_url.empty())
    return "nothing on record says where Compass is";
  return "RUNTIME_ID and TENANT are nowhere on record" +
         (state.configuration_problem ? ": " + state.configuration_problem->what : std::string());
}

std::optional<Failure> connecting_problem(const ConnectionState& state, const Situation& s) {
  const Standing stands = standing(s);
  if (stands == Standing::unread)
    return state.loaded ? std::nullopt : state.storing;
  if (stands == Standing::connected)
    return std::nullopt;
  if (stands == Standing::issued && state.pending->for_renewal && !s.reconnect_wanted && usable(s))
    return std::nullopt;
  if (state.storing)
    return state.storing; // nothing goes on before it is written down
  if (!state.configuration && state.configuration_problem && stands != Standing::resuming && stands != Standing::issued)
    return state.configuration_problem;
  return state.connecting;
}

std::optional<Failure> maintaining_problem(const ConnectionState& state, const Situation& s, const Moment& moment) {
  if (!state.current)
    return std::nullopt;
  const auto clock = x509::outside_validity(state.current->identity->validity, moment.wall, x509::clock_skew);
  if (clock && !s.expired && !s.check_overdue)
    return Failure{.kind = FailureKind::configuration,
                   .where = "client certificate",
                   .what = *clock,
                   .next = "set the clock of this node; the certificate is used all the same"};
  for (const auto* problem : {&state.checking, &state.renewing, &state.storing, &state.storing_ca})
    if (*problem)
      return *problem;
  return std::nullopt;
}

} // namespace

bool same(const Connection& one, const Connection& other) {
  return one.identity == other.identity && one.director_url == other.director_url &&
         one.connector_url == other.connector_url && one.runtime_id == other.runtime_id && one.tenant == other.tenant;
}

std::optional<Connection> usable_connection(const ConnectionState& state, const Moment& moment, const Policy& policy) {
  if (!usable(situation(state, moment, policy)) || !state.current->access.complete())
    return std::nullopt;
  const Access& access = state.current->access;
  return Connection{.identity = state.current->identity,
                    .director_url = access.director_url,
                    .connector_url = access.connector_url,
                    .runtime_id = access.runtime_id,
                    .tenant = access.tenant};
}

ConnectionLost why_lost(const ConnectionState& state, const Moment& moment, const Policy& policy) {
  const Situation s = situation(state, moment, policy);
  ConnectionLost lost{.reason = reason(state, s, moment), .unreadable_configuration = {}};
  if (usable(s) && state.current->access.runtime_id.empty())
    lost.unreadable_configuration = state.configuration_problem.value_or(
        Failure{.kind = FailureKind::configuration,
                .where = policy.certificates_name,
                .what = "does not say whose certificate it holds (RUNTIME_ID, TENANT)",
                .next = "waiting for the configuration object"});
  return lost;
}

ConnectionReport connection_report(const ConnectionState& state, const Moment& moment, const Policy& policy) {
  const Situation s = situation(state, moment, policy);
  ConnectionReport report = state.report;
  report.connected = usable(s) && !s.disowned;
  report.connecting = connecting_problem(state, s);
  if (s.disowned && usable(s))
    report.connecting = certificate_is_refused(
        state.connector_refuses ? *state.connector_refuses : *state.director_refuses, report.connecting);
  else if (report.connecting && state.current && (s.expired || state.refused)) // what it began with, beside what it met
    report.connecting->what += "; connecting anew, since " + reason(state, s, moment);
  report.maintaining = maintaining_problem(state, s, moment);
  if (state.current) {
    report.validity = state.current->identity->validity;
    report.connector_url = state.current->access.connector_url;
    report.director_url = state.current->access.director_url;
    report.reconnect_served = state.current->reconnect_served;
  }
  return report;
}

} // namespace runtime_agent::connection_manager
