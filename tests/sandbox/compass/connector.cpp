#include "tests/sandbox/compass/connector.hpp"

#include <algorithm>
#include <cctype>

#include "tests/sandbox/compass/base64.hpp"
#include "tests/sandbox/compass/director.hpp"

namespace runtime_agent::sandbox::compass {
namespace {

using graphql::Expected;
using graphql::FieldCall;
using graphql::Json;
using graphql::Source;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  return text;
}

/// 2048 of "rsa2048".
int key_bits(const std::string& algorithm) {
  const auto digits = algorithm.find_first_of("0123456789");
  return digits == std::string::npos ? 0 : std::stoi(algorithm.substr(digits));
}

std::string offered_subject(const ConnectorSettings& settings, const std::string& runtime_id) {
  auto subject = settings.subject;
  const std::string placeholder = "{runtime}";
  if (const auto at = subject.find(placeholder); at != std::string::npos)
    subject.replace(at, placeholder.size(), runtime_id);
  return subject;
}

void spoil(Json& configuration, const Fault& fault) {
  if (fault.action == "malformed-subject")
    configuration["certificateSigningRequestInfo"]["subject"] = fault.text.empty() ? "O=Org,=,CN" : fault.text;
  else if (fault.action == "missing-urls")
    configuration["managementPlaneInfo"] = Json::object();
  else if (fault.action == "empty-urls")
    configuration["managementPlaneInfo"] = {{"directorURL", ""}, {"certificateSecuredConnectorURL", ""}};
  else if (fault.action == "missing-management-info")
    configuration["managementPlaneInfo"] = nullptr;
  else if (fault.action == "missing-signing-info")
    configuration["certificateSigningRequestInfo"] = nullptr;
  else if (fault.action == "missing-token")
    configuration["token"] = nullptr;
}

/// From when to when, as whole seconds; two of the faults move it out of the present.
ValidityPeriod validity_of(std::chrono::seconds length, const std::string& action) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  constexpr auto far = std::chrono::hours(48);
  if (action == "expired-certificate")
    return {now - far - length, now - far};
  if (action == "future-certificate")
    return {now + far, now + far + length};
  return {now, now + length};
}

graphql::Json certification_result(const std::string& chain, const std::string& ca, const std::string& client) {
  return {{"certificateChain", chain}, {"caCertificate", ca}, {"clientCertificate", client}};
}

} // namespace

Connector::Connector(ConnectorSettings settings) : settings_(std::move(settings)), authority_("Compass Connector") {}

ConnectorSettings Connector::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

void Connector::configure(const std::function<void(ConnectorSettings&)>& change) {
  const std::lock_guard lock(mutex_);
  change(settings_);
}

std::vector<IssuedCertificate> Connector::certificates() const {
  const std::lock_guard lock(mutex_);
  auto certificates = certificates_;
  for (auto& certificate : certificates)
    certificate.revoked = revoked_.count(certificate.serial) != 0;
  return certificates;
}

bool Connector::revoke(const std::string& serial) {
  const std::lock_guard lock(mutex_);
  const auto wanted = upper(serial);
  if (std::none_of(certificates_.begin(), certificates_.end(),
                   [&](const auto& certificate) { return certificate.serial == wanted; }))
    return false;
  revoked_.insert(wanted);
  return true;
}

bool Connector::revoked(const std::string& serial) const {
  const std::lock_guard lock(mutex_);
  return revoked_.count(serial) != 0;
}

Expected<Source> Connector::configuration(const Caller& caller, const Fault* fault) {
  const auto current = settings();
  Json out{{"token", {{"token", tokens_.issue(caller.runtime_id, false, current.second_token_lifetime)}}},
           {"certificateSigningRequestInfo",
            {{"subject", offered_subject(current, caller.runtime_id)}, {"keyAlgorithm", current.key_algorithm}}},
           {"managementPlaneInfo",
            {{"directorURL", current.director_url},
             {"certificateSecuredConnectorURL", current.certificate_secured_connector_url}}}};
  if (fault != nullptr)
    spoil(out, *fault);
  return Source::made(std::move(out));
}

Expected<Source> Connector::sign(const Caller& caller, const std::string& csr, const Fault* fault) {
  const auto current = settings();
  const auto action = fault == nullptr ? std::string() : fault->action;
  const auto pem = from_base64(csr);
  if (!pem)
    return refused(22, "Error while decoding Certificate Signing Request");
  const auto offered = parse_subject(offered_subject(current, caller.runtime_id));
  if (!offered)
    return refused(10, "the sandbox offers a subject that is malformed: " + offered.error());
  const auto validity = validity_of(current.certificate_validity, action);
  auto certificate = authority_.sign(*pem, *offered, key_bits(current.key_algorithm), validity);
  if (!certificate)
    return refused(22, certificate.error());
  if (action == "wrong-key-certificate")
    certificate = authority_.sign_foreign_key(*offered, validity);
  record(caller, *certificate);
  if (action == "garbage-base64")
    return Source::made(certification_result("%%%", "%%%", "%%%"));
  if (action == "garbage-certificate")
    return Source::made(certification_result(base64("garbage"), base64("garbage"), base64("garbage")));
  using Ca = ConnectorSettings::CaCertificate;
  const auto ca = (current.ca_certificate == Ca::root ? "" : authority_.intermediate_pem()) +
                  (current.ca_certificate == Ca::intermediate ? "" : authority_.root_pem());
  const auto chain = certificate->pem + authority_.intermediate_pem() + authority_.root_pem();
  return Source::made(certification_result(base64(chain), base64(ca), base64(certificate->pem)));
}

void Connector::record(const Caller& caller, const ClientCertificate& certificate) {
  const std::lock_guard lock(mutex_);
  certificates_.push_back({certificate.serial, caller.runtime_id, certificate.pem, certificate.validity,
                           !caller.certificate_serial.empty(), false});
}

Expected<Source> ConnectorResolver::resolve(const FieldCall& call) {
  if (call.type != "Query" && call.type != "Mutation")
    return graphql::member(call);
  if (!caller_.refusal.empty())
    return refused(26, "Unauthorized [reason=" + caller_.refusal + "]");
  const auto* fault = fault_ ? &*fault_ : nullptr;
  if (call.field == "configuration")
    return connector_.configuration(caller_, fault);
  if (call.field == "signCertificateSigningRequest")
    return connector_.sign(caller_, call.arguments.at("csr").get<std::string>(), fault);
  if (caller_.certificate_serial.empty())
    return refused(26, "Unauthorized [reason=only the owner of a certificate can revoke it]");
  return Source::made(connector_.revoke(caller_.certificate_serial));
}

} // namespace runtime_agent::sandbox::compass
