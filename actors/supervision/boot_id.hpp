#pragma once

#include <array>
#include <cstdint>

namespace runtime_agent::supervision {

/// The machine's boot id, a random UUID since its start; zeros where it cannot be read.
std::array<std::uint8_t, 16> boot_id();

} // namespace runtime_agent::supervision
