#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "transport/kubernetes/api.hpp"

/// What the cluster consists of, as a log line at intervals. Source: contract §7.
namespace runtime_agent::app {

/// `clusterInfo` of the line. `metrics`: null where the cluster has no metrics API; `usage` is then empty.
kubernetes::Json cluster_information(const std::vector<kubernetes::Json>& nodes,
                                     const std::optional<std::vector<kubernetes::Json>>& metrics,
                                     const std::vector<kubernetes::Json>& volumes);

/// Logs it every `interval`, on a thread of its own, until it is stopped. What may not be read is left out, with one
/// warning.
class ClusterInformationLog {
public:
  ClusterInformationLog(std::shared_ptr<kubernetes::Api> api, std::chrono::milliseconds interval);
  ClusterInformationLog(const ClusterInformationLog&) = delete;
  ClusterInformationLog& operator=(const ClusterInformationLog&) = delete;
  ~ClusterInformationLog();

  void start();
  void stop();
  /// One line, now.
  void log_once();

private:
  /// Nullopt where it may not or cannot be read.
  std::optional<std::vector<kubernetes::Json>> list(const kubernetes::Resource& resource, bool may_be_lacking);

  std::shared_ptr<kubernetes::Api> api_;
  std::chrono::milliseconds interval_;
  CancelToken cancel_;
  std::thread thread_;
  std::vector<std::string> warned_; ///< collections that a warning has named
};

} // namespace runtime_agent::app
