#include "transport/compass/types.hpp"

#include <algorithm>

namespace runtime_agent::compass {

const std::string* RuntimeLabels::find(const std::string& key) const {
  const auto found = std::find_if(values.begin(), values.end(), [&](const auto& entry) { return entry.first == key; });
  return found == values.end() ? nullptr : &found->second;
}

} // namespace runtime_agent::compass
