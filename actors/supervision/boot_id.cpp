#include "actors/supervision/boot_id.hpp"

#include <fstream>
#include <string>

#include "transport/trace_context.hpp"

namespace runtime_agent::supervision {

std::array<std::uint8_t, 16> boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string uuid;
  file >> uuid;
  return trace_from_uuid(uuid).trace_id;
}

} // namespace runtime_agent::supervision
