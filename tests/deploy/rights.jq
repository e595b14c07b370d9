# Compares the rights that were given to a ServiceAccount with what the API server's audit log says it asked for.
# Input: audit events. $bindings, $roles: lists of (Cluster)RoleBindings and (Cluster)Roles. $account: "namespace:name".
# Output: {refused: ["verb resource namespace name"], unused: ["concern verb resource#number of its name"]}.
# The same Role rendered for other names of its objects is the same concern: a right is used where one of them is.

# A list or watch of one object gives its name in the field selector.
def object_name: .objectRef.name // ((.requestURI | capture("fieldSelector=metadata\\.name(%3D|=)(?<name>[^&]+)").name) // "");
def resource: .objectRef | .resource + (if .subresource then "/" + .subresource else "" end);

[inputs | select(.user.username == "system:serviceaccount:" + $account and .objectRef != null)] as $requests
| ($requests | map({verb, group: (.objectRef.apiGroup // ""), resource: resource, namespace: (.objectRef.namespace // ""),
    name: object_name, refused: (.annotations["authorization.k8s.io/decision"] == "forbid")}) | unique) as $asked
| ([$bindings[0].items[] | select(any(.subjects[]?; .kind == "ServiceAccount" and "\(.namespace):\(.name)" == $account))
    | . as $binding | $roles[0].items[]
    | select(.kind == $binding.roleRef.kind and .metadata.name == $binding.roleRef.name
        and (.kind == "ClusterRole" or .metadata.namespace == $binding.metadata.namespace))
    | .metadata as $role | .rules[] | . as $rule
    | .verbs[] as $verb | .apiGroups[] as $group | .resources[] as $resource
    | (.resourceNames // [""] | to_entries[]) as $object
    | {concern: (if $role.namespace then ($role.name | sub("^runtime-agent(-in-kyma-system)?-"; "")) else "cluster" end),
       namespace: ($role.namespace // ""), verb: $verb, group: $group, resource: $resource, name: $object.value, number: $object.key}])
  as $granted
| {
    refused: [$asked[] | select(.refused) | "\(.verb) \(.resource) \(.namespace) \(.name)"] | unique,
    unused: ($granted | group_by([.concern, .verb, .group, .resource, .number]) | map(
      select(any(.[]; . as $right | $asked | any(.[]; (.refused | not) and .verb == $right.verb and .group == $right.group
          and .resource == $right.resource and ($right.namespace == "" or .namespace == $right.namespace)
          and ($right.name == "" or .name == $right.name))) | not)
      | .[0] | "\(.concern) \(.verb) \(.resource)" + (if .group == "" then "" else "." + .group end)
        + (if .name == "" then "" else " \(.number)" end)) | unique),
    granted: ($granted | group_by([.concern, .verb, .group, .resource, .number]) | length),
    requests: ($requests | length)
  }
