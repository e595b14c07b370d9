#pragma once

#include <algorithm>
#include <string>
#include <vector>

/// Lists of the Director are sets (contract §3): their members are known by their id, a text by itself.
namespace runtime_agent::compass {

inline const std::string& id_of(const std::string& id) {
  return id;
}
template <class Item>
const std::string& id_of(const Item& item) {
  return item.id;
}

/// Pointers into `items`, sorted; members of one id in the order in which they stand.
template <class Item>
std::vector<const Item*> by_id(const std::vector<Item>& items) {
  std::vector<const Item*> sorted;
  sorted.reserve(items.size());
  for (const Item& item : items)
    sorted.push_back(&item);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Item* a, const Item* b) { return id_of(*a) < id_of(*b); });
  return sorted;
}

} // namespace runtime_agent::compass
