#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace runtime_agent::sandbox::kube {

/// Own on purpose: the sandbox must not share the agent's mistakes.
std::string base64_encoded(std::string_view bytes);
/// Without padding, for tokens in URLs.
std::string base64url_encoded(std::string_view bytes);
/// Nothing where it is not base64url without padding.
std::optional<std::string> base64url_decoded(std::string_view text);
/// Where standard base64 with padding goes wrong; nothing where it is right. Line breaks are passed over, as Go does.
std::optional<std::size_t> base64_error(std::string_view text);
std::size_t base64_decoded_size(std::string_view text);

} // namespace runtime_agent::sandbox::kube
