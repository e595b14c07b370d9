#pragma once

// What nearly every file of this room includes and takes long to parse.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <tl/expected.hpp>
