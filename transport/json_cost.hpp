#pragma once

#include <cstddef>
#include <string_view>

namespace runtime_agent {

/// The most bytes that simdjson's document of this text may take: up to twelve times the text where it is dense
/// (`[1,1,`), a fraction of it where it is prose. Linear, and told before anything is parsed. Whatever stands in
/// strings counts as if it were structure, so that the true figure is lower.
std::size_t json_parsing_cost(std::string_view text);

/// Whether that is no more than `most`. Most texts are too short to be more, and are not looked at.
bool json_parsable_within(std::string_view text, std::size_t most);

} // namespace runtime_agent
