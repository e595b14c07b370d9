#pragma once

#include <string>

#include "tests/sandbox/compass/director_data.hpp"
#include "tests/sandbox/compass/graphql_execution.hpp"

namespace runtime_agent::sandbox::compass {

/// An error as Compass' services give it: `extensions{error error_code}` (contract §4).
graphql::Error service_error(int code, const std::string& message);
inline tl::unexpected<graphql::Error> refused(int code, const std::string& message) {
  return tl::unexpected(service_error(code, message));
}

/// Most items that the server gives in one page (contract §3).
constexpr int largest_page = 200;

/// Answers one request to the Director, from the data as they were when it came. `caller` is the Runtime that the
/// client certificate names.
class DirectorResolver : public graphql::Resolver {
public:
  DirectorResolver(DirectorData& data, std::string caller, std::string tenant);
  graphql::Expected<graphql::Source> resolve(const graphql::FieldCall& call) override;
  std::string type_of(std::string_view union_name, const graphql::Source& value) override;

private:
  graphql::Expected<graphql::Source> root(const graphql::FieldCall& call);
  graphql::Expected<void> authorize(const Json& runtime_id) const;

  DirectorData& data_;
  std::string caller_;
  std::string tenant_;
  std::optional<RuntimeSnapshot> runtime_;
  std::optional<std::uint64_t> order_;
};

} // namespace runtime_agent::sandbox::compass
