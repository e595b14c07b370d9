#pragma once

#include <string>
#include <string_view>

#include "actors/application_reconciler/desired_objects.hpp"
#include "transport/kubernetes/json_view.hpp"

/// The objects as they go over the wire, and what of them is ours. Pure. Source: contract §§5.2, 5.3.
namespace runtime_agent::application_reconciler {

inline constexpr std::string_view application_api_version = "applicationconnector.kyma-project.io/v1alpha1";
inline constexpr std::string_view application_kind = "Application";
inline constexpr std::string_view managed_by_label = "applicationconnector.kyma-project.io/managed-by";
inline constexpr std::string_view managed_by_value = "compass-runtime-agent";

/// The whole Application, as it is created.
kubernetes::Json application_body(const compass::Application& source, const std::string& name,
                                  const MappingSettings& settings);

/// The same as JSON text.
std::string application_text(const compass::Application& source, const std::string& name,
                             const MappingSettings& settings);

/// The whole Secret, as it is created, with its owner. Holds base64 of the credentials: wipe_secret_data when done.
kubernetes::Json secret_body(const DesiredApplication& application, const DesiredSecret& secret,
                             const std::string& namespace_, const std::string& owner_uid);

/// The same as JSON text: wipe it when done.
std::string secret_text(const DesiredApplication& application, const DesiredSecret& secret,
                        const std::string& namespace_, const std::string& owner_uid);

/// Overwrites the values of `data`.
void wipe_secret_data(kubernetes::Json& secret) noexcept;

/// Of what is ours in an Application, desired or observed: our label; of `spec`: description labels services
/// compassMetadata.
Digest application_digest(const kubernetes::JsonView& application);
/// The same as application_digest(application_body(…)), without making the body.
Digest application_digest(const compass::Application& source, const std::string& name, const MappingSettings& settings);
/// Of those keys of an observed Secret's `data` that are ours for this kind of Secret.
Digest secret_digest(const kubernetes::JsonView& secret, SecretKind kind);
/// Of what the bundle's Secret has to hold.
Digest secret_digest(const compass::Bundle& bundle, SecretKind kind);

/// `spec.compassMetadata` is set: the Application belongs to Compass.
bool belongs_to_compass(const kubernetes::JsonView& application);

/// Puts what is ours of `desired` into `live`; everything else of `live` stays, and so does the order of the members
/// that its lists have already. False: it was so already, in whatever order.
bool merge_application(kubernetes::Json& live, const kubernetes::Json& desired);

/// The same for a Secret: our data keys, our two labels, our owner reference; stale references to Applications go.
bool merge_secret(kubernetes::Json& live, const kubernetes::Json& desired, SecretKind kind);

} // namespace runtime_agent::application_reconciler
