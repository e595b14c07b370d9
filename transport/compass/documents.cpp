#include "transport/compass/documents.hpp"

namespace runtime_agent::compass::documents {

// Literals that the compiler joins: fragments would say the same, but every server must then know fragments.
#define PAGE(fields) "{ data {" fields "} pageInfo { endCursor hasNextPage } totalCount }"
#define VERSION_FIELDS " version { value deprecated deprecatedSince forRemoval } "
#define API_PAGE PAGE(" id name description targetURL group" VERSION_FIELDS)
#define EVENT_PAGE PAGE(" id name description group" VERSION_FIELDS)
// Of certificate credentials only the type is of use (contract §5.2); their content is not even asked for.
#define AUTH_FIELDS                                                                                                    \
  "credential { __typename"                                                                                            \
  " ... on BasicCredentialData { username password }"                                                                  \
  " ... on OAuthCredentialData { clientId clientSecret url } }"                                                        \
  " additionalHeaders additionalQueryParams"                                                                           \
  " requestAuth { csrf { tokenEndpointURL } }"
#define BUNDLE_PAGE                                                                                                    \
  PAGE(" id name description instanceAuthRequestInputSchema"                                                           \
       " defaultInstanceAuth { " AUTH_FIELDS " }"                                                                      \
       " apiDefinitions(first: $nested) " API_PAGE " eventDefinitions(first: $nested) " EVENT_PAGE)

const graphql::Document configuration{
    "query", "configuration",
    "query configuration { configuration { token { token } certificateSigningRequestInfo { subject keyAlgorithm }"
    " managementPlaneInfo { directorURL certificateSecuredConnectorURL } } }"};

const graphql::Document sign{
    "mutation", "signCertificateSigningRequest",
    "mutation signCertificateSigningRequest($csr: String!) { signCertificateSigningRequest(csr: $csr)"
    " { certificateChain caCertificate clientCertificate } }"};

const graphql::Document runtime{"query", "runtime", "query runtime($id: ID!) { runtime(id: $id) { labels } }"};

const graphql::Document applications_for_runtime{
    "query", "applicationsForRuntime",
    "query applicationsForRuntime($runtimeID: ID!, $first: Int, $after: PageCursor, $nested: Int) {"
    " applicationsForRuntime(runtimeID: $runtimeID, first: $first, after: $after) " //
    PAGE(" id name providerName description auths { id } bundles(first: $nested) " BUNDLE_PAGE) " }"};

const graphql::Document bundles_of_application{
    "query", "bundlesOfApplication",
    "query bundlesOfApplication($application: ID!, $first: Int, $after: PageCursor, $nested: Int) {"
    " application(id: $application) { bundles(first: $first, after: $after) " BUNDLE_PAGE " } }"};

const graphql::Document api_definitions_of_bundle{
    "query", "apiDefinitionsOfBundle",
    "query apiDefinitionsOfBundle($application: ID!, $bundle: ID!, $first: Int, $after: PageCursor) {"
    " application(id: $application) { bundle(id: $bundle) { apiDefinitions(first: $first, after: $after) " API_PAGE
    " } } }"};

const graphql::Document event_definitions_of_bundle{
    "query", "eventDefinitionsOfBundle",
    "query eventDefinitionsOfBundle($application: ID!, $bundle: ID!, $first: Int, $after: PageCursor) {"
    " application(id: $application) { bundle(id: $bundle) { eventDefinitions(first: $first, after: $after) " EVENT_PAGE
    " } } }"};

const graphql::Document set_runtime_label{
    "mutation", "setRuntimeLabel",
    "mutation setRuntimeLabel($runtimeID: ID!, $key: String!, $value: Any!) {"
    " setRuntimeLabel(runtimeID: $runtimeID, key: $key, value: $value) { key } }"};

} // namespace runtime_agent::compass::documents
