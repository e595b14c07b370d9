#pragma once

#include <cstddef>
#include <string>

#include "transport/compass/types.hpp"

/// What the Director's data take in memory, as far as an item itself goes: the lists within it are counted item by item
/// as they are read.
namespace runtime_agent::compass {

/// Of a text's own block; 0 where it needs none.
std::size_t held_bytes(const std::string& text);
std::size_t held_bytes(const ApiDefinition& definition);
std::size_t held_bytes(const EventDefinition& definition);
std::size_t held_bytes(const Bundle& bundle);
std::size_t held_bytes(const Application& application);
std::size_t held_bytes(const RuntimeLabels& labels);

} // namespace runtime_agent::compass
