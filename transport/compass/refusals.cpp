#include "transport/compass/refusals.hpp"

#include <algorithm>

namespace runtime_agent::compass {
namespace {

using graphql::Objection;
using Form = Objection::Form;

constexpr std::int64_t not_found = 20;
constexpr std::int64_t insufficient_scopes = 23;
constexpr std::int64_t tenant_required = 24;
constexpr std::int64_t tenant_not_found = 25;
constexpr std::int64_t unauthorized = 26;

/// Of the Runtime itself, not of an Application that has gone.
bool runtime_not_found(const Objection& objection) {
  return std::any_of(objection.errors.begin(), objection.errors.end(), [](const Objection::Error& error) {
    const bool of_runtime = error.path.empty() || error.path.rfind("runtime", 0) == 0 ||
                            error.path == "applicationsForRuntime" || error.path == "setRuntimeLabel";
    return error.code == not_found && of_runtime;
  });
}

bool says(const Objection& objection, std::int64_t code, std::string_view part = {}) {
  return std::any_of(objection.errors.begin(), objection.errors.end(), [&](const Objection::Error& error) {
    return error.code == code && error.message.find(part) != std::string::npos;
  });
}

} // namespace

Blame blame_of_connector(const Objection& objection) {
  const int status = objection.http_status;
  if (status == 429)
    return Blame::none;
  if (objection.form == Form::empty)
    return status == 400 ? Blame::identity : status == 200 ? Blame::none : Blame::elsewhere;
  if (objection.form == Form::other)
    return Blame::elsewhere;
  const bool without_extensions = std::any_of(objection.errors.begin(), objection.errors.end(),
                                              [](const Objection::Error& error) { return !error.extensions; });
  const bool refused = (status == 200 && without_extensions) || says(objection, unauthorized);
  return refused ? Blame::identity : Blame::none;
}

Blame blame_of_director(const Objection& objection) {
  if (objection.form == Form::empty)
    return objection.http_status == 400 ? Blame::identity : Blame::none;
  if (says(objection, tenant_not_found) || says(objection, tenant_required))
    return Blame::tenant;
  // No scope at all: where the certificate is good, it is good for another tenant.
  if (says(objection, insufficient_scopes, "[actual=;"))
    return Blame::tenant;
  if (runtime_not_found(objection))
    return Blame::runtime;
  return says(objection, unauthorized) ? Blame::identity : Blame::none;
}

} // namespace runtime_agent::compass
