#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace runtime_agent::sandbox::compass {

struct RequestRecord {
  std::chrono::system_clock::time_point time; ///< when it came
  std::chrono::milliseconds duration{0};      ///< until its answer was handed over
  std::string service;                        ///< "connector-token", "connector", "director"
  std::string field;                          ///< the first root field; empty where the document did not parse
  int status = 0;                             ///< 0: no answer, or a handshake that failed
  bool errors = false;                        ///< the answer held GraphQL errors
  std::string fault;                          ///< the action that was applied; empty: none
  std::string reason;                         ///< why a handshake or a request was refused
  std::string request_id;                     ///< x-request-id
  std::string traceparent;
  std::string tenant;
  std::string certificate_serial;
  std::string document;
  nlohmann::json variables; ///< as sent
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
};

nlohmann::json to_json(const RequestRecord& record);

/// What was asked, in order. Thread-safe; keeps the latest 50,000 and counts them all.
class RequestLog {
public:
  void add(RequestRecord record);
  std::vector<RequestRecord> records() const;
  /// How often since the last clear; empty strings match anything.
  std::uint64_t count(const std::string& service = "", const std::string& field = "") const;
  void clear();

private:
  mutable std::mutex mutex_;
  std::vector<RequestRecord> records_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> counters_;
};

} // namespace runtime_agent::sandbox::compass
