#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace runtime_agent::sandbox::compass {

using Json = nlohmann::json;

/// What the Director holds for one Runtime, as it was at one moment.
struct RuntimeSnapshot {
  std::string id;
  std::string tenant;
  Json labels;                              ///< object or null
  std::shared_ptr<const Json> applications; ///< array, shaped as in the Director's schema, pages as plain lists
};

/// The Director's data for all Runtimes. Thread-safe; snapshots stay as they are.
class DirectorData {
public:
  /// Makes the Runtime known, with no Applications and no labels; a known one gets the tenant.
  void register_runtime(const std::string& id, const std::string& tenant);
  /// Replaces labels and Applications: `{"runtime": {"labels": {…}}, "applications": […], "labelsNull": true}`; all
  /// keys may be left out. Error: what is wrong with its shape, or that the Runtime is not known.
  tl::expected<void, std::string> set_dataset(const std::string& id, const Json& dataset);
  /// In the form that `set_dataset` takes.
  Json dataset(const std::string& id) const;
  void set_label(const std::string& id, const std::string& key, const Json& value);
  std::optional<RuntimeSnapshot> snapshot(const std::string& id) const;

  /// The Director promises no order (contract §3): what is nested in an Application comes in another one in each
  /// answer, drawn from `seed`; nullopt: as the dataset has it.
  void set_order(std::optional<std::uint64_t> seed);
  /// Of the next answer.
  std::optional<std::uint64_t> next_order();

private:
  mutable std::mutex mutex_;
  std::map<std::string, RuntimeSnapshot> runtimes_;
  std::optional<std::uint64_t> order_;
};

} // namespace runtime_agent::sandbox::compass
