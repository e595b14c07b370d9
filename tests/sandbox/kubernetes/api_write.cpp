// The writing half of ApiService: create, update, patch, delete.
#include <random>

#include <fmt/format.h>

#include "tests/sandbox/kubernetes/api_service.hpp"
#include "tests/sandbox/kubernetes/patch.hpp"
#include "tests/sandbox/kubernetes/table.hpp"

namespace runtime_agent::sandbox::kube {
namespace {

constexpr std::size_t object_limit = 1'572'864; // etcd's, for a whole request
constexpr int attempts = 50;                    // of writes that lose a race against others

std::mt19937_64& random_source() {
  thread_local std::mt19937_64 source{std::random_device{}()};
  return source;
}

std::string random_uid() {
  const auto high = random_source()();
  const auto low = random_source()();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFF,
                     0x8000 | ((low >> 48) & 0x3FFF), low & 0xFFFFFFFFFFFF);
}

/// Five letters, of those that make no words.
std::string random_suffix() {
  constexpr std::string_view letters = "bcdfghjklmnpqrstvwxz2456789";
  std::string suffix;
  for (int i = 0; i < 5; ++i)
    suffix += letters[random_source()() % letters.size()];
  return suffix;
}

FieldValidation field_validation(const ApiRequest& request) {
  const auto value = request.parameter("fieldValidation");
  if (value == "Strict")
    return FieldValidation::strict;
  return value == "Ignore" ? FieldValidation::ignore : FieldValidation::warn;
}

Answer<void> acceptable(const ApiRequest& request) {
  if (request.content_type.empty() || request.content_type == "application/json")
    return {};
  return unsupported_media_type("application/json");
}

/// Everything of an object but its metadata: a change of it moves the generation.
Json content_of(Json object) {
  object.erase("metadata");
  return object;
}

/// What an update keeps from the object that is there.
void keep_immutable(const ResourceType& type, const Json& before, Json& after) {
  auto& metadata = after["metadata"];
  const auto& old = before["metadata"];
  for (const auto* field : {"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
                            "deletionGracePeriodSeconds", "generation", "resourceVersion"}) {
    metadata.erase(field);
    if (old.contains(field))
      metadata[field] = old[field];
  }
  if (type.custom && content_of(before) != content_of(after))
    metadata["generation"] = old.value("generation", 0) + 1;
  if (type.kind == "Namespace" || type.kind == "CustomResourceDefinition")
    after["status"] = before.value("status", Json::object());
}

} // namespace

Answer<Reply> ApiService::create(const ApiRequest& request, const ResourceType& type) {
  if (auto taken = acceptable(request); !taken)
    return Refused(taken.error());
  std::vector<std::string> warnings;
  auto object = decode(type, request.body, field_validation(request), warnings);
  if (!object)
    return Refused(object.error());
  auto& metadata = (*object)["metadata"];
  if (type.namespaced) {
    if (const auto given = metadata.value("namespace", ""); !given.empty() && given != request.namespace_)
      return bad_request("the namespace of the provided object does not match the namespace sent on the request");
    metadata["namespace"] = request.namespace_;
  } else {
    metadata.erase("namespace");
  }
  if (metadata.value("name", "").empty() && !metadata.value("generateName", "").empty())
    metadata["name"] = metadata["generateName"].get<std::string>() + random_suffix();
  auto written = insert(type, std::move(*object), request.parameter("dryRun") == "All");
  if (!written) {
    written.error().warnings = std::move(warnings);
    return Refused(written.error());
  }
  auto reply = reply_with(request, type, *written, 201);
  reply.warnings = std::move(warnings);
  return reply;
}

Answer<Json> ApiService::insert(const ResourceType& type, Json object, bool dry_run) {
  auto& metadata = object["metadata"];
  const auto name = metadata.value("name", "");
  if (type.namespaced && !store_.get("namespaces", "", metadata.value("namespace", ""))) {
    const auto namespaces = find_type("", "v1", "namespaces");
    return not_found(*namespaces, metadata.value("namespace", ""));
  }
  if (const auto causes = validate_object(type, object); !causes.empty())
    return invalid(type, name, causes);
  if (!metadata.value("resourceVersion", "").empty())
    return storage_error("resourceVersion should not be set on objects to be created");
  metadata.erase("deletionTimestamp");
  metadata.erase("generation");
  metadata["uid"] = random_uid();
  metadata["creationTimestamp"] = timestamp_now();
  if (type.custom || type.kind == "CustomResourceDefinition")
    metadata["generation"] = 1;
  if (type.kind == "Namespace") {
    metadata["labels"]["kubernetes.io/metadata.name"] = name;
    object["spec"]["finalizers"] = {"kubernetes"};
    object["status"] = {{"phase", "Active"}};
  }
  if (type.kind == "CustomResourceDefinition")
    establish(object, timestamp_now());
  if (object.dump(-1, ' ', false, Json::error_handler_t::replace).size() > object_limit)
    return storage_error("etcdserver: request is too large");
  if (dry_run) {
    if (store_.get(type.qualified_plural(), metadata.value("namespace", ""), name))
      return already_exists(type, name);
    return object;
  }
  const auto written = store_.put(type.qualified_plural(), nullptr, std::move(object));
  if (!written)
    return already_exists(type, name);
  log_.wrote(type.plural, written->namespace_, written->name);
  auto result = Json::parse(written->body);
  after_write(type, result, false);
  return result;
}

Answer<std::optional<Json>> ApiService::replace(const ResourceType& type, const Object& current, Json next) {
  const auto before = Json::parse(current->body);
  keep_immutable(type, before, next);
  auto causes = validate_object(type, next);
  const auto changes = validate_change(type, before, next);
  causes.insert(causes.end(), changes.begin(), changes.end());
  if (!causes.empty())
    return invalid(type, current->name, causes);
  if (next == before)
    return std::optional(std::move(next));
  if (next.dump(-1, ' ', false, Json::error_handler_t::replace).size() > object_limit)
    return storage_error("etcdserver: request is too large");
  const bool finished = next["metadata"].contains("deletionTimestamp") && !next["metadata"].contains("finalizers");
  if (finished) {
    if (!store_.erase(type.qualified_plural(), current))
      return std::optional<Json>();
    log_.wrote(type.plural, current->namespace_, current->name);
    after_write(type, before, true);
    return std::optional(std::move(next));
  }
  const auto written = store_.put(type.qualified_plural(), current, std::move(next));
  if (!written)
    return std::optional<Json>();
  log_.wrote(type.plural, current->namespace_, current->name);
  auto result = Json::parse(written->body);
  after_write(type, result, false);
  return std::optional(std::move(result));
}

Answer<Reply> ApiService::update(const ApiRequest& request, const ResourceType& type) {
  if (auto taken = acceptable(request); !taken)
    return Refused(taken.error());
  std::vector<std::string> warnings;
  auto object = decode(type, request.body, field_validation(request), warnings);
  if (!object)
    return Refused(object.error());
  auto& metadata = (*object)["metadata"];
  const auto name = metadata.value("name", "");
  if (name != request.name)
    return bad_request(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, request.name));
  if (const auto given = metadata.value("namespace", "");
      type.namespaced && !given.empty() && given != request.namespace_)
    return bad_request("the namespace of the object does not match the namespace on the request");
  if (type.namespaced)
    metadata["namespace"] = request.namespace_;
  const auto version = metadata.value("resourceVersion", "");
  if (version.find_first_not_of("0123456789") != std::string::npos)
    return storage_error(fmt::format("strconv.ParseUint: parsing \"{}\": invalid syntax", version));

  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto current = store_.get(type.qualified_plural(), request.namespace_, request.name);
    if (!current && type.create_on_update && version.empty()) {
      auto written = insert(type, std::move(*object));
      return written ? Answer<Reply>(reply_with(request, type, *written, 201)) : Refused(written.error());
    }
    if (!current)
      return not_found(type, request.name);
    if (const auto uid = metadata.value("uid", ""); !uid.empty() && uid != current->uid)
      return conflict(type, name,
                      fmt::format("StorageError: invalid object, Code: 4, Key: /registry/{}{}/{}{}, ResourceVersion: "
                                  "0, AdditionalErrorMsg: "
                                  "Precondition failed: UID in precondition: {}, UID in object meta: {}",
                                  type.custom ? type.group + "/" : "", type.plural,
                                  type.namespaced ? request.namespace_ + "/" : "", name, uid, current->uid));
    if (version.empty() && !type.unconditional_update)
      return invalid(
          type, name,
          {{"FieldValueInvalid", "Invalid value: 0: must be specified for an update", "metadata.resourceVersion"}},
          true);
    if (!version.empty() && version != std::to_string(current->version))
      return stale(type, name);
    auto written = replace(type, current, *object);
    if (!written)
      return Refused(written.error());
    if (*written) {
      auto reply = reply_with(request, type, **written);
      reply.warnings = std::move(warnings);
      return reply;
    }
  }
  return stale(type, name);
}

Answer<Reply> ApiService::patch(const ApiRequest& request, const ResourceType& type) {
  const auto& media = request.content_type;
  const bool strategic = media == "application/strategic-merge-patch+json";
  if (media != "application/json-patch+json" && media != "application/merge-patch+json" && (!strategic || type.custom))
    return unsupported_media_type(
        type.custom ? "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
                    : "application/json-patch+json, application/merge-patch+json, "
                      "application/strategic-merge-patch+json, application/apply-patch+yaml");
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto current = store_.get(type.qualified_plural(), request.namespace_, request.name);
    if (!current)
      return not_found(type, request.name);
    auto changed = patched(type, Json::parse(current->body), media, request.body);
    if (!changed)
      return Refused(changed.error());
    std::vector<std::string> warnings;
    auto object = decode(type, std::move(*changed), field_validation(request), warnings);
    if (!object)
      return Refused(object.error());
    const auto& metadata = (*object)["metadata"];
    if (metadata.value("resourceVersion", "") != std::to_string(current->version))
      return stale(type, request.name);
    if (const auto uid = metadata.value("uid", ""); uid != current->uid)
      return conflict(
          type, request.name,
          fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid, current->uid));
    auto written = replace(type, current, std::move(*object));
    if (!written)
      return Refused(written.error());
    if (*written) {
      auto reply = reply_with(request, type, **written);
      reply.warnings = std::move(warnings);
      return reply;
    }
  }
  return stale(type, request.name);
}

std::optional<Json> ApiService::erase(const ResourceType& type, Object current, bool counted) {
  while (current) {
    auto object = Json::parse(current->body);
    auto& metadata = object["metadata"];
    const bool held = metadata.contains("finalizers");
    if (held && metadata.contains("deletionTimestamp"))
      return object;
    if (held) {
      metadata["deletionTimestamp"] = timestamp_now();
      metadata["deletionGracePeriodSeconds"] = 0;
      if (metadata.contains("generation"))
        metadata["generation"] = metadata["generation"].get<std::int64_t>() + 1;
      if (const auto written = store_.put(type.qualified_plural(), current, std::move(object))) {
        if (counted)
          log_.wrote(type.plural, current->namespace_, current->name);
        return Json::parse(written->body);
      }
    } else if (store_.erase(type.qualified_plural(), current)) {
      if (counted)
        log_.wrote(type.plural, current->namespace_, current->name);
      after_write(type, object, true);
      return std::nullopt;
    }
    current = store_.get(type.qualified_plural(), current->namespace_, current->name);
  }
  return std::nullopt;
}

Answer<Reply> ApiService::remove(const ApiRequest& request, const ResourceType& type) {
  Json options = Json::object();
  if (!request.body.empty())
    options = Json::parse(request.body, nullptr, false);
  if (!options.is_object())
    return bad_request("the object provided is unrecognized (must be of type DeleteOptions)");
  const auto current = store_.get(type.qualified_plural(), request.namespace_, request.name);
  if (!current)
    return not_found(type, request.name);
  const auto preconditions = options.value("preconditions", Json::object());
  if (const auto uid = preconditions.value("uid", current->uid); uid != current->uid)
    return precondition_failed(
        type, request.name,
        fmt::format(
            "the UID in the precondition ({}) does not match the UID in record ({}). The object might have been "
            "deleted and then recreated",
            uid, current->uid));
  const auto present = std::to_string(current->version);
  if (const auto version = preconditions.value("resourceVersion", present); version != present)
    return precondition_failed(
        type, request.name,
        fmt::format(
            "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record ({}). The "
            "object might have been modified",
            version, present));
  const auto dry_run = request.parameter("dryRun") == "All" || options.contains("dryRun");
  if (!dry_run)
    if (auto held = erase(type, current))
      return reply_with(request, type, *held);
  // A namespace takes its time in a cluster; here it is gone by now.
  if (type.kind == "Namespace") {
    auto terminating = Json::parse(current->body);
    terminating["metadata"]["deletionTimestamp"] = timestamp_now();
    terminating["status"] = {{"phase", "Terminating"}};
    return reply_with(request, type, terminating);
  }
  Json details = {{"name", current->name}, {"kind", type.plural}, {"uid", current->uid}};
  if (!type.group.empty())
    details["group"] = type.group;
  const Json status = {{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", Json::object()},
                       {"status", "Success"},
                       {"details", details}};
  return Reply{200, status.dump(), "application/json", {}, {}, {}};
}

Answer<Reply> ApiService::remove_collection(const ApiRequest& request, const ResourceType& type) {
  const auto selection = selection_of(request, type);
  if (!selection)
    return Refused(selection.error());
  const auto snapshot = store_.list(type.qualified_plural(), request.namespace_);
  Json items = Json::array();
  for (const auto& object : snapshot.objects)
    if (selection->matches(*object)) {
      erase(type, object);
      items.push_back(Json::parse(object->body));
      if (!type.custom) {
        items.back().erase("kind");
        items.back().erase("apiVersion");
      }
    }
  const Json list = {{"kind", type.kind + "List"},
                     {"apiVersion", type.api_version()},
                     {"metadata", {{"resourceVersion", std::to_string(store_.version())}}},
                     {"items", std::move(items)}};
  return Reply{200, list.dump(), "application/json", {}, {}, {}};
}

void ApiService::after_write(const ResourceType& type, const Json& object, bool deleted) {
  const auto name = object["metadata"].value("name", "");
  if (type.kind == "Namespace" && deleted) {
    for (const auto& one : types())
      if (one.namespaced)
        for (const auto& content : store_.list(one.qualified_plural(), name).objects)
          erase(one, content);
    return;
  }
  if (type.kind != "CustomResourceDefinition")
    return;
  auto defined = type_of_definition(object);
  std::lock_guard lock(mutex_);
  std::erase_if(types_, [&](const ResourceType& one) { return one.custom && one.qualified_plural() == name; });
  if (deleted)
    store_.drop(name);
  else if (defined)
    types_.push_back(std::move(*defined));
}

bool ApiService::remove_object(const std::string& plural, const std::string& namespace_, const std::string& name) {
  const auto type = type_by_plural(plural);
  const auto current = type ? store_.get(type->qualified_plural(), namespace_, name) : nullptr;
  if (!current)
    return false;
  erase(*type, current, false);
  return true;
}

Json ApiService::put_object(Json object) {
  const auto kind = object.value("kind", "");
  const auto version = object.value("apiVersion", "");
  std::optional<ResourceType> type;
  {
    std::lock_guard lock(mutex_);
    for (const auto& one : types_)
      if (one.kind == kind && one.api_version() == version)
        type = one;
  }
  if (!type)
    throw std::invalid_argument(fmt::format("the sandbox has no {} of {}", kind, version));
  auto& metadata = object["metadata"];
  while (true) {
    const auto current =
        store_.get(type->qualified_plural(), metadata.value("namespace", ""), metadata.value("name", ""));
    const auto before = current ? Json::parse(current->body)["metadata"] : Json::object();
    metadata["uid"] = before.value("uid", metadata.value("uid", random_uid()));
    metadata["creationTimestamp"] =
        before.value("creationTimestamp", metadata.value("creationTimestamp", timestamp_now()));
    if (type->custom)
      metadata["generation"] = before.value("generation", 0) + 1;
    if (type->kind == "CustomResourceDefinition")
      establish(object, timestamp_now());
    if (const auto written = store_.put(type->qualified_plural(), current, object)) {
      auto result = Json::parse(written->body);
      after_write(*type, result, false);
      return result;
    }
  }
}

} // namespace runtime_agent::sandbox::kube
