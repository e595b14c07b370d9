#include "actors/application_reconciler/plan.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "actors/application_reconciler/names.hpp"
#include "actors/application_reconciler/object_bodies.hpp"

namespace runtime_agent::application_reconciler {

namespace {

// What the rules say for one Application; a deletion is only a wish here.
struct Verdict {
  ApplicationWork work;
  std::vector<std::string> problems;
};

const Digest& digest_of(const ObservedSecret& secret, SecretKind kind) {
  return kind == SecretKind::credentials ? secret.credentials : secret.parameters;
}

class ApplicationRules {
public:
  ApplicationRules(const std::string& name, const DesiredObjects& desired, const ObservedState& observed)
      : name_(name), desired_(desired), observed_(observed), live_(observed.application(name)) {
    if (const auto found = desired.applications.find(name); found != desired.applications.end())
      wanted_ = found->second;
  }

  Verdict verdict() && {
    verdict_.work.name = name_;
    if (desired_.refused.contains(name_))
      return std::move(verdict_); // nothing under this name is touched
    if (live_ != nullptr && !live_->managed)
      leave_to_its_owner();
    else if (live_ != nullptr && live_->terminating)
      wait_for_its_end();
    else if (wanted_)
      bring_in_line();
    else
      take_away();
    return std::move(verdict_);
  }

private:
  void leave_to_its_owner() {
    if (wanted_)
      problem(
          "an Application of this name exists that does not belong to Compass (spec.compassMetadata is not set); it "
          "is left as it is");
  }

  void wait_for_its_end() {
    if (wanted_)
      problem("the Application is being deleted and held by finalizers; it is made anew when it is gone");
  }

  void bring_in_line() {
    auto& work = verdict_.work;
    work.desired = wanted_;
    if (live_ == nullptr) {
      work.action = ApplicationAction::create;
    } else {
      work.action = live_->digest == wanted_->digest ? ApplicationAction::keep : ApplicationAction::update;
      work.uid = live_->uid;
      work.resource_version = live_->resource_version;
    }
    for (std::size_t i = 0; i < wanted_->secrets.size(); ++i)
      judge_secret(wanted_->secrets[i], i);
    remove_secrets(true);
  }

  void judge_secret(const DesiredSecret& secret, std::size_t index) {
    const ObservedSecret* live = observed_.secret(secret.name);
    if (live != nullptr && live->terminating)
      problem("Secret " + secret.name + " is being deleted and held by finalizers; it is made anew when it is gone");
    else if (live != nullptr && live->controlled_by_other_than(name_))
      problem("Secret " + secret.name + " is controlled by something else; it is left as it is");
    else if (live != nullptr && owned_by_a_stranger(*live))
      problem("Secret " + secret.name + " belongs to an Application that is not Compass'; it is left as it is");
    else if (live == nullptr || !in_line(*live, secret))
      verdict_.work.secret_writes.push_back({index, live != nullptr});
  }

  bool owned_by_a_stranger(const ObservedSecret& secret) const {
    return std::any_of(secret.owners.begin(), secret.owners.end(), [&](const OwnerReference& owner) {
      if (!owner.is_application() || owner.name == name_)
        return false;
      const auto* other = observed_.application(owner.name);
      return other != nullptr && !other->managed;
    });
  }

  bool in_line(const ObservedSecret& live, const DesiredSecret& secret) const {
    if (live_ == nullptr || digest_of(live, secret.kind) != secret.digest ||
        live.application_label != application_label(name_) || live.bundle_label != secret.bundle_id)
      return false;
    const auto references = std::count_if(live.owners.begin(), live.owners.end(),
                                          [](const OwnerReference& owner) { return owner.is_application(); });
    return references == 1 && std::any_of(live.owners.begin(), live.owners.end(), [&](const OwnerReference& owner) {
             return owner.is_application() && owner.api_version == application_api_version && owner.name == name_ &&
                    owner.uid == live_->uid;
           });
  }

  void take_away() {
    auto& work = verdict_.work;
    if (live_ != nullptr) {
      work.action = ApplicationAction::remove;
      work.uid = live_->uid;
      work.resource_version = live_->resource_version;
    }
    remove_secrets(live_ != nullptr);
    if (live_ == nullptr && !work.secret_removals.empty())
      work.action = ApplicationAction::collect;
  }

  // Of the Secrets that were made for this Application, those that no Application wants. `label_is_enough`: also such
  // as have lost their owner; where there is no Application, a label alone proves nothing.
  void remove_secrets(bool label_is_enough) {
    std::set<std::string> names = observed_.secrets_of(name_);
    if (const auto& labelled = observed_.secrets_of(application_label(name_)); !labelled.empty())
      names.insert(labelled.begin(), labelled.end());
    for (const auto& name : names) {
      const ObservedSecret& secret = *observed_.secret(name);
      const bool owned = std::any_of(secret.owners.begin(), secret.owners.end(),
                                     [](const OwnerReference& owner) { return owner.is_application(); });
      if (desired_.secret_owners.contains(name) || secret.terminating || !(owned || label_is_enough) ||
          !made_for(name, secret, name_, live_))
        continue;
      verdict_.work.secret_removals.push_back({name, secret.uid, secret.resource_version});
    }
  }

  void problem(std::string reason) { verdict_.problems.push_back(std::move(reason)); }

  const std::string& name_;
  const DesiredObjects& desired_;
  const ObservedState& observed_;
  const ObservedApplication* live_;
  std::shared_ptr<const DesiredApplication> wanted_;
  Verdict verdict_;
};

std::set<std::string> all_names(const DesiredObjects& desired, const ObservedState& observed) {
  std::set<std::string> names;
  for (const auto& [name, application] : desired.applications)
    names.insert(name);
  for (const auto& [name, application] : observed.applications())
    names.insert(name);
  for (const auto& [name, secrets] : observed.secrets_by_application())
    names.insert(name);
  return names;
}

// Those that a deletion could hit: what is deleted already, or can never be, says nothing about a fetch.
std::size_t managed_applications(const ObservedState& observed) {
  return static_cast<std::size_t>(
      std::count_if(observed.applications().begin(), observed.applications().end(),
                    [](const auto& entry) { return entry.second.managed && !entry.second.terminating; }));
}

} // namespace

Plan plan_changes(const PlanInput& input) {
  Plan plan;
  plan.problems = input.desired.problems();
  plan.desired = static_cast<std::uint32_t>(input.desired.applications.size());
  std::vector<Verdict> verdicts;
  std::set<std::string> deletions;
  for (const auto& name : all_names(input.desired, input.observed)) {
    Verdict verdict = ApplicationRules(name, input.desired, input.observed).verdict();
    if (verdict.work.action == ApplicationAction::remove)
      deletions.insert(name);
    else if (verdict.work.empty() && verdict.problems.empty() && input.desired.applications.contains(name))
      ++plan.unchanged;
    verdicts.push_back(std::move(verdict));
  }
  auto decision = decide_deletions(deletions, managed_applications(input.observed), input.fetch, input.hold,
                                   input.minimal_sync_time);
  for (auto& verdict : verdicts) {
    for (auto& reason : verdict.problems)
      plan.problems.push_back({verdict.work.name, std::move(reason)});
    const bool held = verdict.work.action == ApplicationAction::remove && !decision.allowed.contains(verdict.work.name);
    if (!verdict.work.empty() && !held)
      plan.work.push_back(std::move(verdict.work));
  }
  std::stable_sort(plan.problems.begin(), plan.problems.end(),
                   [](const auto& a, const auto& b) { return a.application < b.application; });
  plan.held = std::move(decision.held);
  plan.hold = std::move(decision.hold);
  return plan;
}

bool needs_work(const std::string& application, const DesiredObjects& desired, const ObservedState& observed) {
  return !ApplicationRules(application, desired, observed).verdict().work.empty();
}

} // namespace runtime_agent::application_reconciler
