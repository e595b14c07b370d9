#include "actors/application_reconciler/application_description.hpp"

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "actors/application_reconciler/names.hpp"
#include "transport/compass/by_id.hpp"

namespace runtime_agent::application_reconciler {
namespace {

std::string_view described(const std::optional<std::string>& description) {
  return description && !description->empty() ? std::string_view(*description) : "Description not provided";
}

bool has_parameters(const compass::Bundle& bundle) {
  return bundle.default_instance_auth &&
         !(bundle.default_instance_auth->headers_empty && bundle.default_instance_auth->query_parameters_empty);
}

/// In the order received, or by id where the sink wants that; as hash_json() does, for a digest.
template <class Sink, class Item, class Visit>
void visit_list(const std::vector<Item>& items, Visit visit) {
  const auto before = [](const Item& a, const Item& b) { return compass::id_of(a) < compass::id_of(b); };
  if (!Sink::lists_by_id || std::is_sorted(items.begin(), items.end(), before)) {
    std::for_each(items.begin(), items.end(), visit);
    return;
  }
  for (const Item* item : compass::by_id(items))
    visit(*item);
}

/// The `credentials` of each of a bundle's APIs, and of an event definition, which has none.
struct Credentials {
  std::string_view type;
  std::string secret_name;
  std::string_view authentication_url;
  std::optional<std::string_view> token_endpoint_url;
};

Credentials credentials_of(const compass::Bundle& bundle, const std::string& application) {
  if (!bundle.default_instance_auth)
    return {};
  const compass::Auth& auth = *bundle.default_instance_auth;
  Credentials credentials;
  if (const auto* oauth = std::get_if<compass::OAuthCredential>(&auth.credential)) {
    credentials.type = "OAuth";
    credentials.authentication_url = oauth->url;
  } else if (std::holds_alternative<compass::BasicCredential>(auth.credential)) {
    credentials.type = "Basic";
  } else {
    return {};
  }
  credentials.secret_name = credentials_secret_name(application, bundle.id);
  if (auth.csrf_token_endpoint_url)
    credentials.token_endpoint_url = *auth.csrf_token_endpoint_url;
  return credentials;
}

template <class Sink>
void describe_credentials(Sink& sink, const Credentials& credentials) {
  sink.open_object("credentials");
  if (!credentials.authentication_url.empty())
    sink.text("authenticationUrl", credentials.authentication_url);
  if (credentials.token_endpoint_url) {
    sink.open_object("csrfInfo");
    sink.text("tokenEndpointURL", *credentials.token_endpoint_url);
    sink.close();
  }
  sink.text("secretName", credentials.secret_name);
  sink.text("type", credentials.type);
  sink.close();
}

template <class Sink>
void describe_entries(Sink& sink, const compass::Bundle& bundle, const std::string& application,
                      const std::string& gateway) {
  const Credentials credentials = credentials_of(bundle, application);
  const std::string parameters = has_parameters(bundle) ? parameters_secret_name(application, bundle.id) : "";
  std::string url = gateway + '/' + application + '/' + normalized_name(bundle.name) + '/';
  const auto url_size = url.size();
  sink.open_array("entries", bundle.api_definitions.size() + bundle.event_definitions.size());
  visit_list<Sink>(bundle.api_definitions, [&](const compass::ApiDefinition& api) {
    url.resize(url_size);
    url += normalized_name(api.name);
    sink.open_element();
    sink.text("centralGatewayUrl", url);
    describe_credentials(sink, credentials);
    sink.text("gatewayUrl", "");
    sink.text("id", api.id);
    sink.text("name", api.name);
    if (!parameters.empty())
      sink.text("requestParametersSecretName", parameters);
    sink.text("targetUrl", api.target_url);
    sink.text("type", "API");
    sink.close();
  });
  visit_list<Sink>(bundle.event_definitions, [&](const compass::EventDefinition& event) {
    sink.open_element();
    sink.text("centralGatewayUrl", "");
    describe_credentials(sink, {});
    sink.text("gatewayUrl", "");
    sink.text("id", event.id);
    sink.text("name", event.name);
    sink.text("targetUrl", "");
    sink.text("type", "Events");
    sink.close();
  });
  sink.close();
}

template <class Sink>
void describe_service(Sink& sink, const compass::Bundle& bundle, const std::string& application,
                      const std::string& gateway) {
  sink.open_element();
  if (bundle.instance_auth_request_input_schema)
    sink.text("authCreateParameterSchema", *bundle.instance_auth_request_input_schema);
  sink.text("description", described(bundle.description));
  sink.text("displayName", bundle.name);
  describe_entries(sink, bundle, application, gateway);
  sink.text("id", bundle.id);
  sink.text("identifier", "");
  sink.text("name", service_name(bundle.name, bundle.id));
  sink.text("providerDisplayName", "");
  sink.close();
}

} // namespace

template <class Sink>
void describe_application(Sink& sink, const compass::Application& source, const std::string& name,
                          const MappingSettings& settings) {
  std::string gateway = settings.central_gateway_url;
  if (gateway.ends_with('/'))
    gateway.pop_back();
  sink.open_object("compassMetadata");
  sink.text("applicationId", source.id);
  sink.open_object("authentication");
  sink.open_array("clientIds", source.auth_ids.size());
  visit_list<Sink>(source.auth_ids, [&](const std::string& id) { sink.element(id); });
  sink.close();
  sink.close();
  sink.close();
  sink.text("description", described(source.description));
  sink.open_object("labels");
  sink.text("connected-app", name);
  sink.close();
  sink.open_array("services", source.bundles.size());
  visit_list<Sink>(source.bundles,
                   [&](const compass::Bundle& bundle) { describe_service(sink, bundle, name, gateway); });
  sink.close();
}

template void describe_application(JsonSink&, const compass::Application&, const std::string&, const MappingSettings&);
template void describe_application(TextSink&, const compass::Application&, const std::string&, const MappingSettings&);
template void describe_application(HashSink&, const compass::Application&, const std::string&, const MappingSettings&);

} // namespace runtime_agent::application_reconciler
