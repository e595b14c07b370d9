#include "app/web_descriptors.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace runtime_agent::app {

std::size_t connections_allowed(std::size_t wanted) {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == RLIM_INFINITY)
    return wanted;
  return std::min<std::size_t>(wanted, std::max<std::size_t>(descriptors.rlim_cur / 4, 4));
}

} // namespace runtime_agent::app
