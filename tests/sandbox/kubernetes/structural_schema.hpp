#pragma once

#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/refusal.hpp"

namespace runtime_agent::sandbox::kube {

/// Structural OpenAPI v3 schemas as CRDs use them. `schema` may be null: then everything is allowed.

/// Removes the fields that the schema does not name; `unknown` gets their paths. The outermost apiVersion, kind and
/// metadata always stay.
void prune(Json& object, const Json& schema, std::vector<std::string>& unknown);

/// Removes nulls of fields that are not nullable, and fills in defaults.
void apply_defaults(Json& value, const Json& schema);

/// Types, required fields, enumerations, lengths, patterns, formats, list maps: everything wrong is a cause.
void validate(const Json& value, const Json& schema, const std::string& path, std::vector<Cause>& causes);

/// "integer", "string", "object": as messages name a value's type.
std::string type_name(const Json& value);

} // namespace runtime_agent::sandbox::kube
