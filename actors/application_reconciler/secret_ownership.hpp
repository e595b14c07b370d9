#pragma once

#include <functional>
#include <string>

#include "actors/application_reconciler/observed_state.hpp"

/// Whose a Secret is. Compass chooses names, so a name says nothing: what the Secret itself carries does, and what this
/// process has written. Pure. Source: contract §5.3.
namespace runtime_agent::application_reconciler {

/// Looks an Application of the cluster up; null: there is none.
using FindApplication = std::function<const ObservedApplication*(const std::string& name)>;

/// A Secret that an Application of the Director's is to have.
struct SecretClaim {
  const std::string& secret;
  const std::string& application;
  const std::string& bundle_id;
};

/// Why the Secret that has this name is not the Application's, in words that follow its name; empty: it is.
/// It is where an owner reference to the Application (of any uid) or both of its labels say so, where this process has
/// written it, or where another Application of Compass has left it behind, so that it would be deleted otherwise.
std::string reason_to_leave(const SecretClaim& claim, const ObservedSecret& secret,
                            const FindApplication& find_application);

/// The same of a Secret of which only its name is known, and that it is not Opaque.
std::string reason_to_leave_other_type();
/// Of a Secret that the agent itself needs.
std::string reason_to_leave_own();

/// The Secret is one that the agent made for this Application, by name, owner and labels; `observed`: the Application
/// as it is, null where it is gone. Only such Secrets are ever deleted.
bool made_for(const std::string& name, const ObservedSecret& secret, const std::string& application,
              const ObservedApplication* observed);

} // namespace runtime_agent::application_reconciler
