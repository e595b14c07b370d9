#pragma once

#include "app/pages/page.hpp"

/// Facts of an agent that has seen something: for the tests of the pages.
namespace runtime_agent::app::tests {

inline constexpr const char* hostile = "<script>alert(1)</script>";

/// "2030-01-01T00:00:00Z" and so many seconds.
WallTime at(double seconds);

/// One cycle of a synchronisation, in which ApplicationReconciler throws at DesiredStateFetched, is started anew and
/// does its work then.
supervision::Cycle cycle_with_a_restart();
/// One that fails at its first request.
supervision::Cycle failed_cycle();
/// One without anything special.
supervision::Cycle quiet_cycle(std::uint8_t number);

/// All of them, six Applications of which one is called `hostile`, five actors of which one has thrown `hostile`.
PageSources example();

} // namespace runtime_agent::app::tests
