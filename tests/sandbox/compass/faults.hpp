#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace runtime_agent::sandbox::compass {

/// Something that Compass does wrong. The first of the plan that matches a request is applied.
///
/// Actions on the HTTP answer: `http-NNN` (any 4xx or 5xx; an HTML page as from a gateway), `html` (200 with a page),
/// `empty` (200 without a body), `truncated` (half of the JSON, a whole HTTP answer), `cut` (the connection ends in the
/// middle of the answer), `errors` (GraphQL errors, `data` null), `errors-partial` (errors beside the data), `null`
/// (null at `path`), `oversized` (an answer of `bytes`), `reset`, `hang` (until released), `delay`, `trickle` (a byte
/// every `delay`). On the Connector's data: `wrong-key-certificate`, `expired-certificate`, `future-certificate`,
/// `malformed-subject`
/// (`text`), `garbage-base64`, `garbage-certificate`, `missing-urls`, `empty-urls`, `missing-management-info`,
/// `missing-signing-info`, `missing-token`.
/// As the real services refuse (contract 2.2), each with the body seen on them: `invalid-subject` (revoked, or the
/// token is spent), `consumer-type-not-found` (unregistered), `empty-400` (either of them); of the Director
/// `no-scopes`, `runtime-not-found`, `tenant-not-found`, `left-scenario` (beside the data). On the handshake: `alert`
/// (the client certificate is refused; `field` does not count, open connections are ended).
struct Fault {
  int id = 0;          ///< given by the plan
  std::string service; ///< "connector-token", "connector", "director"; empty: any
  std::string field;   ///< "configuration", "applicationsForRuntime", …; empty: any
  std::string serial;  ///< of the client certificate; empty: any, and none
  int times = 1;       ///< how often; -1: for ever
  int skip = 0;        ///< how many matching requests go well before
  std::string action;
  /// The request is not carried out: no token is spent, no label set, nothing signed. Otherwise it is carried out first
  /// and its answer is lost or spoilt.
  bool before = false;
  std::chrono::milliseconds delay{0}; ///< before the answer, with any action
  std::string retry_after;            ///< seconds or an HTTP date, with `http-NNN`
  std::string text;                   ///< the GraphQL error's message, or the malformed subject
  std::string path;                   ///< of `null`: a JSON pointer below `data`; empty: the field itself
  int error_code = 10;                ///< of `errors` (contract §4)
  std::uint64_t bytes = 100u << 20;   ///< of `oversized`
  int applied = 0;                    ///< how often it was, so far
};

/// Keys: service, field, serial, times, skip, action, when ("before" | "after"), delay (ms), retryAfter, text, path,
/// errorCode, bytes. Error: which of them is wrong, and what would be right.
tl::expected<Fault, std::string> fault_from_json(const nlohmann::json& json);
nlohmann::json to_json(const Fault& fault);

/// The faults in force. Thread-safe.
class FaultPlan {
public:
  int add(Fault fault);
  void remove(int id);
  void clear();
  std::vector<Fault> list() const;
  /// The fault for this request, counted as applied; `alert` faults only where `handshake`.
  std::optional<Fault> match(std::string_view service, std::string_view field, bool handshake,
                             std::string_view serial = {});

  /// Blocks for so long (nothing: until released), or until released or stopped. Returns whether the time ran out.
  bool wait(std::optional<std::chrono::milliseconds> duration);
  /// Lets everything go on that hangs or is delayed now.
  void release();
  /// As release, and nothing waits any more.
  void stop();

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Fault> faults_;
  int next_id_ = 1;
  std::uint64_t released_ = 0;
  bool stopped_ = false;
};

} // namespace runtime_agent::sandbox::compass
