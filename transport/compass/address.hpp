#pragma once

#include <optional>
#include <string>

namespace runtime_agent::compass {

/// What is worse about a URL that Compass has named than about the one that a person gave ("" where that is not known):
/// it is not encrypted where the other is, or its host is this pod's own loopback, or a link-local address, which is
/// where clouds keep their credentials, and is not the other's host. With verification of certificates off, whoever
/// stands in between may name any. Nullopt where nothing is worse. Names are not resolved.
std::optional<std::string> address_warning(const std::string& given, const std::string& named);

} // namespace runtime_agent::compass
