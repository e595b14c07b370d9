#include "actors/application_reconciler/cluster_view.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "actors/application_reconciler/names.hpp"

namespace runtime_agent::application_reconciler {

namespace {

Failure crd_lacking(const Failure& failure) {
  Failure lacking = failure;
  lacking.where = "Applications";
  lacking.what = "the CustomResourceDefinition applications.applicationconnector.kyma-project.io is not installed";
  lacking.next = "trying again; nothing is applied until it is there";
  return lacking;
}

// Failures that make what is known worthless; others may be over before anybody notices.
bool definite(const Failure& failure) {
  return failure.kind == FailureKind::not_found || failure.kind == FailureKind::forbidden;
}

/// What of a Secret that we wrote is not there; named as it stands in a Secret.
kubernetes::FieldsNotKept not_kept(const ObservedSecret& stored, const DesiredSecret& wanted,
                                   const std::string& application) {
  kubernetes::FieldsNotKept fields;
  const Digest& data = wanted.kind == SecretKind::credentials ? stored.credentials : stored.parameters;
  if (data != wanted.digest)
    fields.emplace("data of Secrets", kubernetes::Kept::changed);
  if (stored.application_label != application_label(application) || stored.bundle_label != wanted.bundle_id)
    fields.emplace("metadata.labels of Secrets", kubernetes::Kept::changed);
  if (std::none_of(stored.owners.begin(), stored.owners.end(),
                   [&](const OwnerReference& owner) { return owner.is_application() && owner.name == application; }))
    fields.emplace("metadata.ownerReferences of Secrets", kubernetes::Kept::changed);
  return fields;
}

} // namespace

std::optional<Failure> ClusterView::problem() const {
  if (applications_failure_ && (!applications_known_ || definite(*applications_failure_)))
    return applications_failure_->kind == FailureKind::not_found ? crd_lacking(*applications_failure_)
                                                                 : applications_failure_;
  if (secrets_failure_ && !secrets_known_ && !by_name_)
    return secrets_failure_;
  return std::nullopt;
}

ObservedState& ClusterView::edit() {
  if (lent())
    observed_ = std::make_shared<ObservedState>(*observed_);
  else
    std::atomic_thread_fence(std::memory_order_acquire); // what its last reader did is over before it is changed
  return *observed_;
}

Touched ClusterView::take(const ApplicationsEvent& event, bool& missed) {
  using Kind = ApplicationsEvent::Kind;
  if (event.kind == Kind::failed) {
    applications_failure_ = event.failure;
    return {};
  }
  if (event.kind == Kind::polling) {
    polling_ = true;
    return {};
  }
  applications_failure_.reset();
  if (event.kind == Kind::replaced) {
    missed = applications_known_ && !polling_; // a watch that had to begin anew
    applications_known_ = true;
    edit().replace_applications(std::move(*event.all));
    applications_since_.everything = true;
    return {true, {}};
  }
  polling_ = false; // an event: watching has become allowed
  const auto* known = observed().application(event.name);
  if (event.kind == Kind::changed)
    edit().put(event.name, event.entry);
  else if (known != nullptr && known->uid == event.uid)
    edit().put(event.name, std::optional<ObservedApplication>());
  applications_since_.applications.insert(event.name);
  return {false, {event.name}};
}

Touched ClusterView::take(const SecretsEvent& event, const DesiredObjects* desired) {
  using Kind = SecretsEvent::Kind;
  if (event.kind == Kind::polling)
    return {}; // the reflector's own lists are often enough for Secrets
  if (event.kind == Kind::failed) {
    secrets_failure_ = event.failure;
    return {};
  }
  secrets_failure_.reset();
  if (event.kind == Kind::replaced) {
    secrets_known_ = true;
    by_name_ = false;
    edit().replace_secrets(std::move(*event.all));
    secrets_since_.everything = true;
    return {true, {}};
  }
  secrets_since_.applications.insert(event.name);
  const auto* known = observed().secret(event.name);
  if (event.kind == Kind::deleted && known != nullptr && known->uid != event.uid)
    return {}; // its successor is known already
  return secret_read(event.name, event.entry, desired);
}

Touched ClusterView::secret_read(const std::string& name, const std::optional<ObservedSecret>& secret,
                                 const DesiredObjects* desired) {
  Touched touched;
  const auto note = [&] {
    if (const auto* known = observed().secret(name); known != nullptr && !known->application().empty())
      touched.applications.insert(known->application());
  };
  note();
  edit().put(name, secret);
  note();
  if (desired != nullptr)
    if (const auto owner = desired->secret_owners.find(name); owner != desired->secret_owners.end())
      touched.applications.insert(owner->second);
  return touched;
}

bool ClusterView::watched(const std::optional<ObservedSecret>& secret) const {
  return by_name_ || !secret || secret->opaque;
}

void ClusterView::applications_listed(ObservedApplications all) {
  applications_known_ = true;
  applications_failure_.reset();
  edit().replace_applications(std::move(all));
}

void ClusterView::read_secrets_by_name() {
  by_name_ = true;
  secrets_known_ = false;
  secrets_failure_.reset();
}

void ClusterView::pass_started() {
  applications_since_ = {};
  secrets_since_ = {};
}

void ClusterView::learn(const ApplicationOutcome& outcome) {
  for (const auto& [name, application] : outcome.applications)
    if (!applications_since_.everything && !applications_since_.applications.contains(name))
      edit().put(name, application);
  for (const auto& [name, secret] : outcome.secrets) {
    if (by_name_ || (!secrets_since_.everything && !secrets_since_.applications.contains(name)))
      edit().put(name, watched(secret) ? secret : std::nullopt);
    else if (secret && secret->written_here)
      edit().note_written(name, secret->uid);
  }
}

kubernetes::FieldsNotKept ClusterView::keep_answers(const ApplicationWork& work, const ApplicationOutcome& outcome) {
  kubernetes::FieldsNotKept fields;
  if (!work.desired)
    return fields;
  if (outcome.written && !outcome.applications.empty() && outcome.applications.back().second) {
    const Digest &wanted = work.desired->digest, &kept = outcome.applications.back().second->digest;
    if (kept != wanted)
      edit().keep(work.name, KeptApplication{wanted, kept});
    else
      edit().forget_kept_application(work.name);
  }
  for (const auto& [name, secret] : outcome.secrets) {
    const bool written = std::find(outcome.secrets_changed.begin(), outcome.secrets_changed.end(), name) !=
                         outcome.secrets_changed.end();
    const auto desired = std::find_if(work.desired->secrets.begin(), work.desired->secrets.end(),
                                      [&, &wanted = name](const auto& one) { return one.name == wanted; });
    if (!written || !secret || desired == work.desired->secrets.end())
      continue;
    const auto lost = not_kept(*secret, *desired, work.name);
    if (lost.empty())
      edit().forget_kept_secret(name);
    else
      edit().keep(name, KeptSecret{desired->digest, *secret});
    fields.insert(lost.begin(), lost.end());
  }
  return fields;
}

} // namespace runtime_agent::application_reconciler
