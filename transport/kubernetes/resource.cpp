#include "transport/kubernetes/api.hpp"

#include "transport/kubernetes/percent.hpp"

namespace runtime_agent::kubernetes {

std::string Resource::path() const {
  std::string path = group.empty() ? "/api/" : "/apis/" + percent_encoded(group) + "/";
  path += percent_encoded(version);
  if (!namespace_.empty())
    path += "/namespaces/" + percent_encoded(namespace_);
  return path + "/" + percent_encoded(plural);
}

std::string Resource::path(std::string_view name) const {
  const std::string object = path() + "/" + percent_encoded(name);
  return subresource.empty() ? object : object + "/" + percent_encoded(subresource);
}

Resource secrets(std::string namespace_) {
  return {"", "v1", "secrets", std::move(namespace_), "Secret"};
}

Resource config_maps(std::string namespace_) {
  return {"", "v1", "configmaps", std::move(namespace_), "ConfigMap"};
}

Resource applications() {
  return {"applicationconnector.kyma-project.io", "v1alpha1", "applications", "", "Application"};
}

Resource compass_connections() {
  return {"compass.kyma-project.io", "v1alpha1", "compassconnections", "", "CompassConnection"};
}

} // namespace runtime_agent::kubernetes
