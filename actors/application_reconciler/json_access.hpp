#pragma once

#include <string_view>

#include "transport/kubernetes/api.hpp"

namespace runtime_agent::application_reconciler {

/// The member, or null: where there is none, and where `object` is no object. Nothing that somebody may write into an
/// object of the cluster makes reading it throw.
inline const kubernetes::Json& member(const kubernetes::Json& object, std::string_view key) {
  static const kubernetes::Json null;
  if (!object.is_object())
    return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

} // namespace runtime_agent::application_reconciler
