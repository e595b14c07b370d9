#include "actors/application_reconciler/cluster_view.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

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

} // namespace

ObservedState& ClusterView::own() {
  if (observed_.use_count() > 1)
    observed_ = std::make_shared<ObservedState>(*observed_);
  else
    std::atomic_thread_fence(std::memory_order_acquire); // whoever let go of it last has read it to the end
  return *observed_;
}

std::optional<Failure> ClusterView::problem() const {
  if (applications_failure_ && (!applications_known_ || definite(*applications_failure_)))
    return applications_failure_->kind == FailureKind::not_found ? crd_lacking(*applications_failure_)
                                                                 : applications_failure_;
  if (secrets_failure_ && !secrets_known_ && !by_name_)
    return secrets_failure_;
  return std::nullopt;
}

Touched ClusterView::take(const ApplicationsEvent& event) {
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
    applications_known_ = true;
    own().replace_applications(std::move(*event.all));
    applications_since_.everything = true;
    return {true, {}};
  }
  polling_ = false; // an event: watching has become allowed
  const auto* known = observed_->application(event.name);
  if (event.kind == Kind::changed)
    own().put(event.name, event.entry);
  else if (known != nullptr && known->uid == event.uid)
    own().put(event.name, std::optional<ObservedApplication>());
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
    own().replace_secrets(std::move(*event.all));
    secrets_since_.everything = true;
    return {true, {}};
  }
  Touched touched;
  const auto note = [&](const ObservedSecret* secret) {
    if (secret != nullptr && !secret->application().empty())
      touched.applications.insert(secret->application());
  };
  const auto* known = observed_->secret(event.name);
  note(known);
  if (event.kind == Kind::changed)
    own().put(event.name, event.entry);
  else if (known != nullptr && known->uid == event.uid)
    own().put(event.name, std::optional<ObservedSecret>());
  note(observed_->secret(event.name));
  if (desired != nullptr)
    if (const auto owner = desired->secret_owners.find(event.name); owner != desired->secret_owners.end())
      touched.applications.insert(owner->second);
  secrets_since_.applications.insert(event.name);
  return touched;
}

void ClusterView::applications_listed(std::map<std::string, ObservedApplication> all) {
  applications_known_ = true;
  applications_failure_.reset();
  own().replace_applications(std::move(all));
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

void ClusterView::learn(const ApplicationOutcome& outcome, TimePoint now) {
  for (const auto& [name, application] : outcome.applications)
    if (!applications_since_.everything && !applications_since_.applications.contains(name))
      own().put(name, application);
  for (const auto& [name, secret] : outcome.secrets) {
    if (by_name_)
      secret_read(name, secret, now);
    else if (!secrets_since_.everything && !secrets_since_.applications.contains(name))
      own().put(name, secret);
  }
}

std::set<std::string> ClusterView::secrets_of_interest(const DesiredObjects& desired) const {
  std::set<std::string> names;
  for (const auto& [name, application] : desired.secret_owners)
    names.insert(name);
  for (const auto& [name, application] : observed_->applications())
    names.insert(application.secrets.begin(), application.secrets.end());
  for (const auto& [name, secret] : observed_->secrets())
    names.insert(name);
  return names;
}

std::vector<std::string> ClusterView::secrets_due(const DesiredObjects& desired, TimePoint now) {
  const auto names = secrets_of_interest(desired);
  std::erase_if(verified_, [&](const auto& entry) { return !names.contains(entry.first); });
  std::vector<std::string> due;
  std::vector<std::pair<TimePoint, std::string>> known;
  for (const auto& name : names) {
    const auto found = verified_.find(name);
    if (found == verified_.end())
      due.push_back(name);
    else
      known.emplace_back(found->second, name);
  }
  const auto elapsed = last_share_ ? now - *last_share_ : std::chrono::steady_clock::duration::zero();
  last_share_ = now;
  const double share = std::min(1.0, std::chrono::duration<double>(elapsed) / verification_period_);
  const auto count = static_cast<std::size_t>(std::ceil(share * static_cast<double>(known.size())));
  std::sort(known.begin(), known.end());
  for (std::size_t i = 0; i < std::min(count, known.size()); ++i)
    due.push_back(known[i].second);
  return due;
}

void ClusterView::secret_read(const std::string& name, std::optional<ObservedSecret> secret, TimePoint now) {
  own().put(name, std::move(secret));
  verified_[name] = now;
}

} // namespace runtime_agent::application_reconciler
