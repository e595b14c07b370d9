#pragma once

#include "tests/sandbox/compass/graphql_schema.hpp"

namespace runtime_agent::sandbox::compass {

/// Contract §2.
const graphql::Schema& connector_schema();
/// Contract §3, with the neighbouring fields of the real schema that an agent might ask for.
const graphql::Schema& director_schema();

} // namespace runtime_agent::sandbox::compass
