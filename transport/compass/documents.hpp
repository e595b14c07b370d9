#pragma once

#include "transport/graphql/execute.hpp"

/// The GraphQL documents that the agent sends: constants, with variables for every value. Source: contract §§2, 3.
namespace runtime_agent::compass::documents {

// Connector
extern const graphql::Document configuration;
extern const graphql::Document sign; ///< $csr

// Director
extern const graphql::Document runtime;                   ///< $id
extern const graphql::Document applications_for_runtime;  ///< $runtimeID $first $after $nested
extern const graphql::Document bundles_of_application;    ///< $application $first $after $nested
extern const graphql::Document api_definitions_of_bundle; ///< $application $bundle $first $after
extern const graphql::Document event_definitions_of_bundle;
extern const graphql::Document set_runtime_label; ///< $runtimeID $key $value

} // namespace runtime_agent::compass::documents
