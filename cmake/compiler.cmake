# Language level, warnings as errors, the OpenSSF compiler guide's hardening, sanitizers, and what makes builds quick.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

option(RUNTIME_AGENT_TESTS "build the test suites" ON)
option(RUNTIME_AGENT_BENCH "build the micro-benchmarks" OFF)
option(RUNTIME_AGENT_TRACING "record spans; off only to measure what that costs" ON)
option(RUNTIME_AGENT_FUZZ "build the fuzzers; needs clang" OFF)
set(RUNTIME_AGENT_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")

# With optimisation g++ 12 takes moves of strings for accesses out of bounds: those stay warnings there.
# The agent waits nearly all of its life, and every page of its code counts as its memory: small code, and without what
# nothing calls. The benchmarks say what that costs (CONTRIBUTING.md, Decisions).
set(CMAKE_CXX_FLAGS_RELEASE "-Os -DNDEBUG -ffunction-sections -fdata-sections")
add_compile_options($<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:-Wno-error=array-bounds$<SEMICOLON>-Wno-error=stringop-overflow$<SEMICOLON>-Wno-error=restrict$<SEMICOLON>-Wno-error=maybe-uninitialized>)
add_library(runtime_agent_warnings INTERFACE)
target_compile_options(runtime_agent_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wformat=2 -Wimplicit-fallthrough -Wshadow -Wnon-virtual-dtor -Wconversion
  -Werror=format-security $<$<CXX_COMPILER_ID:Clang>:-Wno-error> $<$<CXX_COMPILER_ID:GNU>:-Wtrampolines -Wbidi-chars=any>)

# https://best.openssf.org/Compiler-Hardening-Guides: those of its flags that gcc 12 knows.
add_compile_options(-fstack-protector-strong -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
  $<$<CXX_COMPILER_ID:GNU>:-ftrivial-auto-var-init=zero>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-fstack-clash-protection -fcf-protection=full)
endif()
add_link_options(-Wl,-z,nodlopen -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,--as-needed)
add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_GLIBCXX_ASSERTIONS>)
if(RUNTIME_AGENT_SANITIZE)
  add_compile_options(-fsanitize=${RUNTIME_AGENT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RUNTIME_AGENT_SANITIZE})
  # Line numbers are enough for a sanitizer's report, and compile quicker than all of the debug information.
  set(CMAKE_CXX_FLAGS_DEBUG "-g1")
  # g++ 12 takes values inside fmt for uninitialised where a sanitizer has instrumented them.
  add_compile_options(-Wno-error=uninitialized -Wno-error=maybe-uninitialized)
  # Several sources are compiled as one there, so that headers are read once: to g++ a class then uses what is another
  # file's own.
  add_compile_options($<$<BOOL:${CMAKE_UNITY_BUILD}>:-Wno-subobject-linkage>)
else()
  # _FORTIFY_SOURCE needs optimisation, and hides from the sanitizers what it catches.
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
endif()

if(NOT RUNTIME_AGENT_TRACING)
  add_compile_definitions(RUNTIME_AGENT_NO_TRACING)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers and several build folders beside one another need these settings to hit the cache.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()
find_program(MOLD mold)
add_link_options($<$<CONFIG:Release>:-Wl,--gc-sections>)
if(MOLD)
  add_link_options(-fuse-ld=mold $<$<CONFIG:Release>:-Wl,--icf=safe>)
endif()
