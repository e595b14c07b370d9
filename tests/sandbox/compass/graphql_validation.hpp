#pragma once

#include <vector>

#include "tests/sandbox/compass/graphql_document.hpp"
#include "tests/sandbox/compass/graphql_schema.hpp"

namespace runtime_agent::sandbox::graphql {

/// Every breach of the schema and of the specification's rules (§5), in the words that gqlparser gives to a gqlgen
/// server's clients. Empty: the document may be executed.
std::vector<Error> validate(const Document& document, const Schema& schema);

} // namespace runtime_agent::sandbox::graphql
