#pragma once

#include <functional>
#include <string>

#include <httplib.h>

#include "tests/sandbox/compass/faults.hpp"
#include "tests/sandbox/compass/graphql_execution.hpp"
#include "tests/sandbox/compass/request_log.hpp"
#include "tests/sandbox/request_gate.hpp"

namespace runtime_agent::sandbox::compass {

/// Makes the resolver of one request; called after the decision that the request is carried out, so what it spends is
/// spent. The fault is the one that strikes this request, or null.
using MakeResolver = std::function<std::unique_ptr<graphql::Resolver>(const Fault* fault)>;

/// One POST of GraphQL over HTTP, with the faults of the plan: parses, validates, carries out, answers, spoils.
/// Fills in the record's field, status, errors, fault and sizes.
class GraphqlExchange {
public:
  GraphqlExchange(const graphql::Schema& schema, FaultPlan& faults, RequestRecord& record,
                  const RequestGate<RequestRecord>& gate)
      : schema_(schema), faults_(faults), record_(record), gate_(gate) {}

  void run(const httplib::Request& request, httplib::Response& response, const MakeResolver& make_resolver);

private:
  struct Outcome {
    int status = 200;
    graphql::Answer answer;
    std::string body;
  };
  Outcome carry_out(const nlohmann::json& body, const MakeResolver& make_resolver, const Fault* fault);
  void answer(const httplib::Request& request, httplib::Response& response, const Outcome& outcome,
              const std::optional<Fault>& fault);
  void spoil(const httplib::Request& request, httplib::Response& response, const Outcome& outcome, const Fault& fault);
  std::string with_errors(const Outcome& outcome, const Fault& fault) const;
  std::string with_null(const Outcome& outcome, const Fault& fault) const;

  const graphql::Schema& schema_;
  FaultPlan& faults_;
  RequestRecord& record_;
  const RequestGate<RequestRecord>& gate_;
};

/// The name of the first root field of a document; empty where it does not parse.
std::string first_field(const std::string& document, const std::string& operation_name);

} // namespace runtime_agent::sandbox::compass
