#include "actors/application_reconciler/secret_ownership.hpp"

#include <algorithm>

#include "actors/application_reconciler/names.hpp"

namespace runtime_agent::application_reconciler {

namespace {

// What becomes of it, and what a person can do. The entries of an Application would make the gateway send a stranger's
// credentials to an address that Compass chooses: so nothing of it is applied.
std::string left(const std::string& because) {
  return because + "; both are left as they are: delete the Secret or rename the Application in Compass";
}

bool owned_by(const ObservedSecret& secret, const std::string& application) {
  return std::any_of(secret.owners.begin(), secret.owners.end(),
                     [&](const OwnerReference& owner) { return owner.is_application() && owner.name == application; });
}

bool owned_by_any(const ObservedSecret& secret) {
  return std::any_of(secret.owners.begin(), secret.owners.end(),
                     [](const auto& owner) { return owner.is_application(); });
}

bool owned_by_a_stranger(const SecretClaim& claim, const ObservedSecret& secret, const FindApplication& find) {
  return std::any_of(secret.owners.begin(), secret.owners.end(), [&](const OwnerReference& owner) {
    if (!owner.is_application() || owner.name == claim.application)
      return false;
    const auto* other = find(owner.name);
    return other != nullptr && !other->managed;
  });
}

bool labelled(const SecretClaim& claim, const ObservedSecret& secret) {
  return secret.application_label == application_label(claim.application) && secret.bundle_label == claim.bundle_id;
}

// Long names are cut, so an Application that was renamed may want the very name that it had before: what would be
// deleted as the other's is taken over in place.
bool left_behind(const SecretClaim& claim, const ObservedSecret& secret, const FindApplication& find) {
  const std::string other = secret.application();
  if (other.empty())
    return false;
  const auto* observed = find(other);
  // Of an Application that is gone, a label alone proves nothing.
  return (observed != nullptr ? observed->managed : owned_by_any(secret)) &&
         made_for(claim.secret, secret, other, observed);
}

} // namespace

std::string reason_to_leave(const SecretClaim& claim, const ObservedSecret& secret, const FindApplication& find) {
  if (!secret.opaque)
    return reason_to_leave_other_type();
  if (secret.controlled_by_other_than(claim.application))
    return left(" is controlled by something else");
  if (owned_by_a_stranger(claim, secret, find))
    return left(" belongs to an Application that is not Compass'");
  if (owned_by(secret, claim.application) || labelled(claim, secret) || secret.written_here ||
      left_behind(claim, secret, find))
    return {};
  return left(" is somebody else's (neither an owner reference to the Application nor the labels app=" +
              std::string(application_label(claim.application)) + " and bundleId=" + claim.bundle_id + ")");
}

std::string reason_to_leave_other_type() {
  return left(" is somebody else's (of another type than Opaque)");
}

std::string reason_to_leave_own() {
  return " is the agent's own; both are left as they are: rename the Application in Compass";
}

bool made_for(const std::string& name, const ObservedSecret& secret, const std::string& application,
              const ObservedApplication* observed) {
  if (!secret.opaque || secret.controlled_by_other_than(application))
    return false;
  const bool owned = owned_by_any(secret);
  // Without an owner its label speaks for it; a long Application's label is cut.
  if (owned ? secret.application() != application : secret.application_label != application_label(application))
    return false;
  if (secret.bundle_label)
    return name == credentials_secret_name(application, *secret.bundle_label) ||
           name == parameters_secret_name(application, *secret.bundle_label);
  return owned && observed != nullptr &&
         std::find(observed->secrets.begin(), observed->secrets.end(), name) != observed->secrets.end();
}

} // namespace runtime_agent::application_reconciler
