#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/access.hpp"

namespace runtime_agent::sandbox::kube {

enum class FaultAction {
  status,       ///< answers `status` with a Status, and `Retry-After` where given; nothing is done
  hang,         ///< no answer for `delay` (0: until the client goes or the server stops), then the connection is reset
  reset_before, ///< the connection is reset, nothing is done
  reset_after,  ///< it is done, and the connection is reset instead of an answer
  truncated,    ///< it is done, half of the answer comes, then the connection is reset
  html,         ///< answers `status` with a page of HTML, as a gateway in between does; nothing is done
  empty,        ///< answers `status` with no body; nothing is done
  delay,        ///< waits for `delay`, then all goes on as without
};

/// What goes wrong with which requests. Empty patterns match everything; `*` in a pattern stands for any text.
struct Fault {
  std::string verb{};       ///< "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"
  std::string resource{};   ///< plural
  std::string namespace_{}; ///< pattern
  std::string name{};       ///< pattern
  FaultAction action = FaultAction::status;
  int status = 503;
  std::string message{};                    ///< of the Status; empty: the sandbox's own words
  std::optional<std::string> retry_after{}; ///< as sent: seconds or an HTTP date
  std::chrono::milliseconds delay{0};
  bool carried_out = false; ///< with `status`, `html` and `empty`: it is done, and this comes instead of its answer
  std::uint64_t skip = 0;   ///< so many matching requests are let through first
  std::uint64_t times = 1;  ///< to so many it happens; 0: for ever
};

/// The faults that are set, in order: the first that matches and is due happens. Thread-safe.
class Faults {
public:
  /// An id for `remove` and `hits`.
  std::uint64_t add(Fault fault);
  void remove(std::uint64_t id);
  void clear();
  /// How often it has happened.
  std::uint64_t hits(std::uint64_t id) const;
  /// What happens to this request; counts it.
  std::optional<Fault> take(const Attributes& request);

private:
  struct Entry {
    std::uint64_t id;
    Fault fault;
    std::uint64_t seen = 0;
    std::uint64_t hits = 0;
  };
  mutable std::mutex mutex_;
  std::uint64_t next_id_ = 1;
  std::vector<Entry> entries_;
};

/// `*` stands for any text, an empty pattern for everything.
bool matches_pattern(std::string_view pattern, std::string_view text);

} // namespace runtime_agent::sandbox::kube
