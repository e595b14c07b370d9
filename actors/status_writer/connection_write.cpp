#include "actors/status_writer/connection_write.hpp"

#include <algorithm>

namespace runtime_agent::status_writer {
namespace {

using kubernetes::FieldsNotKept;
using kubernetes::Json;

constexpr int conflicts_at_most = 5;

Json part_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : Json::object();
}

bool all_known(const FieldsNotKept& fields, const FieldsNotKept& known) {
  return std::all_of(fields.begin(), fields.end(), [&](const auto& field) { return known.contains(field.first); });
}

/// A CRD with a status subresource drops the status of a plain write: then it is written on its own. One without drops
/// nothing, and the answer has it already. What no write can put there is not missed.
Result<Json> write_status_part(kubernetes::Api& api, const Json& wanted, Json stored, const FieldsNotKept& not_kept,
                               const CallContext& context) {
  const auto lacking = connection_not_kept({{"status", part_of(wanted, "status")}}, stored);
  if (!wanted.contains("status") || all_known(lacking, not_kept))
    return stored;
  kubernetes::Resource status = kubernetes::compass_connections();
  status.subresource = "status";
  const Json plain = stored;
  stored["status"] = wanted["status"];
  auto written = api.update(status, stored, context);
  if (!written && written.error().kind == FailureKind::not_found)
    return plain; // there is no such subresource: a field was dropped that this CRD does not know
  return written;
}

Result<WrittenConnection> with_status(kubernetes::Api& api, Json sent, Result<Json> stored,
                                      const FieldsNotKept& not_kept, const CallContext& context) {
  if (stored)
    stored = write_status_part(api, sent, std::move(*stored), not_kept, context);
  if (!stored)
    return failed(std::move(stored.error()));
  return WrittenConnection{std::move(sent), std::move(*stored), false};
}

bool kind_is_known(kubernetes::Api& api, const CallContext& context) {
  kubernetes::ListOptions one;
  one.limit = 1;
  return api
      .list(
          kubernetes::compass_connections(), one, [](Json&&) {}, context)
      .has_value();
}

Result<WrittenConnection> create(kubernetes::Api& api, const ConnectionWrite& write, const CallContext& context) {
  Json object = new_object(write.facts, write.absence_id);
  auto stored = api.create(kubernetes::compass_connections(), object, context);
  // A wish is not dropped for a 404 that passes: without its definition the kind cannot be listed either.
  if (!stored && stored.error().kind == FailureKind::not_found && kind_is_known(api, context))
    stored.error().kind = FailureKind::unavailable;
  return with_status(api, std::move(object), std::move(stored), write.not_kept, context);
}

Result<WrittenConnection> update(kubernetes::Api& api, const ConnectionWrite& write, const CallContext& context) {
  Json object = *write.object;
  for (int attempt = 0;; ++attempt) {
    if (apply_facts(object, write.facts) == Change::none)
      return WrittenConnection{object, object, true};
    auto stored = api.update(kubernetes::compass_connections(), object, context);
    const bool conflict = !stored && stored.error().kind == FailureKind::conflict;
    if (!conflict || !write.again_at_conflict || attempt == conflicts_at_most)
      return with_status(api, std::move(object), std::move(stored), write.not_kept, context);
    auto present = api.get(kubernetes::compass_connections(), std::string(object_name), context);
    if (!present)
      return failed(std::move(present.error()));
    object = std::move(*present);
  }
}

/// Puts `from`'s value at that path into `object`; of a list, the whole. Nothing where `from` has none.
void overlay(Json& object, const Json& from, const std::string& path) {
  std::string text = "/" + path.substr(0, path.find("[]"));
  std::replace(text.begin(), text.end(), '.', '/');
  const Json::json_pointer place(text), parent = place.parent_pointer();
  if (from.contains(place) && object.contains(parent) && object.at(parent).is_object())
    object[place] = from.at(place);
}

} // namespace

Result<WrittenConnection> write_connection(kubernetes::Api& api, const ConnectionWrite& write,
                                           const CallContext& context) {
  return write.object ? update(api, write, context) : create(api, write, context);
}

FieldsNotKept connection_not_kept(const Json& sent, const Json& stored) {
  const Json ours = {{"spec", part_of(sent, "spec")}, {"status", part_of(sent, "status")}};
  FieldsNotKept fields = kubernetes::fields_not_kept(ours, stored);
  const std::string counts = "status.synchronizationStatus.";
  for (const std::string& path :
       {std::string("status.conditions"), counts + applications_field, counts + failed_applications_field})
    if (const auto found = fields.find(path); found != fields.end() && found->second == kubernetes::Kept::dropped)
      fields.erase(found);
  return fields;
}

Change change_needed(Json& object, const Facts& facts, const FieldsNotKept& not_kept, const Json* sent) {
  if (sent)
    for (const auto& [path, how] : not_kept)
      overlay(object, *sent, path);
  return apply_facts(object, facts);
}

Change news(const Json& sent, const Json& object, const Facts& facts) {
  Json before = sent;
  for (const char* wish : {"resyncNow", "refreshCredentialsNow"})
    if (const Json spec = part_of(object, "spec"); spec.contains(wish))
      before["spec"][wish] = spec[wish];
  return apply_facts(before, facts);
}

} // namespace runtime_agent::status_writer
