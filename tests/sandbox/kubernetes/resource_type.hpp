#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/sandbox/kubernetes/refusal.hpp"

namespace runtime_agent::sandbox::kube {

/// One column that `kubectl get` shows, as in a CRD's additionalPrinterColumns.
struct PrinterColumn {
  std::string name;
  std::string type = "string"; ///< string, integer, date
  std::string json_path;       ///< ".metadata.creationTimestamp"
  int priority = 0;            ///< above 0: only with `-o wide`
};

/// One kind of object that the server keeps, built in or defined by a CustomResourceDefinition.
struct ResourceType {
  std::string group; ///< empty for the core group
  std::string version;
  std::string kind;
  std::string plural;
  std::string singular;
  std::vector<std::string> short_names;
  bool namespaced = true;
  bool custom = false;                ///< from a CRD: wrong types are 422 by schema rather than 400 by decoding
  bool unconditional_update = true;   ///< a PUT without a resource version is taken
  bool create_on_update = false;      ///< a PUT of what is not there creates it
  bool review = false;                ///< answers a POST and keeps nothing
  Json schema;                        ///< structural OpenAPI v3; null: every field is kept
  std::vector<PrinterColumn> columns; ///< after NAME

  /// "v1", "coordination.k8s.io/v1"
  std::string api_version() const;
  /// "secrets", "applications.applicationconnector.kyma-project.io": how messages name the resource, and the store's
  /// key
  std::string qualified_plural() const;
  std::string qualified_kind() const;
  std::vector<std::string> verbs() const;
};

std::vector<ResourceType> built_in_types();

/// What a CustomResourceDefinition's served storage version defines, or what is wrong with it.
tl::expected<ResourceType, std::vector<Cause>> type_of_definition(const Json& definition);

/// Sets what the real server sets at once: accepted names, stored versions, Established.
void establish(Json& definition, const std::string& now);

} // namespace runtime_agent::sandbox::kube
