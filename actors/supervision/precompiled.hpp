#pragma once

// What every file of this room includes anyway: CAF is most of the compile time.
#include <caf/all.hpp>
#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>
