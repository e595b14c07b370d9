#pragma once

#include <string>

#include "actors/application_reconciler/execution.hpp"

namespace runtime_agent::application_reconciler {

/// Writes and deletes the Secrets of one Application; what came of it is added to the outcome. Source: contract §5.3.
class SecretWriter {
public:
  /// All five outlive the writer.
  SecretWriter(kubernetes::Api& api, const std::string& in_namespace, const CallContext& context,
               RecentWrites<ObservedSecret>& written, ApplicationOutcome& outcome);

  /// Creates it, or puts what is ours into what is there; other keys, labels and annotations stay. `planned`: what is
  /// known of it; saves a request. False: it is somebody else's, and left as it is.
  bool write(const DesiredApplication& application, const SecretWrite& planned, const std::string& owner_uid);
  /// Whether it could be written as far as its owner goes; what cannot be read could not. Writes nothing.
  bool may_write(const DesiredApplication& application, const SecretWrite& planned);
  /// Deletes it, if it is still the one that was seen, or still made for the Application.
  void remove(const SecretRemoval& removal, const std::string& application);

private:
  bool create(const DesiredApplication& application, const SecretWrite& planned, const std::string& owner_uid,
              bool merge_where_it_exists);
  bool merge(const DesiredApplication& application, const SecretWrite& planned, const std::string& owner_uid,
             bool create_where_it_is_gone);
  /// Empty: it is the Application's.
  Result<std::string> somebody_elses(const DesiredApplication& application, const SecretWrite& planned,
                                     const kubernetes::JsonView& live);
  void saw(const std::string& name, const kubernetes::JsonView& live, bool written);
  void gone(const std::string& name) { outcome_.secrets.emplace_back(name, std::nullopt); }
  void fail(const Failure& failure);
  void problem(const std::string& reason);

  kubernetes::Api& api_;
  const kubernetes::Resource resource_;
  const std::string& namespace_;
  const CallContext& context_;
  RecentWrites<ObservedSecret>& written_;
  ApplicationOutcome& outcome_;
};

} // namespace runtime_agent::application_reconciler
