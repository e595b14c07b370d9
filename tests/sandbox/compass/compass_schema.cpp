#include "tests/sandbox/compass/compass_schema.hpp"

namespace runtime_agent::sandbox::compass {

const graphql::Schema& connector_schema() {
  static const graphql::Schema schema(R"(
    type Query { configuration: Configuration! }
    type Mutation {
      signCertificateSigningRequest(csr: String!): CertificationResult!
      revokeCertificate: Boolean!
    }
    type Configuration {
      token: Token
      certificateSigningRequestInfo: CertificateSigningRequestInfo
      managementPlaneInfo: ManagementPlaneInfo
    }
    type Token { token: String! }
    type CertificateSigningRequestInfo { subject: String! keyAlgorithm: String! }
    type ManagementPlaneInfo { directorURL: String certificateSecuredConnectorURL: String }
    type CertificationResult { certificateChain: String! caCertificate: String! clientCertificate: String! }
  )");
  return schema;
}

const graphql::Schema& director_schema() {
  static const graphql::Schema schema(R"(
    scalar Any
    scalar Labels
    scalar JSONSchema
    scalar HttpHeaders
    scalar QueryParams
    scalar PageCursor
    scalar Timestamp

    type Query {
      runtime(id: ID!): Runtime
      application(id: ID!): Application
      applicationsForRuntime(runtimeID: ID!, first: Int = 200, after: PageCursor): ApplicationPage!
    }
    type Mutation { setRuntimeLabel(runtimeID: ID!, key: String!, value: Any!): Label! }

    type Label { key: String! value: Any! }
    type PageInfo { startCursor: PageCursor! endCursor: PageCursor! hasNextPage: Boolean! }
    type Runtime { id: ID! name: String! description: String labels(key: String): Labels }

    type ApplicationPage { data: [Application!]! pageInfo: PageInfo! totalCount: Int! }
    type Application {
      id: ID!
      name: String!
      providerName: String
      description: String
      labels(key: String): Labels
      auths: [AppSystemAuth!]
      bundles(first: Int = 200, after: PageCursor): BundlePage
      bundle(id: ID!): Bundle
    }
    type AppSystemAuth { id: ID! auth: Auth }

    type BundlePage { data: [Bundle!]! pageInfo: PageInfo! totalCount: Int! }
    type Bundle {
      id: ID!
      name: String!
      description: String
      instanceAuthRequestInputSchema: JSONSchema
      defaultInstanceAuth: Auth
      apiDefinitions(group: String, first: Int = 200, after: PageCursor): APIDefinitionPage
      eventDefinitions(group: String, first: Int = 200, after: PageCursor): EventAPIDefinitionPage
      apiDefinition(id: ID!): APIDefinition
      eventDefinition(id: ID!): EventDefinition
    }

    type APIDefinitionPage { data: [APIDefinition!]! pageInfo: PageInfo! totalCount: Int! }
    type APIDefinition { id: ID! name: String! description: String targetURL: String! group: String version: Version }
    type EventAPIDefinitionPage { data: [EventDefinition!]! pageInfo: PageInfo! totalCount: Int! }
    type EventDefinition { id: ID! name: String! description: String group: String version: Version }
    type Version { value: String! deprecated: Boolean deprecatedSince: String forRemoval: Boolean }

    type Auth {
      credential: CredentialData
      additionalHeaders: HttpHeaders
      additionalQueryParams: QueryParams
      requestAuth: CredentialRequestAuth
    }
    union CredentialData = BasicCredentialData | OAuthCredentialData | CertificateOAuthCredentialData
    type BasicCredentialData { username: String! password: String! }
    type OAuthCredentialData { clientId: ID! clientSecret: String! url: String! }
    type CertificateOAuthCredentialData { clientId: ID! certificate: String! url: String! }
    type CredentialRequestAuth { csrf: CSRFTokenCredentialRequestAuth }
    type CSRFTokenCredentialRequestAuth {
      tokenEndpointURL: String!
      credential: CredentialData
      additionalHeaders: HttpHeaders
      additionalQueryParams: QueryParams
    }
  )");
  return schema;
}

} // namespace runtime_agent::sandbox::compass
