#pragma once

#include <map>
#include <string>
#include <string_view>

namespace runtime_agent::app {

/// A request's target, decoded (RFC 3986 §2.1). What is no escape is left as it stands.
struct WebTarget {
  std::string path;
  std::map<std::string, std::string> query; ///< of a name that is given twice, the first; "+" is a blank
};

WebTarget read_target(std::string_view target);

} // namespace runtime_agent::app
