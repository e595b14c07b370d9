#include "transport/rfc3339.hpp"

#include <array>
#include <ctime>

namespace runtime_agent {

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const auto seconds =
      static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

} // namespace runtime_agent
