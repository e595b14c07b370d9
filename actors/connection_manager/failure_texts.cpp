#include "actors/connection_manager/failure_texts.hpp"

#include <fmt/format.h>

namespace runtime_agent::connection_manager {

Failure trying_again(Failure failure, std::chrono::milliseconds delay) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(delay).count();
  failure.next += fmt::format("{}trying again in {} s", failure.next.empty() ? "" : "; ", seconds);
  return failure;
}

Failure token_is_spent(Failure failure, const ConnectionConfiguration& configuration, std::chrono::milliseconds delay) {
  failure.what += ": the token is spent, give a new one";
  failure.next = "put a new token into " + configuration.source;
  return trying_again(std::move(failure), delay);
}

Failure not_by_the_connector(Failure failure) {
  failure.what += ": this did not come from the Connector, so the token may be spent or not";
  if (failure.http_status < 500) // a gateway that has trouble says nothing of the URL
    failure.next = "is CONNECTOR_URL right?";
  return failure;
}

Failure certificate_is_refused(Failure refusal, const std::optional<Failure>& problem) {
  refusal.what = std::string(certificate_refused_text) + ": " + refusal.what;
  const auto and_then = [&refusal](const std::string& text) {
    if (!text.empty())
      refusal.next += (refusal.next.empty() ? "" : "; ") + text;
  };
  if (problem) {
    refusal.what += fmt::format("; connecting anew: {}: {}", problem->where, problem->what);
    and_then(problem->next);
  } else {
    and_then("connecting anew with the configuration's token; until then this certificate stays in use");
  }
  return refusal;
}

Failure reply_was_lost() {
  return Failure{.kind = FailureKind::refused,
                 .where = "Connector, signing the certificate",
                 .what = "the agent stopped before it had the reply"};
}

} // namespace runtime_agent::connection_manager
