# Debian 12's packages, by their CMake configuration, by pkg-config, or (CAF ships neither) by find_library.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(openssl REQUIRED IMPORTED_TARGET openssl)
# The flags come from pkg-config: CPPHTTPLIB_OPENSSL_SUPPORT changes class layouts.
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(yamlcpp REQUIRED IMPORTED_TARGET yaml-cpp)
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core)
# Header-only: Beast's bounded HTTP parsers, and Asio below them.
find_package(Boost 1.74 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
# One source uses it: compiled there, it is a third of the shared library.
add_library(spdlog_external INTERFACE)
target_link_libraries(spdlog_external INTERFACE spdlog::spdlog_header_only)

find_path(TL_EXPECTED_INCLUDE tl/expected.hpp REQUIRED)
add_library(tl_expected INTERFACE)
target_include_directories(tl_expected SYSTEM INTERFACE ${TL_EXPECTED_INCLUDE})

find_library(CAF_CORE_LIBRARY caf_core REQUIRED)
find_path(CAF_INCLUDE caf/all.hpp REQUIRED)
add_library(caf_core SHARED IMPORTED)
set_target_properties(caf_core PROPERTIES IMPORTED_LOCATION "${CAF_CORE_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE}"
  INTERFACE_LINK_LIBRARIES Threads::Threads)

if(RUNTIME_AGENT_TESTS)
  find_package(GTest REQUIRED)
endif()
if(RUNTIME_AGENT_BENCH)
  find_package(benchmark REQUIRED)
endif()
