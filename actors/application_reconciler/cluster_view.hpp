#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "actors/application_reconciler/cluster_watch.hpp"
#include "actors/application_reconciler/execution.hpp"
#include "actors/application_reconciler/observed_state.hpp"
#include "actors/application_reconciler/secret_verification.hpp"

namespace runtime_agent::application_reconciler {

/// Which Applications an event is about.
struct Touched {
  bool everything = false;
  std::set<std::string> applications;

  void add(const Touched& more) {
    everything |= more.everything;
    applications.insert(more.applications.begin(), more.applications.end());
  }
};

/// What the agent knows of the cluster, how it comes to know it with the rights it has, and how sure that is.
/// Pure: events and answers in, knowledge out. Source: contract §5.2, architecture §§6, 8.
class ClusterView {
public:
  const ObservedState& observed() const { return *observed_; }
  /// The same for another thread. It never changes: an event that comes while somebody holds it costs a copy.
  std::shared_ptr<const ObservedState> snapshot() const { return observed_; }
  /// Somebody holds a snapshot.
  bool lent() const { return observed_.use_count() > 1; }
  /// Both collections are known as far as the rights go.
  bool ready() const { return applications_known_ && (secrets_known_ || by_name_) && !problem(); }
  /// Why nothing can be planned at present, where that is known.
  std::optional<Failure> problem() const;
  /// Applications may not be watched: they are listed in each cycle.
  bool lists_applications() const { return polling_; }
  /// Secrets may not be listed: they are read one by one.
  bool reads_secrets_by_name() const { return by_name_; }

  /// `missed`: set where something may have happened in between that no event told of.
  Touched take(const ApplicationsEvent& event, bool& missed);
  /// `desired` may be null: says whose a Secret is that does not say so itself.
  Touched take(const SecretsEvent& event, const DesiredObjects* desired);
  void applications_listed(ObservedApplications all);
  void applications_not_listed(const Failure& failure) { applications_failure_ = failure; }
  void read_secrets_by_name();
  /// It was read, outside of a pass.
  Touched secret_read(const std::string& name, const std::optional<ObservedSecret>& secret,
                      const DesiredObjects* desired);

  /// From now on, what events say of an object is younger than what a write of the present pass says.
  void pass_started();
  /// What a write saw. Where an event has told of the object since `pass_started`, the event counts: the watch brings
  /// the write as well, in its turn.
  void learn(const ApplicationOutcome& outcome);
  /// What the API server made of what was written in this work: from now on that is the measure. Returns which fields
  /// of Secrets it did not keep.
  kubernetes::FieldsNotKept keep_answers(const ApplicationWork& work, const ApplicationOutcome& outcome);

private:
  ObservedState& edit();
  /// What happens to it will be told. Secrets of other types are not: nothing is remembered of them.
  bool watched(const std::optional<ObservedSecret>& secret) const;

  std::shared_ptr<ObservedState> observed_ = std::make_shared<ObservedState>();
  bool applications_known_ = false;
  bool secrets_known_ = false;
  bool polling_ = false;
  bool by_name_ = false;
  std::optional<Failure> applications_failure_;
  std::optional<Failure> secrets_failure_;
  Touched applications_since_; ///< objects that events have told of since the pass started
  Touched secrets_since_;      ///< the same; names of Secrets
};

} // namespace runtime_agent::application_reconciler
