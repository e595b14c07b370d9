#pragma once

/// What the process tells the C library and the kernel about its memory. Not for libraries: a process decides once.
namespace runtime_agent {

/// To be called before the first thread starts.
/// One arena for all threads, where the default keeps up to eight for each core, each with holes of its own: threads
/// have small caches besides, and most of the time they wait for the network. Large buffers, answers above all, are
/// mapped each on its own and gone when they are freed.
/// What of the program and its libraries the dynamic linker alone has needed (symbols, relocations) is unmapped; it
/// comes back by itself where it is needed after all.
void use_little_memory();

} // namespace runtime_agent
