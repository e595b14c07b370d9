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

Failure reply_was_lost() {
  return Failure{.kind = FailureKind::refused,
                 .where = "Connector, signing the certificate",
                 .what = "the agent stopped before it had the reply"};
}

} // namespace runtime_agent::connection_manager
