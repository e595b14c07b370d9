#include <utility>

#include <fmt/format.h>

#include "transport/compass/answer_reader.hpp"
#include "transport/compass/client_cache.hpp"
#include "transport/compass/documents.hpp"
#include "transport/compass/refusals.hpp"
#include "transport/encoding.hpp"
#include "transport/x509/subject.hpp"

namespace runtime_agent::compass {
namespace {

// Of what is stored, so that all of it fits: a Secret holds 1 MiB with all its keys (the pending one has both chains,
// the certificate and the key), its annotations 256 KiB together (two of them are these URLs), and a token is a header.
constexpr std::size_t longest_chain = 256u << 10;
constexpr std::size_t longest_certificate = 64u << 10;
constexpr std::size_t longest_url = 8u << 10;
constexpr std::size_t longest_token = 8u << 10;
constexpr std::size_t longest_key_algorithm = 64;

std::string bounded_text(ObjectReader& object, std::string_view field, std::size_t most) {
  auto text = object.text_or_null(field).value_or("");
  if (text.size() > most)
    object.verdict().too_long(object.at(field), text.size(), most);
  return text;
}

/// Of a `configuration` answer; what is null stays empty.
ConnectorConfiguration read_configuration(simdjson::dom::element data, Verdict& verdict) {
  ConnectorConfiguration result;
  const Place root;
  ObjectReader answer(data, root, verdict);
  const auto value = answer.value("configuration");
  if (!value)
    return result;
  const auto place = answer.at("configuration");
  ObjectReader configuration(*value, place, verdict);
  const auto with = [&](std::string_view field, auto read) {
    const auto inner_place = configuration.at(field);
    if (const auto inner = configuration.value_or_null(field)) {
      ObjectReader reader(*inner, inner_place, verdict);
      read(reader);
    }
  };
  with("token", [&](ObjectReader& token) {
    token.value("token"); // not null
    result.token = Secret(bounded_text(token, "token", longest_token));
  });
  with("certificateSigningRequestInfo", [&](ObjectReader& info) {
    info.value("subject");
    info.value("keyAlgorithm");
    result.signing = {bounded_text(info, "subject", x509::longest_subject),
                      bounded_text(info, "keyAlgorithm", longest_key_algorithm)};
  });
  with("managementPlaneInfo", [&](ObjectReader& info) {
    result.management = {std::string(trimmed(bounded_text(info, "directorURL", longest_url))),
                         std::string(trimmed(bounded_text(info, "certificateSecuredConnectorURL", longest_url)))};
  });
  return result;
}

void require(Verdict& verdict, std::string_view text, std::string_view field) {
  if (trimmed(text).empty())
    verdict.wrong(Place{nullptr, field, 0}, "is null, missing or empty");
}

/// A URL that is there has to be one.
void require_url(Verdict& verdict, const std::string& text, std::string_view field) {
  if (text.empty())
    return;
  if (const auto url = http::Url::parse(text); !url)
    verdict.wrong(Place{nullptr, field, 0}, "is not a usable URL: " + url.error().what);
}

void check_management(Verdict& verdict, const ManagementPlaneInfo& info, bool required) {
  constexpr std::string_view director = "configuration.managementPlaneInfo.directorURL";
  constexpr std::string_view connector = "configuration.managementPlaneInfo.certificateSecuredConnectorURL";
  if (required) {
    require(verdict, info.director_url, director);
    require(verdict, info.certificate_secured_connector_url, connector);
  }
  require_url(verdict, info.director_url, director);
  require_url(verdict, info.certificate_secured_connector_url, connector);
}

std::string decoded_pem(ObjectReader& result, std::string_view field, std::size_t most) {
  const auto text = result.text(field, true);
  auto decoded = base64_decode(text);
  if (!decoded)
    result.verdict().wrong(result.at(field), "is not base64");
  else if (decoded->size() > most)
    result.verdict().too_long(result.at(field), decoded->size(), most);
  else if (decoded->find("-----BEGIN CERTIFICATE-----") == std::string::npos)
    result.verdict().wrong(result.at(field), "is base64 of something other than a PEM certificate");
  return decoded ? std::move(*decoded) : std::string();
}

SignedCertificate read_certificate(simdjson::dom::element data, Verdict& verdict) {
  const Place root;
  ObjectReader answer(data, root, verdict);
  const auto value = answer.value("signCertificateSigningRequest");
  if (!value)
    return {};
  const auto place = answer.at("signCertificateSigningRequest");
  ObjectReader result(*value, place, verdict);
  return {decoded_pem(result, "certificateChain", longest_chain), decoded_pem(result, "caCertificate", longest_chain),
          decoded_pem(result, "clientCertificate", longest_certificate)};
}

class HttpConnectorClient final : public ConnectorClient {
public:
  explicit HttpConnectorClient(ClientSettings settings) : clients_(std::move(settings), "connector") {}

  Result<ConnectorConfiguration> configuration(const std::string& url, const Secret& token,
                                               const CallContext& context) override {
    return ask(url, nullptr, configuration_call(&token), context, [](simdjson::dom::element data, Verdict& verdict) {
      auto configuration = read_configuration(data, verdict);
      require(verdict, configuration.token.reveal(), "configuration.token");
      require(verdict, configuration.signing.subject, "configuration.certificateSigningRequestInfo.subject");
      require(verdict, configuration.signing.key_algorithm, "configuration.certificateSigningRequestInfo.keyAlgorithm");
      check_management(verdict, configuration.management, false);
      return configuration;
    });
  }

  Result<SignedCertificate> sign(const std::string& url, const Secret& token, const std::string& csr_pem,
                                 const CallContext& context) override {
    return ask(url, nullptr, sign_call(csr_pem, &token), context, read_certificate);
  }

  Result<ConnectorConfiguration> configuration(const std::string& url, const x509::IdentityPtr& identity,
                                               const CallContext& context) override {
    return ask(url, identity, configuration_call(nullptr), context, [](simdjson::dom::element data, Verdict& verdict) {
      auto configuration = read_configuration(data, verdict);
      check_management(verdict, configuration.management, true);
      return configuration;
    });
  }

  Result<SignedCertificate> sign(const std::string& url, const x509::IdentityPtr& identity, const std::string& csr_pem,
                                 const CallContext& context) override {
    return ask(url, identity, sign_call(csr_pem, nullptr), context, read_certificate);
  }

  void drop_idle_connections() override { clients_.drop_idle_connections(); }

private:
  graphql::Call call(const graphql::Document& document, std::string where, const Secret* token) const {
    graphql::Call made{.document = document, .where = std::move(where)};
    made.timeout = clients_.settings().request_timeout;
    made.most_response_bytes = clients_.settings().most_response_bytes;
    made.logger = &clients_.settings().call_logger;
    made.judge = blame_of_connector;
    if (token != nullptr)
      made.secret_headers.emplace_back("Connector-Token", *token);
    return made;
  }
  graphql::Call configuration_call(const Secret* token) const {
    return call(documents::configuration, "Connector, configuration", token);
  }
  graphql::Call sign_call(const std::string& csr_pem, const Secret* token) const {
    auto made = call(documents::sign, "Connector, signing the certificate", token);
    made.variables["csr"] = base64_encode(csr_pem);
    return made;
  }

  template <class Read>
  auto ask(const std::string& url, const x509::IdentityPtr& identity, const graphql::Call& call,
           const CallContext& context, Read read)
      -> Result<decltype(read(std::declval<simdjson::dom::element>(), std::declval<Verdict&>()))> {
    const auto endpoint = clients_.endpoint(url, identity, call.where);
    if (!endpoint)
      return failed(endpoint.error());
    graphql::Parser parser(call.most_response_bytes);
    const auto answer = graphql::execute(*endpoint, call, context, parser);
    if (!answer)
      return failed(answer.error());
    Verdict verdict;
    auto result = read(answer->data, verdict);
    if (verdict.good())
      return result;
    Failure failure = *verdict.failure();
    failure.where = fmt::format("{}, {}", call.where, endpoint->url.origin());
    failure.request_id = context.request_id;
    failure.http_status = 200;
    failure.maybe_processed = true; // an answer came: whatever it spends is spent
    return failed(std::move(failure));
  }

  ClientCache clients_;
};

} // namespace

std::shared_ptr<ConnectorClient> make_connector_client(ClientSettings settings) {
  return std::make_shared<HttpConnectorClient>(std::move(settings));
}

} // namespace runtime_agent::compass
