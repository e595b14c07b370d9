#include "actors/connection_manager/secret_objects.hpp"

#include <array>
#include <charconv>

#include "transport/encoding.hpp"

namespace runtime_agent::connection_manager {
namespace {

using kubernetes::Json;

constexpr std::array step_names{std::string_view("preparing"), std::string_view("paired"), std::string_view("signing"),
                                std::string_view("issued")};

Json& object_at(Json& parent, const char* key) {
  Json& child = parent[key];
  if (!child.is_object())
    child = Json::object();
  return child;
}

const Json* member(const Json& parent, std::string_view key) {
  const auto found = parent.is_object() ? parent.find(std::string(key)) : parent.end();
  return found == parent.end() ? nullptr : &*found;
}

/// Sets `data` keys and annotations.
class Writer {
public:
  explicit Writer(Json& secret)
      : data_(object_at(secret, "data")), annotations_(object_at(object_at(secret, "metadata"), "annotations")) {}
  void data(const char* key, const std::string& value) { data_[key] = base64_encode(value); }
  void annotation(std::string_view name, const std::string& value) {
    const std::string key = std::string(annotation_prefix) + std::string(name);
    if (value.empty())
      annotations_.erase(key);
    else
      annotations_[key] = value;
  }

private:
  Json& data_;
  Json& annotations_;
};

/// Absent and undecodable values are empty.
std::string data_of(const Json& secret, std::string_view key) {
  const Json* data = member(secret, "data");
  const Json* value = data ? member(*data, key) : nullptr;
  if (!value || !value->is_string())
    return {};
  auto decoded = base64_decode(value->get_ref<const std::string&>());
  return decoded ? std::move(*decoded) : std::string(); // moved, so that no copy is left behind
}

std::string annotation_of(const Json& secret, std::string_view name) {
  const Json* metadata = member(secret, "metadata");
  const Json* annotations = metadata ? member(*metadata, "annotations") : nullptr;
  const Json* value = annotations ? member(*annotations, std::string(annotation_prefix) + std::string(name)) : nullptr;
  return value && value->is_string() ? value->get<std::string>() : std::string();
}

template <class Number>
std::optional<Number> number_of(const std::string& text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

bool whole(const Pending& pending) {
  switch (pending.step) {
  case Step::preparing:
    return !pending.key_pem.empty();
  case Step::paired:
  case Step::signing:
    return !pending.key_pem.empty() && !pending.token.empty() && !pending.subject.empty() &&
           !pending.sign_url.empty() && pending.access.complete();
  case Step::issued:
    return pending.access.complete() && pending.identity;
  }
  return false;
}

} // namespace

Json new_secret(const std::string& namespace_, const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", {{"name", name}, {"namespace", namespace_}}},
          {"type", "Opaque"}};
}

void put_certificates(Json& secret, const Credentials& credentials) {
  Writer writer(secret);
  writer.data("crt", credentials.identity->certificate_pem);
  writer.data("key", credentials.identity->key_pem.reveal());
  writer.data("crtChain", credentials.identity->chain_pem);
  writer.annotation("runtime-id", credentials.access.runtime_id);
  writer.annotation("tenant", credentials.access.tenant);
  writer.annotation("connector-url", credentials.access.connector_url);
  writer.annotation("director-url", credentials.access.director_url);
  writer.annotation("reconnect-served", credentials.reconnect_served);
  // Tells a CA Secret of another pairing, which a crash between the two writes leaves (contract §2.1).
  if (!credentials.identity->ca_pem.empty())
    writer.annotation("ca-sha256", sha256_hex(credentials.identity->ca_pem));
}

void put_ca(Json& secret, const std::string& ca_pem) {
  Writer(secret).data("cacert", ca_pem);
}

void put_pending(Json& secret, const Pending& pending) {
  Writer writer(secret);
  writer.data("step", std::string(step_names.at(static_cast<std::size_t>(pending.step))));
  writer.data("purpose", pending.for_renewal ? "renewal" : "pairing");
  writer.data("key", pending.key_pem.reveal());
  writer.data("keyBits", std::to_string(pending.key_bits));
  writer.data("subject", pending.subject);
  writer.data("keyAlgorithm", pending.key_algorithm);
  writer.data("signUrl", pending.sign_url);
  writer.data("token", pending.token.reveal());
  writer.data("tokenTime", std::to_string(std::chrono::system_clock::to_time_t(pending.token_time)));
  writer.data("tokenSha256", pending.token_sha256);
  writer.data("reconnectId", pending.reconnect_id);
  writer.data("runtimeId", pending.access.runtime_id);
  writer.data("tenant", pending.access.tenant);
  writer.data("connectorUrl", pending.access.connector_url);
  writer.data("directorUrl", pending.access.director_url);
  const bool issued = pending.step == Step::issued && pending.identity;
  writer.data("crt", issued ? pending.identity->certificate_pem : "");
  writer.data("crtChain", issued ? pending.identity->chain_pem : "");
  writer.data("cacert", issued ? pending.identity->ca_pem : "");
}

void wipe_data(Json& secret) {
  const auto data = secret.is_object() ? secret.find("data") : secret.end();
  if (data == secret.end() || !data->is_object())
    return;
  for (auto& value : *data)
    if (value.is_string())
      wipe(value.get_ref<std::string&>());
}

Result<Credentials> read_certificates(const Json& secret, const std::string& ca_pem) {
  const std::string certificate = data_of(secret, "crt");
  const std::string chain = data_of(secret, "crtChain");
  const Secret key(data_of(secret, "key"));
  const std::string ca_digest = annotation_of(secret, "ca-sha256");
  const bool ca_belongs = ca_digest.empty() || ca_digest == sha256_hex(ca_pem);
  const std::string& chain_or_certificate = chain.empty() ? certificate : chain;
  auto identity = x509::make_identity(certificate, chain_or_certificate, key, ca_belongs ? ca_pem : "");
  if (!identity && !ca_pem.empty()) // a CA that does not parse makes nobody's certificate useless
    identity = x509::make_identity(certificate, chain_or_certificate, key, "");
  if (!identity)
    return failed(identity.error());
  return Credentials{.identity = std::move(*identity),
                     .access = {.runtime_id = annotation_of(secret, "runtime-id"),
                                .tenant = annotation_of(secret, "tenant"),
                                .connector_url = annotation_of(secret, "connector-url"),
                                .director_url = annotation_of(secret, "director-url")},
                     .reconnect_served = annotation_of(secret, "reconnect-served")};
}

std::string read_ca(const Json& secret) {
  return data_of(secret, "cacert");
}

std::optional<Pending> read_pending(const Json& secret) {
  Pending pending;
  const std::string step = data_of(secret, "step");
  const auto found = std::find(step_names.begin(), step_names.end(), step);
  const auto seconds = number_of<std::int64_t>(data_of(secret, "tokenTime"));
  // Far beyond any clock, but far from where the clock's own type ends.
  constexpr std::int64_t latest = 4'000'000'000;
  if (found == step_names.end() || !seconds || *seconds < 0 || *seconds > latest)
    return std::nullopt;
  pending.step = static_cast<Step>(found - step_names.begin());
  pending.for_renewal = data_of(secret, "purpose") == "renewal";
  pending.key_pem = Secret(data_of(secret, "key"));
  pending.key_bits = number_of<unsigned>(data_of(secret, "keyBits")).value_or(0);
  pending.subject = data_of(secret, "subject");
  pending.key_algorithm = data_of(secret, "keyAlgorithm");
  pending.sign_url = data_of(secret, "signUrl");
  pending.token = Secret(data_of(secret, "token"));
  pending.token_time = WallTime(std::chrono::seconds(*seconds));
  pending.token_sha256 = data_of(secret, "tokenSha256");
  pending.reconnect_id = data_of(secret, "reconnectId");
  pending.access = {.runtime_id = data_of(secret, "runtimeId"),
                    .tenant = data_of(secret, "tenant"),
                    .connector_url = data_of(secret, "connectorUrl"),
                    .director_url = data_of(secret, "directorUrl")};
  if (pending.step == Step::issued)
    pending.identity = x509::make_identity(data_of(secret, "crt"), data_of(secret, "crtChain"), pending.key_pem,
                                           data_of(secret, "cacert"))
                           .value_or(nullptr);
  return whole(pending) ? std::optional(std::move(pending)) : std::nullopt;
}

bool same_certificates(const Credentials& one, const Credentials& other) {
  return one.identity->certificate_pem == other.identity->certificate_pem &&
         one.identity->chain_pem == other.identity->chain_pem && one.identity->key_pem == other.identity->key_pem &&
         one.access == other.access && one.reconnect_served == other.reconnect_served;
}

} // namespace runtime_agent::connection_manager
