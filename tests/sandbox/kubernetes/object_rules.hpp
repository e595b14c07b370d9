#pragma once

#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/refusal.hpp"
#include "tests/sandbox/kubernetes/resource_type.hpp"

namespace runtime_agent::sandbox::kube {

/// How unknown fields are met: the query parameter fieldValidation.
enum class FieldValidation { ignore, warn, strict };

/// Reads a body into an object of `type`: syntax, kind and version, the types of metadata's fields, pruning, defaults,
/// and what a built-in type converts (Secret.stringData). `warnings` gets a sentence for each unknown field.
Answer<Json> decode(const ResourceType& type, const std::string& body, FieldValidation unknown,
                    std::vector<std::string>& warnings);
/// The same from a parsed object, as a patch makes it.
Answer<Json> decode(const ResourceType& type, Json object, FieldValidation unknown, std::vector<std::string>& warnings);

/// What is wrong with a decoded object, metadata included.
std::vector<Cause> validate_object(const ResourceType& type, const Json& object);
/// What may not change from `before` to `after`.
std::vector<Cause> validate_change(const ResourceType& type, const Json& before, const Json& after);

/// The time now as Kubernetes writes it: RFC 3339, UTC, whole seconds.
std::string timestamp_now();

} // namespace runtime_agent::sandbox::kube
