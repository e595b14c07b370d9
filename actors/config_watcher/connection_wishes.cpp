#include "actors/config_watcher/connection_wishes.hpp"

namespace runtime_agent::config_watcher {
namespace {

using kubernetes::Json;

std::string text_at(const Json& object, const char* parent, const char* key) {
  const auto found = object.find(parent);
  if (found == object.end() || !found->is_object())
    return {};
  const auto value = found->find(key);
  return value != found->end() && value->is_string() ? value->get<std::string>() : std::string();
}

std::string wish(const Json& object, const char* field, const std::string& before) {
  const auto spec = object.find("spec");
  if (spec == object.end() || !spec->is_object() || !spec->contains(field) || (*spec)[field] != true)
    return {};
  return before.empty() ? text_at(object, "metadata", "resourceVersion") : before;
}

} // namespace

CompassConnectionObserved observe(const ObjectSeen& seen, const CompassConnectionObserved* before,
                                  const std::string& process_id) {
  CompassConnectionObserved observed;
  observed.object = seen.object;
  if (!seen.object) {
    if (!seen.deleted_uid.empty())
      observed.absence_id = seen.deleted_uid;
    else if (before && !before->object)
      observed.absence_id = before->absence_id;
    else if (before)
      observed.absence_id = text_at(*before->object, "metadata", "uid"); // deleted while the watch was interrupted
    else
      observed.absence_id = process_id;
    return observed;
  }
  observed.resync_id = wish(*seen.object, "resyncNow", before ? before->resync_id : "");
  observed.refresh_id = wish(*seen.object, "refreshCredentialsNow", before ? before->refresh_id : "");
  return observed;
}

std::string pending_reconnect(const CompassConnectionObserved& observed) {
  if (!observed.object)
    return {};
  const auto metadata = observed.object->find("metadata");
  if (metadata == observed.object->end() || !metadata->is_object())
    return {};
  return text_at(*metadata, "annotations", reconnect_annotation);
}

} // namespace runtime_agent::config_watcher
