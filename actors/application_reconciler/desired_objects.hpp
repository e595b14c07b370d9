#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/application_reconciler/digest.hpp"
#include "messages/applications.hpp"
#include "transport/compass/types.hpp"

/// From the Director's data to what the cluster has to hold. Pure. Source: contract §§5.2, 5.3, 6.
namespace runtime_agent::application_reconciler {

/// What of the settings shows in the objects.
struct MappingSettings {
  std::string central_gateway_url; ///< a trailing slash is dropped
  bool skip_verify = false;        ///< `spec.skipVerify` of every Application
  std::string integration_namespace = "kyma-system";
  std::set<std::string> own_secrets; ///< names of the agent's own in that namespace: never an Application's (§5.3)
};

enum class SecretKind { credentials, parameters };

/// One Secret, without its content: that is made when it is written (object_bodies.hpp).
struct DesiredSecret {
  std::string name;
  SecretKind kind = SecretKind::credentials;
  std::string bundle_id;
  std::size_t bundle = 0; ///< index in the Application's bundles
  Digest digest{};        ///< of the data keys that are ours
};

struct DesiredApplication {
  std::string name;
  Digest digest{};                    ///< of what is ours in the Application
  Digest whole_digest{};              ///< of that and of all its Secrets
  std::vector<DesiredSecret> secrets; ///< by name
  std::string warning;                ///< what does not work though it is applied (gateway_urls.hpp); mostly empty
  /// Shares the ownership of the whole fetch.
  std::shared_ptr<const compass::Application> source;
};

struct DesiredObjects {
  std::map<std::string, std::shared_ptr<const DesiredApplication>> applications;
  /// Names that the Director has, but that cannot be applied: nothing under them is created, changed or deleted.
  /// The value says why.
  std::map<std::string, std::string> refused;
  /// Secret's name → its Application's.
  std::map<std::string, std::string> secret_owners;
  /// As in the settings: never deleted, whatever they carry.
  std::set<std::string> own_secrets;

  /// The refusals as problems, by name.
  std::vector<ApplicationProblem> problems() const;
  /// What is applied as it is, and does not work: by name.
  std::vector<ApplicationProblem> warnings() const;
};

/// Maps everything. Applications whose name or whose Secrets' names are impossible, or shared, are refused, the rest is
/// not affected (contract §6). Costs about 20 µs an API: for I/O threads, not for an actor's handler.
DesiredObjects desired_objects(const compass::RuntimeDataPtr& data, const MappingSettings& settings);

} // namespace runtime_agent::application_reconciler
