#pragma once

#include <string>
#include <string_view>

namespace runtime_agent::kubernetes {

/// RFC 3986: all but the unreserved characters as %XX, so that the text stays one path segment or one query value. The
/// segments "." and "..", which servers and proxies resolve, are encoded too.
std::string percent_encoded(std::string_view text);

} // namespace runtime_agent::kubernetes
