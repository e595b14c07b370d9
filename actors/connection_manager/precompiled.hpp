#pragma once

// Precompiled for this room: the headers that cost most to read.
#include <caf/all.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
