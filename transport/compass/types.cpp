#include "transport/compass/types.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

#include "transport/compass/by_id.hpp"

namespace runtime_agent::compass {
namespace {

/// Equal as sets. Lists of one order, which most are, are compared where they stand.
template <class Item>
bool same_members(const std::vector<Item>& a, const std::vector<Item>& b) {
  if (a.size() != b.size())
    return false;
  if (std::equal(a.begin(), a.end(), b.begin(),
                 [](const Item& one, const Item& other) { return id_of(one) == id_of(other); }))
    return a == b;
  const auto left = by_id(a);
  const auto right = by_id(b);
  return std::equal(left.begin(), left.end(), right.begin(),
                    [](const Item* one, const Item* other) { return *one == *other; });
}

} // namespace

bool Bundle::operator==(const Bundle& other) const {
  const auto rest = [](const Bundle& bundle) {
    return std::tie(bundle.id, bundle.name, bundle.description, bundle.instance_auth_request_input_schema,
                    bundle.default_instance_auth);
  };
  return rest(*this) == rest(other) && same_members(api_definitions, other.api_definitions) &&
         same_members(event_definitions, other.event_definitions);
}

bool Application::operator==(const Application& other) const {
  const auto rest = [](const Application& application) {
    return std::tie(application.id, application.name, application.provider_name, application.description);
  };
  return rest(*this) == rest(other) && same_members(auth_ids, other.auth_ids) && same_members(bundles, other.bundles);
}

bool RuntimeData::same_content(const RuntimeData& other) const {
  return labels == other.labels && same_members(applications, other.applications);
}

const std::string* RuntimeLabels::find(const std::string& key) const {
  const auto found = std::find_if(values.begin(), values.end(), [&](const auto& entry) { return entry.first == key; });
  return found == values.end() ? nullptr : &found->second;
}

} // namespace runtime_agent::compass
