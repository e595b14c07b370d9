#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

namespace runtime_agent::sandbox::compass {

struct GeneratedShape {
  std::size_t bundles = 1; ///< each Application
  std::size_t apis = 1;    ///< each bundle
  std::size_t events = 1;  ///< each bundle
  bool credentials = true; ///< Basic and OAuth in turn
  bool parameters = false; ///< headers and query parameters
  std::string name_prefix = "app";
};

/// A dataset of that many Applications, the same ones each time: `app-0001`, …; ids are UUIDs made from the names.
nlohmann::json generated_applications(std::size_t count, const GeneratedShape& shape = {});

/// Six Applications such as an operator has: a CRM, a shop, an ERP and so on, with APIs, events, Basic and OAuth
/// credentials, headers, query parameters and a CSRF endpoint. For `--demo`.
nlohmann::json demonstration();

} // namespace runtime_agent::sandbox::compass
