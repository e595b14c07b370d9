#include "tests/sandbox/compass/director_data.hpp"

namespace runtime_agent::sandbox::compass {
namespace {

std::shared_ptr<const Json> no_applications() {
  return std::make_shared<const Json>(Json::array());
}

/// What is wrong with an Application; empty: nothing.
std::string shape_fault(const Json& application) {
  if (!application.is_object() || !application.contains("id") || !application.contains("name"))
    return "an Application is an object with id and name";
  for (const char* list : {"auths", "bundles"})
    if (application.contains(list) && !application[list].is_array() && !application[list].is_null())
      return std::string(list) + " of an Application is a list: pages are plain lists here";
  return {};
}

} // namespace

void DirectorData::register_runtime(const std::string& id, const std::string& tenant) {
  const std::lock_guard lock(mutex_);
  auto [entry, is_new] = runtimes_.try_emplace(id, RuntimeSnapshot{id, tenant, Json::object(), no_applications()});
  entry->second.tenant = tenant;
}

tl::expected<void, std::string> DirectorData::set_dataset(const std::string& id, const Json& dataset) {
  if (!dataset.is_object())
    return tl::unexpected(std::string("a dataset is a JSON object"));
  const auto applications = dataset.value("applications", Json::array());
  if (!applications.is_array())
    return tl::unexpected(std::string("applications is a list"));
  for (const auto& application : applications)
    if (auto fault = shape_fault(application); !fault.empty())
      return tl::unexpected(std::move(fault));
  const auto runtime = dataset.value("runtime", Json::object());
  Json labels = runtime.is_object() ? runtime.value("labels", Json(Json::object())) : Json::object();
  if (dataset.value("labelsNull", false) || (runtime.is_object() && runtime.value("labelsNull", false)))
    labels = nullptr;
  auto shared = std::make_shared<const Json>(applications);

  const std::lock_guard lock(mutex_);
  const auto found = runtimes_.find(id);
  if (found == runtimes_.end())
    return tl::unexpected("Runtime " + id + " is not known");
  found->second.labels = std::move(labels);
  found->second.applications = std::move(shared);
  return {};
}

Json DirectorData::dataset(const std::string& id) const {
  const auto runtime = snapshot(id);
  if (!runtime)
    return nullptr;
  Json out{{"runtime", {{"labels", runtime->labels}}}, {"applications", *runtime->applications}};
  if (runtime->labels.is_null())
    out["labelsNull"] = true;
  return out;
}

void DirectorData::set_label(const std::string& id, const std::string& key, const Json& value) {
  const std::lock_guard lock(mutex_);
  if (const auto found = runtimes_.find(id); found != runtimes_.end())
    found->second.labels[key] = value;
}

void DirectorData::set_order(std::optional<std::uint64_t> seed) {
  const std::lock_guard lock(mutex_);
  order_ = seed;
}

std::optional<std::uint64_t> DirectorData::next_order() {
  const std::lock_guard lock(mutex_);
  return order_ ? (*order_)++ : order_;
}

std::optional<RuntimeSnapshot> DirectorData::snapshot(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = runtimes_.find(id);
  return found == runtimes_.end() ? std::nullopt : std::optional(found->second);
}

} // namespace runtime_agent::sandbox::compass
