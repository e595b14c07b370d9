#pragma once

// Precompiled for this room: the headers that cost most to read.
#include <caf/all.hpp>
#include <nlohmann/json.hpp>
#include <simdjson.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
