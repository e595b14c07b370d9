#pragma once

#include <memory>

#include "tests/e2e/support/world.hpp"

namespace runtime_agent::e2e {

/// For one request of a test: time that none needs.
CallContext ample_time();

std::unique_ptr<Cluster> make_real_cluster();
std::unique_ptr<Cluster> make_sandbox_cluster();

} // namespace runtime_agent::e2e
