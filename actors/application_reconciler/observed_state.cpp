#include "actors/application_reconciler/observed_state.hpp"

#include <algorithm>
#include <utility>

#include "actors/application_reconciler/names.hpp"
#include "actors/application_reconciler/object_bodies.hpp"

namespace runtime_agent::application_reconciler {

using kubernetes::JsonView;

namespace {

std::optional<std::string> text(const JsonView& value) {
  return value.is_string() ? std::optional(std::string(value.text())) : std::nullopt;
}

std::string text_or_empty(const JsonView& value) {
  return std::string(value.text());
}

void add_name(std::vector<std::string>& names, std::string name) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(std::move(name));
}

// The bundle's APIs name its Secrets; a bundle that has events only may have Secrets that nothing names (contract
// §5.3).
void add_secrets_of(std::vector<std::string>& names, const JsonView& service, const std::string& application) {
  bool has_api = false;
  service.member("entries").for_each_element([&](const JsonView& entry) {
    if (entry.member("type").text() != "API")
      return;
    has_api = true;
    add_name(names, text_or_empty(entry.member("credentials").member("secretName")));
    add_name(names, text_or_empty(entry.member("requestParametersSecretName")));
  });
  const std::string bundle = text_or_empty(service.member("id"));
  if (has_api || bundle.empty())
    return;
  add_name(names, credentials_secret_name(application, bundle));
  add_name(names, parameters_secret_name(application, bundle));
}

} // namespace

bool OwnerReference::is_application() const {
  return kind == application_kind && api_version.starts_with("applicationconnector.kyma-project.io/");
}

bool ObservedSecret::controlled_by_other_than(const std::string& name) const {
  return std::any_of(owners.begin(), owners.end(), [&](const OwnerReference& owner) {
    return owner.controller && !(owner.is_application() && owner.name == name);
  });
}

std::string ObservedSecret::application() const {
  for (const auto& owner : owners)
    if (owner.is_application())
      return owner.name;
  return bundle_label ? application_label.value_or(std::string()) : std::string();
}

std::string object_name(const JsonView& object) {
  return text_or_empty(object.member("metadata").member("name"));
}

ObservedApplication observed_application(const JsonView& object) {
  const JsonView metadata = object.member("metadata");
  ObservedApplication application;
  application.uid = text_or_empty(metadata.member("uid"));
  application.resource_version = text_or_empty(metadata.member("resourceVersion"));
  application.managed = belongs_to_compass(object);
  application.terminating = !metadata.member("deletionTimestamp").is_null();
  if (!application.managed)
    return application; // nothing else of it is our concern
  application.digest = application_digest(object);
  const std::string name = object_name(object);
  object.member("spec").member("services").for_each_element([&](const JsonView& service) {
    add_secrets_of(application.secrets, service, name);
  });
  return application;
}

ObservedSecret observed_secret(const JsonView& object) {
  const JsonView metadata = object.member("metadata");
  const JsonView labels = metadata.member("labels");
  ObservedSecret secret;
  secret.uid = text_or_empty(metadata.member("uid"));
  secret.resource_version = text_or_empty(metadata.member("resourceVersion"));
  secret.terminating = !metadata.member("deletionTimestamp").is_null();
  const std::string_view type = object.member("type").text();
  secret.opaque = type.empty() || type == "Opaque"; // what the API server makes of none
  secret.credentials = secret_digest(object, SecretKind::credentials);
  secret.parameters = secret_digest(object, SecretKind::parameters);
  secret.application_label = text(labels.member("app"));
  secret.bundle_label = text(labels.member("bundleId"));
  metadata.member("ownerReferences").for_each_element([&](const JsonView& reference) {
    secret.owners.push_back({text_or_empty(reference.member("apiVersion")), text_or_empty(reference.member("kind")),
                             text_or_empty(reference.member("name")), text_or_empty(reference.member("uid")),
                             reference.member("controller").is_true()});
  });
  return secret;
}

const ObservedApplication* ObservedState::application(const std::string& name) const {
  const auto found = applications_.find(name);
  return found == applications_.end() ? nullptr : &found->second;
}

const ObservedSecret* ObservedState::secret(const std::string& name) const {
  return secrets_.find(name);
}

const std::set<std::string>& ObservedState::secrets_of(const std::string& application) const {
  static const std::set<std::string> none;
  const auto found = secrets_.by_application().find(application);
  return found == secrets_.by_application().end() ? none : found->second;
}

bool ObservedState::as_wanted(const std::string& name, const ObservedApplication& live, const Digest& wanted) const {
  if (live.digest == wanted)
    return true;
  const auto kept = kept_applications_.find(name);
  return kept != kept_applications_.end() && kept->second.wanted == wanted && kept->second.kept == live.digest;
}

bool ObservedState::as_kept(const std::string& name, const ObservedSecret& live, const Digest& wanted) const {
  const auto found = kept_secrets_.find(name);
  if (found == kept_secrets_.end() || found->second.wanted != wanted)
    return false;
  const ObservedSecret& kept = found->second.kept;
  return live.uid == kept.uid && live.credentials == kept.credentials && live.parameters == kept.parameters &&
         live.application_label == kept.application_label && live.bundle_label == kept.bundle_label &&
         live.owners == kept.owners;
}

void ObservedState::keep(const std::string& name, const KeptApplication& kept) {
  kept_applications_.insert_or_assign(name, kept);
}

void ObservedState::keep(const std::string& name, KeptSecret kept) {
  kept_secrets_.insert_or_assign(name, std::move(kept));
}

void ObservedState::put(const std::string& name, std::optional<ObservedApplication> application) {
  if (application)
    applications_.insert_or_assign(name, std::move(*application));
  else {
    applications_.erase(name);
    forget_kept_application(name);
  }
}

void ObservedState::put(const std::string& name, std::optional<ObservedSecret> secret) {
  if (secret)
    secrets_.insert_or_assign(name, std::move(*secret));
  else {
    secrets_.erase(name);
    forget_kept_secret(name);
  }
}

void ObservedState::replace_secrets(ObservedSecrets all) {
  all.note_written_of(secrets_);
  secrets_ = std::move(all);
}

const ObservedSecret* ObservedSecrets::find(const std::string& name) const {
  const auto found = secrets_.find(name);
  return found == secrets_.end() ? nullptr : &found->second;
}

void ObservedSecrets::insert_or_assign(const std::string& name, ObservedSecret secret) {
  if (const auto* known = find(name))
    secret.written_here |= known->written_here && known->uid == secret.uid;
  erase(name);
  if (auto application = secret.application(); !application.empty())
    by_application_[std::move(application)].insert(name);
  secrets_.emplace(name, std::move(secret));
}

void ObservedSecrets::note_written(const std::string& name, const std::string& uid) {
  if (const auto known = secrets_.find(name); known != secrets_.end() && known->second.uid == uid)
    known->second.written_here = true;
}

void ObservedSecrets::note_written_of(const ObservedSecrets& former) {
  auto next = secrets_.begin(); // both are sorted: one walk, as this may be an actor's handler
  for (const auto& [name, secret] : former.secrets_) {
    if (!secret.written_here)
      continue;
    while (next != secrets_.end() && next->first < name)
      ++next;
    if (next != secrets_.end() && next->first == name && next->second.uid == secret.uid)
      next->second.written_here = true;
  }
}

void ObservedSecrets::erase(const std::string& name) {
  const auto known = secrets_.find(name);
  if (known == secrets_.end())
    return;
  const auto owner = by_application_.find(known->second.application());
  if (owner != by_application_.end() && owner->second.erase(name) > 0 && owner->second.empty())
    by_application_.erase(owner);
  secrets_.erase(known);
}

} // namespace runtime_agent::application_reconciler
