#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/director_fetcher/fetch_schedule.hpp"
#include "actors/supervision/traced_actor.hpp"
#include "transport/compass/clients.hpp"

namespace runtime_agent::director_fetcher {

struct Settings {
  Pace pace;
  /// The Runtime's labels as they have to be: key, value (§3).
  std::vector<std::pair<std::string, std::string>> labels;
  /// Over all pages of one fetch; each request has its own 30 s.
  std::chrono::milliseconds fetch_limit{600'000};
  /// Hears how long after a failed fetch the next one comes, 0 after one that succeeded. May be empty.
  std::function<void(std::chrono::milliseconds)> publish_backoff{};
};

/// Fetches the complete desired state periodically, passes it to ApplicationReconciler, and sets the Runtime's labels
/// once the cluster is reconciled. Reports the state of the synchronization.
class DirectorFetcher : public supervision::TracedActor<DirectorFetcherActor> {
public:
  using Base = supervision::TracedActor<DirectorFetcherActor>;

  DirectorFetcher(caf::actor_config& config, supervision::Environment& environment, Peers peers, Settings settings,
                  std::shared_ptr<compass::DirectorClient> director);
  behavior_type make_behavior() override;
  const char* name() const override { return "DirectorFetcher"; }
  void on_exit() override;

private:
  void connection_ready(const ConnectionReady& ready);
  void connection_lost(const ConnectionLost& lost);
  void resync_requested(const std::string& id);
  void applied(const DesiredStateApplied& applied);

  /// Sets the timer for the next fetch; harmless while one is under way.
  void schedule();
  void fetch();
  void fetched(Result<compass::RuntimeDataPtr> data, const std::string& request_id, std::uint64_t connection_number);
  void cancel_fetch();
  /// The next fetch does not use a connection that an earlier one has used (§5.2, deletions held back).
  void over_a_new_connection();
  void fetch_failed(const Failure& failure);
  void certificate_taken();
  void set_labels();
  void cycle_ended();
  void publish_backoff(std::chrono::milliseconds backoff);
  void report();
  compass::DirectorAccess access() const;

  Peers peers_;
  Settings settings_;
  std::shared_ptr<compass::DirectorClient> director_;
  FetchSchedule schedule_;

  std::shared_ptr<const Connection> connection_;
  std::uint64_t connection_number_ = 0;
  std::string fetch_serial_; ///< of the certificate that the fetch under way, or the last one, has shown
  std::string taken_serial_; ///< of the certificate that is known to be taken, and told as such
  std::shared_ptr<const DesiredState> state_; ///< the last complete one
  std::shared_ptr<const Connection> state_connection_;
  SynchronizationReport report_;
  supervision::TimerId timer_ = 0;
  supervision::CallId fetch_ = 0;
  bool labels_under_way_ = false;
  std::uint64_t labelled_sequence_ = 0; ///< the labels of this state have been looked at
  std::string resync_wanted_;           ///< id of the request that the cycle under way (or the next) serves
  std::string resync_under_way_;
};

} // namespace runtime_agent::director_fetcher
