#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/application_reconciler/cluster_watch.hpp"
#include "actors/application_reconciler/execution.hpp"
#include "actors/application_reconciler/observed_state.hpp"

namespace runtime_agent::application_reconciler {

/// Which Applications an event is about.
struct Touched {
  bool everything = false;
  std::set<std::string> applications;
};

/// What the agent knows of the cluster, how it comes to know it with the rights it has, and how sure that is.
/// Pure: events and answers in, knowledge out. Source: contract §5.2, architecture §§6, 8.
class ClusterView {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  explicit ClusterView(std::chrono::milliseconds verification_period) : verification_period_(verification_period) {}

  const ObservedState& observed() const { return *observed_; }
  /// What is known now, for another thread: later events do not show in it. Costs nothing unless they come while it is
  /// held.
  std::shared_ptr<const ObservedState> snapshot() const { return observed_; }
  /// Both collections are known as far as the rights go.
  bool ready() const { return applications_known_ && (secrets_known_ || by_name_) && !problem(); }
  /// Why nothing can be planned at present, where that is known.
  std::optional<Failure> problem() const;
  /// Applications may not be watched: they are listed before each plan.
  bool lists_applications() const { return polling_; }
  /// Secrets may not be listed: they are read one by one.
  bool reads_secrets_by_name() const { return by_name_; }

  Touched take(const ApplicationsEvent& event);
  /// `desired` may be null: says whose a Secret is that does not say so itself.
  Touched take(const SecretsEvent& event, const DesiredObjects* desired);
  void applications_listed(std::map<std::string, ObservedApplication> all);
  void applications_not_listed(const Failure& failure) { applications_failure_ = failure; }
  void read_secrets_by_name();

  /// From now on, what events say of an object is younger than what a write of the present pass says.
  void pass_started();
  /// What a write saw. Where an event has told of the object since `pass_started`, the event counts: the watch brings
  /// the write as well, in its turn.
  void learn(const ApplicationOutcome& outcome, TimePoint now);

  /// Reading by name: those to be read before the next plan. All that have never been read; and of the others, oldest
  /// first, such a share that each is read once in the verification period.
  std::vector<std::string> secrets_due(const DesiredObjects& desired, TimePoint now);
  void secret_read(const std::string& name, std::optional<ObservedSecret> secret, TimePoint now);

private:
  std::set<std::string> secrets_of_interest(const DesiredObjects& desired) const;
  /// To be changed: a copy of its own where somebody holds a snapshot.
  ObservedState& own();

  const std::chrono::milliseconds verification_period_;
  std::shared_ptr<ObservedState> observed_ = std::make_shared<ObservedState>();
  bool applications_known_ = false;
  bool secrets_known_ = false;
  bool polling_ = false;
  bool by_name_ = false;
  std::optional<Failure> applications_failure_;
  std::optional<Failure> secrets_failure_;
  Touched applications_since_;                ///< objects that events have told of since the pass started
  Touched secrets_since_;                     ///< the same; names of Secrets
  std::map<std::string, TimePoint> verified_; ///< Secrets read by name, also those that are not there
  std::optional<TimePoint> last_share_;
};

} // namespace runtime_agent::application_reconciler
