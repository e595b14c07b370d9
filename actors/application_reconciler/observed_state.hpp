#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/application_reconciler/desired_objects.hpp"
#include "actors/application_reconciler/digest.hpp"

/// What is known of the cluster: a small entry an object, never the object. Source: contract §§5.2, 5.3, 8.2.
namespace runtime_agent::application_reconciler {

struct OwnerReference {
  std::string api_version, kind, name, uid;
  bool controller = false;
  bool is_application() const;
  bool operator==(const OwnerReference&) const = default;
};

struct ObservedApplication {
  std::string uid;
  std::string resource_version; ///< opaque
  bool managed = false;         ///< `spec.compassMetadata` is set: belongs to Compass
  bool terminating = false;     ///< being deleted, held by finalizers
  Digest digest{};              ///< of what is ours in it
  /// The Secrets that its bundles may have: those that its APIs refer to; of bundles without an API, both names.
  std::vector<std::string> secrets;
};

struct ObservedSecret {
  std::string uid;
  std::string resource_version;
  bool terminating = false;
  bool opaque = true;        ///< of that type: any other is never an Application's
  bool written_here = false; ///< by this process: it stays known by its uid, whatever a person takes away from it
  Digest credentials{};      ///< of the keys that are ours in a Secret of credentials
  Digest parameters{};       ///< of the keys that are ours in a Secret of parameters
  std::optional<std::string> application_label;
  std::optional<std::string> bundle_label;
  std::vector<OwnerReference> owners;

  /// Controlled by something that is not the Application `name`.
  bool controlled_by_other_than(const std::string& name) const;
  /// The Application that it says it belongs to: by its owner references, else by its label; empty: none.
  std::string application() const;
};

ObservedApplication observed_application(const kubernetes::JsonView& object);
ObservedSecret observed_secret(const kubernetes::JsonView& object);
std::string object_name(const kubernetes::JsonView& object);

/// Secrets by name, and which say that they belong to which Application.
class ObservedSecrets {
public:
  const ObservedSecret* find(const std::string& name) const;
  const std::map<std::string, ObservedSecret>& all() const { return secrets_; }
  const std::map<std::string, std::set<std::string>>& by_application() const { return by_application_; }
  std::size_t size() const { return secrets_.size(); }

  /// Whatever is known under the name already: of the same uid, it stays `written_here`.
  void insert_or_assign(const std::string& name, ObservedSecret secret);
  /// This process has written it, if it still is the one of that uid.
  void note_written(const std::string& name, const std::string& uid);
  /// The same of all that are `written_here` in `former`.
  void note_written_of(const ObservedSecrets& former);
  void erase(const std::string& name);

private:
  std::map<std::string, ObservedSecret> secrets_;
  std::map<std::string, std::set<std::string>> by_application_;
};

/// What the answer to our last write of an object kept of it: as long as the same is wanted, that is the measure and
/// not another's edit. Source: contract §5.4.
struct KeptApplication {
  Digest wanted{};
  Digest kept{};
};
struct KeptSecret {
  Digest wanted{};
  ObservedSecret kept;
};

using ObservedApplications = std::map<std::string, ObservedApplication>;

/// All that is known. Planning works on the state itself: see ClusterView.
class ObservedState {
public:
  const ObservedApplication* application(const std::string& name) const;
  const ObservedSecret* secret(const std::string& name) const;
  /// The Secrets that say they belong to the Application.
  const std::set<std::string>& secrets_of(const std::string& application) const;

  const ObservedApplications& applications() const { return applications_; }
  const std::map<std::string, ObservedSecret>& secrets() const { return secrets_.all(); }
  const std::map<std::string, std::set<std::string>>& secrets_by_application() const {
    return secrets_.by_application();
  }

  /// It is what is wanted, or what the API server makes of that.
  bool as_wanted(const std::string& name, const ObservedApplication& live, const Digest& wanted) const;
  /// It is what the API server makes of what is wanted; false where nothing is known of that.
  bool as_kept(const std::string& name, const ObservedSecret& live, const Digest& wanted) const;
  void keep(const std::string& name, const KeptApplication& kept);
  void keep(const std::string& name, KeptSecret kept);
  void forget_kept_application(const std::string& name) { kept_applications_.erase(name); }
  void forget_kept_secret(const std::string& name) { kept_secrets_.erase(name); }

  /// nullopt: there is no such object.
  void put(const std::string& name, std::optional<ObservedApplication> application);
  void put(const std::string& name, std::optional<ObservedSecret> secret);
  /// Cheap, whatever they hold: a list becomes what is kept of it on the thread that reads it.
  void replace_applications(ObservedApplications all) { applications_ = std::move(all); }
  void replace_secrets(ObservedSecrets all);
  void note_written(const std::string& secret, const std::string& uid) { secrets_.note_written(secret, uid); }

private:
  ObservedApplications applications_;
  ObservedSecrets secrets_;
  std::map<std::string, KeptApplication> kept_applications_; ///< only where not all was kept
  std::map<std::string, KeptSecret> kept_secrets_;           ///< the same
};

} // namespace runtime_agent::application_reconciler
