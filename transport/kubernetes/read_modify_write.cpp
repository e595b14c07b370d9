#include "transport/kubernetes/api.hpp"

namespace runtime_agent::kubernetes {

Result<Json> read_modify_write(Api& api, const Resource& resource, const std::string& name,
                               const std::function<bool(Json&)>& change, const CallContext& context) {
  constexpr int conflicts_at_most = 5; // architecture §6
  for (int conflicts = 0;;) {
    auto object = api.get(resource, name, context);
    if (!object)
      return object;
    Json changed = *object;
    if (!change(changed))
      return object;
    auto written = api.update(resource, changed, context);
    if (written || written.error().kind != FailureKind::conflict || ++conflicts == conflicts_at_most)
      return written;
  }
}

} // namespace runtime_agent::kubernetes
