#include "actors/application_reconciler/desired_objects.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "actors/application_reconciler/gateway_urls.hpp"
#include "actors/application_reconciler/names.hpp"
#include "actors/application_reconciler/object_bodies.hpp"
#include "actors/application_reconciler/problem_text.hpp"
#include "actors/application_reconciler/secret_ownership.hpp"

namespace runtime_agent::application_reconciler {

namespace {

constexpr std::size_t name_limit = 253; // longer ones are no Application's in a cluster

// Director names in a message: whatever they hold, they stay short.
std::string in_quotes(std::string_view text) {
  return '"' + bounded(text, 100) + '"';
}

std::string joined(const std::set<std::string>& ids) {
  std::string text;
  for (const auto& id : ids) {
    text += (text.empty() ? "" : " and ") + id;
    if (text.size() > 500)
      break;
  }
  return bounded(text, 500);
}

bool has_credentials_secret(const compass::Auth& auth) {
  return std::holds_alternative<compass::BasicCredential>(auth.credential) ||
         std::holds_alternative<compass::OAuthCredential>(auth.credential);
}

// By name: neither a digest nor a refusal's words hang on the order of the bundles (contract §3).
std::vector<DesiredSecret> desired_secrets(const compass::Application& source, const std::string& application) {
  std::vector<DesiredSecret> secrets;
  for (std::size_t i = 0; i < source.bundles.size(); ++i) {
    const compass::Bundle& bundle = source.bundles[i];
    if (!bundle.default_instance_auth)
      continue;
    const auto add = [&](SecretKind kind, std::string name) {
      secrets.push_back({std::move(name), kind, bundle.id, i, secret_digest(bundle, kind)});
    };
    if (has_credentials_secret(*bundle.default_instance_auth))
      add(SecretKind::credentials, credentials_secret_name(application, bundle.id));
    if (!bundle.default_instance_auth->headers_empty || !bundle.default_instance_auth->query_parameters_empty)
      add(SecretKind::parameters, parameters_secret_name(application, bundle.id));
  }
  std::stable_sort(secrets.begin(), secrets.end(),
                   [](const DesiredSecret& a, const DesiredSecret& b) { return a.name < b.name; });
  return secrets;
}

// The API server's own limits: of a request's body, and of all values of a Secret.
constexpr std::size_t most_object_bytes = 3u << 20;
constexpr std::size_t most_secret_bytes = 1u << 20;

std::size_t size_of(const std::optional<std::string>& text) {
  return text ? text->size() : 0;
}

// Of the texts alone: the object is larger.
std::size_t least_bytes(const compass::Application& source) {
  std::size_t bytes = size_of(source.description);
  for (const auto& id : source.auth_ids)
    bytes += id.size();
  for (const auto& bundle : source.bundles) {
    bytes += bundle.id.size() + bundle.name.size() + size_of(bundle.description) +
             size_of(bundle.instance_auth_request_input_schema);
    for (const auto& api : bundle.api_definitions)
      bytes += api.id.size() + api.name.size() + api.target_url.size();
    for (const auto& event : bundle.event_definitions)
      bytes += event.id.size() + event.name.size();
  }
  return bytes;
}

std::size_t secret_bytes(const compass::Auth& auth, SecretKind kind) {
  const auto size = [](const Secret& secret) { return secret.reveal().size(); };
  if (kind == SecretKind::parameters)
    return (auth.additional_headers ? size(*auth.additional_headers) : 0) +
           (auth.additional_query_parameters ? size(*auth.additional_query_parameters) : 0);
  if (const auto* basic = std::get_if<compass::BasicCredential>(&auth.credential))
    return size(basic->username) + size(basic->password);
  if (const auto* oauth = std::get_if<compass::OAuthCredential>(&auth.credential))
    return size(oauth->client_id) + size(oauth->client_secret);
  return 0;
}

// What the API server would refuse for its size, whenever it is asked.
std::string too_large(const compass::Application& source, const std::vector<DesiredSecret>& secrets) {
  if (const auto bytes = least_bytes(source); bytes > most_object_bytes)
    return fmt::format("its texts are {} bytes, and the API server takes {} at most; shorten them in Compass", bytes,
                       most_object_bytes);
  for (const auto& secret : secrets)
    if (const auto bytes = secret_bytes(*source.bundles[secret.bundle].default_instance_auth, secret.kind);
        bytes > most_secret_bytes)
      return fmt::format(
          "its Secret {} would hold {} bytes, and the API server takes {} at most; shorten {} in Compass", secret.name,
          bytes, most_secret_bytes,
          secret.kind == SecretKind::parameters ? "the headers and query parameters" : "the credentials");
  return {};
}

// Why this Application cannot be written; empty where it can.
std::string refusal(const compass::Application& source, const std::string& name,
                    const std::vector<DesiredSecret>& secrets, const std::set<std::string>& own_secrets) {
  if (!is_dns1123_subdomain(name))
    return "the name " + in_quotes(source.name) + " of Application " + source.id +
           " gives no DNS-1123 subdomain; rename it in Compass";
  for (const auto& secret : secrets)
    if (!is_dns1123_subdomain(secret.name) || !is_label_value(secret.bundle_id))
      return "no Secret can be named " + in_quotes(secret.name) + "; rename the Application in Compass";
  for (const auto& secret : secrets)
    if (own_secrets.contains(secret.name))
      return "its Secret " + secret.name + reason_to_leave_own();
  return too_large(source, secrets);
}

Digest whole_digest(const DesiredApplication& application) {
  const auto bytes = [](const Digest& digest) {
    return std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size());
  };
  Hasher hasher;
  hasher.text(bytes(application.digest));
  for (const auto& secret : application.secrets) {
    hasher.text(secret.name);
    hasher.text(bytes(secret.digest));
  }
  return hasher.finish();
}

class Mapping {
public:
  explicit Mapping(const MappingSettings& settings) : settings_(settings) {
    objects_.own_secrets = settings.own_secrets;
  }

  void add(const std::shared_ptr<const compass::Application>& source, bool normalized) {
    std::string name = application_name(source->name, normalized);
    const auto [claim, first] = claims_.try_emplace(name, source->id);
    if (!first) {
      ids_[name].insert({claim->second, source->id});
      return;
    }
    auto secrets = desired_secrets(*source, name);
    if (auto reason = refusal(*source, name, secrets, settings_.own_secrets); !reason.empty()) {
      refuse(name, reason);
      return;
    }
    DesiredApplication application{name, {}, {}, std::move(secrets), gateway_warning(*source), source};
    application.digest = application_digest(*source, name, settings_);
    application.whole_digest = whole_digest(application);
    objects_.applications.emplace(std::move(name), std::make_shared<const DesiredApplication>(std::move(application)));
  }

  DesiredObjects finish() {
    for (const auto& [name, ids] : ids_)
      refuse(name, "more than one Application of Compass has this name: " + joined(ids) + "; rename all but one");
    claim_secrets();
    for (const auto& [name, reason] : objects_.refused)
      objects_.applications.erase(name);
    std::erase_if(objects_.secret_owners,
                  [this](const auto& claim) { return objects_.refused.contains(claim.second); });
    return std::move(objects_);
  }

private:
  void refuse(const std::string& name, const std::string& reason) {
    objects_.refused[name] = bounded(reason, reason_limit);
  }

  // Two long names that are cut to the same one, with one bundle id: neither may take the other's Secret.
  void claim_secrets() {
    for (const auto& [name, application] : objects_.applications)
      for (const auto& secret : application->secrets) {
        const auto [claim, first] = objects_.secret_owners.emplace(secret.name, name);
        if (first)
          continue;
        refuse(name, "its Secret " + secret.name + " is wanted by Application " + claim->second + " as well");
        refuse(claim->second, "its Secret " + secret.name + " is wanted by Application " + name + " as well");
      }
  }

  const MappingSettings& settings_;
  DesiredObjects objects_;
  std::unordered_map<std::string, std::string> claims_; // name → id of the first that has it
  std::map<std::string, std::set<std::string>> ids_;    // of names that several have, sorted: the order does not show
};

} // namespace

std::vector<ApplicationProblem> DesiredObjects::problems() const {
  std::vector<ApplicationProblem> problems;
  for (const auto& [name, reason] : refused)
    problems.push_back({bounded(name, name_limit), reason});
  return problems;
}

std::vector<ApplicationProblem> DesiredObjects::warnings() const {
  std::vector<ApplicationProblem> warnings;
  for (const auto& [name, application] : applications)
    if (!application->warning.empty())
      warnings.push_back({name, application->warning});
  return warnings;
}

DesiredObjects desired_objects(const compass::RuntimeDataPtr& data, const MappingSettings& settings) {
  Mapping mapping(settings);
  for (const auto& application : data->applications)
    mapping.add({data, &application}, data->labels.is_normalized);
  return mapping.finish();
}

} // namespace runtime_agent::application_reconciler
