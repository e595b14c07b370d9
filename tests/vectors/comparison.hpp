#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// Live objects against a step of a golden.json: README.md of this folder says what is compared and what is not.
namespace runtime_agent::vectors {

using Json = nlohmann::ordered_json;

/// What stands in the cluster and in Compass when a step has settled: objects as the API server gives them.
struct LiveObjects {
  std::vector<Json> applications;       ///< all
  std::vector<Json> secrets;            ///< all of the integration namespace; those of `LiveFilter` are left out
  std::optional<Json> connection;       ///< the CompassConnection
  std::vector<Json> certificates;       ///< the cluster certificates Secret and the CA Secret, those that exist
  Json runtime_labels = Json::object(); ///< of the Director
};

/// Secrets of the integration namespace that are no Application's.
struct LiveFilter {
  std::set<std::string> other_secrets{"cluster-client-certificates", "cluster-client-certificates-pending",
                                      "compass-agent-configuration"};
};

/// The same shape as a step of golden.json, normalised.
Json normalised(const LiveObjects& live, const LiveFilter& filter = {});
/// The parts, for callers that have only some.
Json normalised_applications(const std::vector<Json>& applications);
/// `applications`: for the names behind owner references' uids.
Json normalised_secrets(const std::vector<Json>& secrets, const std::vector<Json>& applications,
                        const LiveFilter& filter = {});
Json normalised_certificates(const std::vector<Json>& secrets);
Json normalised_connection(const Json& connection);

/// A golden step as it is compared: what is each agent's own (error texts, the order of a subject's attributes) evened
/// out. Doing it twice changes nothing.
Json evened_out(Json step);

/// One line for each difference, "/applications/0/spec/description: expected "a", is "b""; empty where all is equal.
/// Only the parts that `live_step` has are compared.
std::vector<std::string> differences(const Json& golden_step, const Json& live_step);

/// The lines of `differences` in one text, at most `limit` of them.
std::string report(const std::vector<std::string>& differences, std::size_t limit = 40);

} // namespace runtime_agent::vectors
