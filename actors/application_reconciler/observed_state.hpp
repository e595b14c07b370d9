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
};

} // namespace runtime_agent::application_reconciler
