#include "transport/kubernetes/api.hpp"

#include "transport/kubernetes/json_view.hpp"

namespace runtime_agent::kubernetes {

// By value for the client, which overrides this and sends it as it is.
Result<void> Api::create_from_text(const Resource& resource, const std::string&, std::string text, // NOLINT
                                   const ObjectLook& look, const CallContext& context) {
  const auto created = create(resource, Json::parse(text), context);
  if (!created)
    return failed(created.error());
  look(*created);
  return {};
}

} // namespace runtime_agent::kubernetes
