#include "actors/connection_manager/credential_record.hpp"

#include <functional>

#include "actors/connection_manager/secret_objects.hpp"

namespace runtime_agent::connection_manager {
namespace {

using kubernetes::Json;

/// An object that holds a key is wiped when it is no longer needed.
class WipedData {
public:
  explicit WipedData(Json& secret) : secret_(secret) {}
  WipedData(const WipedData&) = delete;
  WipedData& operator=(const WipedData&) = delete;
  ~WipedData() { wipe_data(secret_); }

private:
  Json& secret_;
};

std::string version_of(const Json& object) {
  const auto metadata = object.find("metadata");
  return metadata != object.end() && metadata->is_object() ? metadata->value("resourceVersion", "") : std::string();
}

/// Nullopt where it is absent.
Result<std::optional<Json>> look(kubernetes::Api& api, const SecretName& secret, const CallContext& context) {
  auto object = api.get(kubernetes::secrets(secret.namespace_), secret.name, context);
  if (object)
    return std::optional(std::move(*object));
  if (object.error().kind == FailureKind::not_found)
    return std::nullopt;
  return failed(std::move(object.error()));
}

Failure changed_meanwhile(const SecretName& secret) {
  return Failure{.kind = FailureKind::conflict,
                 .where = secret.text(),
                 .what = "was changed by somebody else meanwhile",
                 .next = "reading it again"};
}

Result<std::string> create(kubernetes::Api& api, const SecretName& secret, const std::function<void(Json&)>& put,
                           const CallContext& context) {
  Json object = new_secret(secret.namespace_, secret.name);
  put(object);
  const WipedData wiped(object);
  auto created = api.create(kubernetes::secrets(secret.namespace_), object, context);
  if (created) {
    const WipedData answered(*created);
    return version_of(*created);
  }
  if (created.error().kind == FailureKind::already_exists)
    return failed(changed_meanwhile(secret));
  if (created.error().kind == FailureKind::not_found) {
    created.error().where = secret.text();
    created.error().what = "namespace " + secret.namespace_ + " does not exist";
    created.error().next = "waiting for it";
  }
  return failed(std::move(created.error()));
}

Result<std::string> replace(kubernetes::Api& api, const SecretName& secret, const Json& object,
                            const CallContext& context) {
  auto updated = api.update(kubernetes::secrets(secret.namespace_), object, context);
  if (updated) {
    const WipedData answered(*updated);
    return version_of(*updated);
  }
  if (updated.error().kind == FailureKind::not_found || updated.error().kind == FailureKind::conflict)
    return failed(changed_meanwhile(secret));
  return failed(std::move(updated.error()));
}

/// Reads the whole object again, since what is not ours in it has to stay, and writes only onto the version given.
Result<std::string> write(kubernetes::Api& api, const SecretName& secret, const std::string& version,
                          const std::function<void(Json&)>& put, const CallContext& context) {
  if (version.empty())
    return create(api, secret, put, context);
  auto object = look(api, secret, context);
  if (!object)
    return failed(std::move(object.error()));
  if (!*object || version_of(**object) != version)
    return failed(changed_meanwhile(secret));
  const WipedData wiped(**object);
  put(**object);
  return replace(api, secret, **object, context);
}

std::string text_at(const Json& object, const std::string& key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Where today's agent has written where the certificate is good. Nullopt: absent, or its CRD is.
Result<std::optional<compass::ManagementPlaneInfo>> urls_of_connection(kubernetes::Api& api,
                                                                       const CallContext& context) {
  const auto object = api.get(kubernetes::compass_connections(), "compass-connection", context);
  if (!object && object.error().kind == FailureKind::not_found)
    return std::nullopt;
  if (!object)
    return failed(object.error());
  compass::ManagementPlaneInfo urls;
  if (const auto spec = object->find("spec"); spec != object->end() && spec->is_object())
    if (const auto info = spec->find("managementInfo"); info != spec->end())
      urls = {.director_url = text_at(*info, "directorUrl"),
              .certificate_secured_connector_url = text_at(*info, "connectorUrl")};
  return urls;
}

} // namespace

std::string SecretName::text() const {
  return "Secret " + namespace_ + "/" + name;
}

CredentialRecord::CredentialRecord(std::shared_ptr<kubernetes::Api> api, SecretName certificates, SecretName ca)
    : api_(std::move(api)), certificates_(std::move(certificates)),
      ca_(std::move(ca)), pending_{certificates_.namespace_, certificates_.name + "-pending"} {}

Result<Record> CredentialRecord::read(Parts parts, const CallContext& context) const {
  Record record;
  const auto ca = look(*api_, ca_, context);
  if (!ca)
    return failed(ca.error());
  if (*ca) {
    record.ca_version = version_of(**ca);
    record.ca_pem = read_ca(**ca);
  }
  auto certificates = look(*api_, certificates_, context);
  if (!certificates)
    return failed(certificates.error());
  if (*certificates) {
    const WipedData wiped(**certificates);
    record.certificates_version = version_of(**certificates);
    if (auto credentials = read_certificates(**certificates, record.ca_pem))
      record.credentials = std::move(*credentials);
    else {
      record.problem = std::move(credentials.error());
      record.problem->where = certificates_.text() + ", " + record.problem->where;
    }
  }
  if (parts == Parts::all) {
    auto pending = look(*api_, pending_, context);
    if (!pending)
      return failed(pending.error());
    if (*pending) {
      const WipedData wiped(**pending);
      record.pending_version = version_of(**pending);
      record.pending = read_pending(**pending);
    }
  }
  if (!record.credentials || !record.credentials->access.connector_url.empty())
    return record;
  auto urls = urls_of_connection(*api_, context);
  if (!urls)
    return failed(std::move(urls.error()));
  record.urls = std::move(*urls);
  return record;
}

Result<std::string> CredentialRecord::write_certificates(const Credentials& credentials, const std::string& version,
                                                         const CallContext& context) const {
  return write(
      *api_, certificates_, version, [&](Json& secret) { put_certificates(secret, credentials); }, context);
}

Result<std::string> CredentialRecord::write_ca(const std::string& ca_pem, const std::string& version,
                                               const CallContext& context) const {
  return write(
      *api_, ca_, version, [&](Json& secret) { put_ca(secret, ca_pem); }, context);
}

Result<std::string> CredentialRecord::write_pending(const Pending& pending, const std::string& version,
                                                    const CallContext& context) const {
  const auto put = [&](Json& secret) { put_pending(secret, pending); };
  if (version.empty())
    return create(*api_, pending_, put, context);
  // Wholly ours, so not read first: what is being written down may be a reply that exists nowhere else.
  Json object = new_secret(pending_.namespace_, pending_.name);
  object["metadata"]["resourceVersion"] = version;
  put(object);
  const WipedData wiped(object);
  return replace(*api_, pending_, object, context);
}

Result<void> CredentialRecord::remove_pending(const std::string& version, const CallContext& context) const {
  auto removed = api_->remove(kubernetes::secrets(pending_.namespace_), pending_.name,
                              {.uid = {}, .resource_version = version}, context);
  if (!removed && removed.error().kind == FailureKind::not_found) {
    // Looked at once more: what were left would be taken for a pairing under way.
    const auto left = api_->get(kubernetes::secrets(pending_.namespace_), pending_.name, context);
    if (left)
      return failed(changed_meanwhile(pending_));
    if (left.error().kind == FailureKind::not_found)
      return {};
    return failed(left.error());
  }
  if (!removed && removed.error().kind == FailureKind::conflict)
    return failed(changed_meanwhile(pending_));
  return removed;
}

} // namespace runtime_agent::connection_manager
