#pragma once

#include "transport/failure.hpp"
#include "transport/graphql/execute.hpp"

/// How the real services refuse, and what of it is said of whom. Pure. Source: contract §2.2.
namespace runtime_agent::compass {

/// The Connector: `errors` without `extensions`, and 400 without a body, refuse whatever the caller has shown, token or
/// certificate. What is neither GraphQL nor that has not come from the Connector.
Blame blame_of_connector(const graphql::Objection& objection);

/// The Director: no scope at all, an unknown tenant, an unknown Runtime.
Blame blame_of_director(const graphql::Objection& objection);

/// Asks once more, over a fresh connection, where the service refused the identity: a refusal that does not come again
/// is none.
template <class Client, class Ask>
auto confirmed(Client& client, const Ask& ask) {
  auto answer = ask();
  if (answer || !refuses_identity(answer.error()))
    return answer;
  client.drop_idle_connections();
  return ask();
}

} // namespace runtime_agent::compass
