#pragma once

#include <map>
#include <string>

#include "transport/kubernetes/json_view.hpp"

/// What the answer to a write kept is the measure: a definition that prunes, or a webhook that changes what is written,
/// is no other writer. Source: contract §5.4.
namespace runtime_agent::kubernetes {

enum class Kept {
  dropped, ///< it is not there
  changed, ///< something else is there
};

/// Fields by path, `spec.services[].entries[].centralGatewayUrl`; at most `fields_at_most`.
using FieldsNotKept = std::map<std::string, Kept>;
inline constexpr std::size_t fields_at_most = 32;

/// Of `sent`, what `stored` does not have so. The order of an object's members does not count, nor that of a list whose
/// elements have ids; neither does an empty value that is not there. What only `stored` has is a default, or not ours.
FieldsNotKept fields_not_kept(const JsonView& sent, const JsonView& stored);

/// For people: which fields, and the likely cause, with what to do about it. `definition`: the kind's name,
/// which is in our chart; empty: the kind is the API server's own. Empty where all was kept.
std::string not_kept_text(const FieldsNotKept& fields, const std::string& definition);

/// The field manager that wrote the object last, of those that are not this program; empty where it names none. For
/// objects as WholeObjects shows them.
std::string other_manager(const JsonView& object);

/// An Api that has real objects: what it gives back otherwise lacks `metadata.managedFields`.
class WholeObjects {
public:
  virtual ~WholeObjects() = default;
  /// Shows the object as the server has it. Only for looking at: what is written back must not hold such fields.
  virtual Result<void> look_at_whole(const Resource& resource, const std::string& name, const ObjectLook& look,
                                     const CallContext& context) = 0;
};

/// The same of an object in the cluster; empty also where that cannot be read.
std::string other_manager_of(Api& api, const Resource& resource, const std::string& name, const CallContext& context);

} // namespace runtime_agent::kubernetes
