#include "actors/application_reconciler/plan.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "actors/application_reconciler/names.hpp"
#include "actors/application_reconciler/object_bodies.hpp"
#include "actors/application_reconciler/secret_ownership.hpp"

namespace runtime_agent::application_reconciler {

namespace {

// What the rules say for one Application; a deletion is only a wish here.
struct Verdict {
  ApplicationWork work;
  std::vector<std::string> problems;
  std::vector<std::string> conflicts; ///< Secrets of others
};

const Digest& digest_of(const ObservedSecret& secret, SecretKind kind) {
  return kind == SecretKind::credentials ? secret.credentials : secret.parameters;
}

/// What is known under one name; null where it is not.
struct Subject {
  const std::string& name;
  const std::shared_ptr<const DesiredApplication>* wanted = nullptr;
  const ObservedApplication* live = nullptr;
  const std::set<std::string>* secrets = nullptr; ///< that say they belong to it
};

/// Looks Secrets up in the order of their names, mostly: the next one is tried before the tree is searched.
class SecretFinder {
public:
  explicit SecretFinder(const std::map<std::string, ObservedSecret>& secrets)
      : secrets_(secrets), next_{secrets.begin(), secrets.begin()} {}

  const ObservedSecret* find(const DesiredSecret& secret) {
    auto& next = next_[secret.kind == SecretKind::credentials ? 0 : 1]; // their names begin differently
    if (next == secrets_.end() || next->first != secret.name)
      next = secrets_.find(secret.name);
    return next == secrets_.end() ? nullptr : &(next++)->second;
  }

private:
  const std::map<std::string, ObservedSecret>& secrets_;
  std::array<std::map<std::string, ObservedSecret>::const_iterator, 2> next_;
};

class ApplicationRules {
public:
  ApplicationRules(const Subject& subject, const DesiredObjects& desired, const ObservedState& observed,
                   const DesiredObjects* before = nullptr)
      : name_(subject.name), desired_(desired), observed_(observed), live_(subject.live), secrets_(subject.secrets),
        before_(before) {
    if (subject.wanted != nullptr)
      wanted_ = *subject.wanted;
  }

  /// Nothing has to be done or said, found out without taking memory: the usual case by far. False may still turn out
  /// to be so.
  bool clearly_in_line(SecretFinder& secrets) const {
    if (!wanted_ || live_ == nullptr || !live_->managed || live_->terminating ||
        !observed_.as_wanted(name_, *live_, wanted_->digest) || application_label(name_) != name_)
      return false;
    const auto as_wanted = [&](const DesiredSecret& wanted) {
      const ObservedSecret* live = secrets.find(wanted);
      return live != nullptr && !live->terminating && !live->controlled_by_other_than(name_) && in_line(*live, wanted);
    };
    const auto wanted = [&](const std::string& name) {
      return std::any_of(wanted_->secrets.begin(), wanted_->secrets.end(),
                         [&](const DesiredSecret& secret) { return secret.name == name; });
    };
    return std::all_of(wanted_->secrets.begin(), wanted_->secrets.end(), as_wanted) &&
           (secrets_ == nullptr || std::all_of(secrets_->begin(), secrets_->end(), wanted));
  }

  Verdict verdict() && {
    verdict_.work.name = name_;
    if (before_ != nullptr)
      if (const auto found = before_->applications.find(name_); found != before_->applications.end())
        wanted_before_ = found->second.get();
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
      work.action =
          observed_.as_wanted(name_, *live_, wanted_->digest) ? ApplicationAction::keep : ApplicationAction::update;
      work.uid = live_->uid;
      work.resource_version = live_->resource_version;
    }
    work.repair = wanted_before_ != nullptr && wanted_before_->digest == wanted_->digest;
    for (std::size_t i = 0; i < wanted_->secrets.size(); ++i)
      judge_secret(wanted_->secrets[i], i);
    remove_secrets(true);
    if (!verdict_.conflicts.empty())
      apply_nothing();
  }

  void judge_secret(const DesiredSecret& secret, std::size_t index) {
    const ObservedSecret* live = observed_.secret(secret.name);
    if (auto reason = live != nullptr ? somebody_elses(secret, *live) : std::string(); !reason.empty()) {
      verdict_.conflicts.push_back(secret.name);
      problem("Secret " + secret.name + reason);
    } else if (live != nullptr && live->terminating) {
      problem("Secret " + secret.name + " is being deleted and held by finalizers; it is made anew when it is gone");
    } else if (live == nullptr || !in_line(*live, secret)) {
      verdict_.work.secret_writes.push_back({index, live != nullptr, was_wanted(secret),
                                             live != nullptr && live->written_here ? live->uid : std::string()});
    }
  }

  std::string somebody_elses(const DesiredSecret& wanted, const ObservedSecret& live) const {
    return reason_to_leave({wanted.name, name_, wanted.bundle_id}, live,
                           [this](const std::string& name) { return observed_.application(name); });
  }

  // Neither created nor changed: its entries would refer to a stranger's Secret (contract §5.3).
  void apply_nothing() {
    auto& work = verdict_.work;
    work.action = ApplicationAction::keep;
    work.secret_writes.clear();
    work.secret_removals.clear();
  }

  bool was_wanted(const DesiredSecret& secret) const {
    return wanted_before_ != nullptr &&
           std::any_of(wanted_before_->secrets.begin(), wanted_before_->secrets.end(),
                       [&](const DesiredSecret& x) { return x.name == secret.name && x.digest == secret.digest; });
  }

  bool in_line(const ObservedSecret& live, const DesiredSecret& secret) const {
    return as_it_should_be(live, secret) ||
           (live_ != nullptr && live.opaque && observed_.as_kept(secret.name, live, secret.digest));
  }

  bool as_it_should_be(const ObservedSecret& live, const DesiredSecret& secret) const {
    if (live_ == nullptr || !live.opaque || digest_of(live, secret.kind) != secret.digest ||
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
      work.repair = before_ != nullptr && wanted_before_ == nullptr;
    }
    remove_secrets(live_ != nullptr);
    if (live_ == nullptr && !work.secret_removals.empty())
      work.action = ApplicationAction::collect;
  }

  // Of the Secrets that were made for this Application, those that no Application wants. `label_is_enough`: also such
  // as have lost their owner; where there is no Application, a label alone proves nothing.
  void remove_secrets(bool label_is_enough) {
    std::set<std::string> names;
    if (secrets_ != nullptr)
      names = *secrets_;
    if (const auto label = application_label(name_); label != name_) {
      const auto& labelled = observed_.secrets_of(std::string(label));
      names.insert(labelled.begin(), labelled.end());
    }
    for (const auto& name : names) {
      const ObservedSecret& secret = *observed_.secret(name);
      const bool owned = std::any_of(secret.owners.begin(), secret.owners.end(),
                                     [](const OwnerReference& owner) { return owner.is_application(); });
      if (desired_.own_secrets.contains(name) || desired_.secret_owners.contains(name) || secret.terminating ||
          !(owned || label_is_enough) || !made_for(name, secret, name_, live_))
        continue;
      const bool repair = before_ != nullptr && !before_->secret_owners.contains(name);
      verdict_.work.secret_removals.push_back({name, secret.uid, secret.resource_version, repair});
    }
  }

  void problem(std::string reason) { verdict_.problems.push_back(std::move(reason)); }

  const std::string& name_;
  const DesiredObjects& desired_;
  const ObservedState& observed_;
  const ObservedApplication* live_;
  const std::set<std::string>* secrets_;
  const DesiredObjects* before_;
  const DesiredApplication* wanted_before_ = nullptr;
  std::shared_ptr<const DesiredApplication> wanted_;
  Verdict verdict_;
};

/// Visits every name that is desired or observed, in order.
template <class Visit>
void visit_subjects(const DesiredObjects& desired, const ObservedState& observed, Visit visit) {
  auto wanted = desired.applications.begin();
  auto live = observed.applications().begin();
  auto secrets = observed.secrets_by_application().begin();
  for (;;) {
    const std::string* least = nullptr;
    const auto consider = [&](const auto& next, const auto& all) {
      if (next != all.end() && (least == nullptr || next->first < *least))
        least = &next->first;
    };
    consider(wanted, desired.applications);
    consider(live, observed.applications());
    consider(secrets, observed.secrets_by_application());
    if (least == nullptr)
      return;
    Subject subject{*least};
    const auto take = [&](auto& next, const auto& all, auto& place) {
      if (next != all.end() && (&next->first == least || next->first == *least))
        place = &(next++)->second;
    };
    take(wanted, desired.applications, subject.wanted);
    take(live, observed.applications(), subject.live);
    take(secrets, observed.secrets_by_application(), subject.secrets);
    visit(subject);
  }
}

Subject subject_of(const std::string& name, const DesiredObjects& desired, const ObservedState& observed) {
  Subject subject{name};
  if (const auto found = desired.applications.find(name); found != desired.applications.end())
    subject.wanted = &found->second;
  subject.live = observed.application(name);
  subject.secrets = &observed.secrets_of(name);
  return subject;
}

} // namespace

Plan plan_changes(const PlanInput& input) {
  Plan plan;
  plan.problems = input.desired.problems();
  plan.desired = static_cast<std::uint32_t>(input.desired.applications.size());
  std::vector<Verdict> verdicts;
  std::set<std::string> deletions;
  std::size_t managed = 0; // what is deleted already, or can never be, says nothing about a fetch
  SecretFinder secrets(input.observed.secrets());
  visit_subjects(input.desired, input.observed, [&](const Subject& subject) {
    managed += subject.live != nullptr && subject.live->managed && !subject.live->terminating ? 1U : 0U;
    ApplicationRules rules(subject, input.desired, input.observed, input.before);
    if (rules.clearly_in_line(secrets)) {
      ++plan.unchanged;
      return;
    }
    Verdict verdict = std::move(rules).verdict();
    if (verdict.work.action == ApplicationAction::remove)
      deletions.insert(subject.name);
    else if (verdict.work.empty() && verdict.problems.empty() && subject.wanted != nullptr)
      ++plan.unchanged;
    verdicts.push_back(std::move(verdict));
  });
  auto decision = decide_deletions(deletions, managed, input.fetch, input.hold, input.minimal_sync_time);
  for (auto& verdict : verdicts) {
    for (auto& reason : verdict.problems)
      plan.problems.push_back({verdict.work.name, std::move(reason)});
    plan.conflicts.insert(plan.conflicts.end(), verdict.conflicts.begin(), verdict.conflicts.end());
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
  return !ApplicationRules(subject_of(application, desired, observed), desired, observed).verdict().work.empty();
}

} // namespace runtime_agent::application_reconciler
