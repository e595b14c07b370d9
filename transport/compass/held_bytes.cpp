#include "transport/compass/held_bytes.hpp"

#include <numeric>
#include <type_traits>

namespace runtime_agent::compass {
namespace {

constexpr std::size_t block = 16; // what an allocation costs beside its bytes
constexpr std::size_t within_a_string = 15;

std::size_t texts(const std::optional<std::string>& text) {
  return text ? held_bytes(*text) : 0;
}
std::size_t texts(const Secret& secret) {
  return held_bytes(secret.reveal());
}
std::size_t texts(const std::optional<Secret>& secret) {
  return secret ? texts(*secret) : 0;
}
std::size_t texts(const std::optional<Version>& version) {
  return version ? held_bytes(version->value) + texts(version->deprecated_since) : 0;
}
std::size_t texts(const Credential& credential) {
  return std::visit(
      [](const auto& one) -> std::size_t {
        using Kind = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<Kind, BasicCredential>)
          return texts(one.username) + texts(one.password);
        else if constexpr (std::is_same_v<Kind, OAuthCredential>)
          return texts(one.client_id) + texts(one.client_secret) + held_bytes(one.url);
        else if constexpr (std::is_same_v<Kind, UnknownCredential>)
          return held_bytes(one.type);
        else
          return 0;
      },
      credential);
}
std::size_t texts(const std::optional<Auth>& auth) {
  if (!auth)
    return 0;
  return texts(auth->credential) + texts(auth->additional_headers) + texts(auth->additional_query_parameters) +
         texts(auth->csrf_token_endpoint_url);
}

template <class Definition>
std::size_t texts_of_definition(const Definition& definition) {
  return held_bytes(definition.id) + held_bytes(definition.name) + texts(definition.description) +
         texts(definition.group) + texts(definition.version);
}

} // namespace

std::size_t held_bytes(const std::string& text) {
  return text.capacity() > within_a_string ? text.capacity() + block : 0;
}

std::size_t held_bytes(const ApiDefinition& definition) {
  return sizeof(definition) + texts_of_definition(definition) + held_bytes(definition.target_url);
}

std::size_t held_bytes(const EventDefinition& definition) {
  return sizeof(definition) + texts_of_definition(definition);
}

std::size_t held_bytes(const Bundle& bundle) {
  return sizeof(bundle) + held_bytes(bundle.id) + held_bytes(bundle.name) + texts(bundle.description) +
         texts(bundle.instance_auth_request_input_schema) + texts(bundle.default_instance_auth);
}

std::size_t held_bytes(const Application& application) {
  const auto add = [](std::size_t sum, const std::string& id) { return sum + sizeof(id) + held_bytes(id); };
  return std::accumulate(application.auth_ids.begin(), application.auth_ids.end(),
                         sizeof(application) + held_bytes(application.id) + held_bytes(application.name) +
                             texts(application.provider_name) + texts(application.description),
                         add);
}

std::size_t held_bytes(const RuntimeLabels& labels) {
  const auto add = [](std::size_t sum, const auto& label) {
    return sum + sizeof(label) + held_bytes(label.first) + held_bytes(label.second);
  };
  return std::accumulate(labels.values.begin(), labels.values.end(), std::size_t{0}, add);
}

} // namespace runtime_agent::compass
