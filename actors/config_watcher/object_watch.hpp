#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "transport/kubernetes/reflector.hpp"

namespace runtime_agent::config_watcher {

/// What is known of one object at a moment.
struct ObjectSeen {
  std::shared_ptr<const kubernetes::Json> object; ///< null: absent, or see `failure`
  std::string deleted_uid;                        ///< where it was deleted while we watched
  std::optional<Failure> failure;                 ///< it cannot be listed or watched at the moment
  bool watch_forbidden = false;                   ///< listing works, watching is not allowed
};

/// Watches the one object of that name until `cancel`, and tells each time what is there.
void watch_object(kubernetes::Api& api, const kubernetes::Resource& resource, const std::string& name,
                  kubernetes::ReflectorOptions options, const CancelToken& cancel,
                  const std::function<void(ObjectSeen)>& emit);

} // namespace runtime_agent::config_watcher
