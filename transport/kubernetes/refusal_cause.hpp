#pragma once

#include <string>
#include <string_view>

/// Why the API server refuses a write, without what was written. Source: contract §5.4.
namespace runtime_agent::kubernetes {

/// In words of our own, with the name of the webhook or the policy that it comes from; empty where the message has none
/// of the forms that are known. Of the message nothing is quoted but that name, and that only where the API server
/// itself has put it: what follows may quote the object.
std::string refusal_cause(std::string_view message);

} // namespace runtime_agent::kubernetes
