#pragma once

#include <string>
#include <string_view>

#include "transport/kubernetes/api.hpp"

namespace runtime_agent::kubernetes {

/// Whether the agent's own account may do this: a SelfSubjectAccessReview, which every authenticated account may ask
/// for. `verb` is the API's ("watch"); `name` empty: any object of the collection. Failure (forbidden): not even asking
/// is.
Result<bool> allowed(Api& api, std::string_view verb, const Resource& resource, const std::string& name,
                     const CallContext& context);

} // namespace runtime_agent::kubernetes
