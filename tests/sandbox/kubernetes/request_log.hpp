#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/access.hpp"

namespace runtime_agent::sandbox::kube {

struct RequestRecord {
  std::chrono::system_clock::time_point time;
  std::string verb;
  std::string resource; ///< plural; the path where it is no resource
  std::string namespace_;
  std::string name;
  int status = 0; ///< 0: the connection was reset
  std::string user;
  std::string user_agent;
  std::map<std::string, std::string> headers; ///< those that begin with "x-", in lower case, and traceparent
};

/// A write that changed an object, and whose it was.
struct WriteRecord {
  std::string user;
  std::string resource; ///< plural
  std::string namespace_;
  std::string name;
};

/// What has been asked: the newest records, and counts that are never forgotten before `clear`. Thread-safe.
class RequestLog {
public:
  explicit RequestLog(std::size_t bound);

  void add(RequestRecord record);
  /// Oldest first.
  std::vector<RequestRecord> records() const;
  /// All since the start or `clear`, also those whose record is gone.
  std::uint64_t count() const;
  std::uint64_t count(const std::function<bool(const RequestRecord&)>& which) const;

  /// A write that changed an object. A request that changes nothing is not one.
  /// It is the user's of the Author that is alive on this thread.
  void wrote(const std::string& resource, const std::string& namespace_, const std::string& name);
  std::uint64_t writes(const std::string& resource, const std::string& namespace_, const std::string& name) const;
  /// By "resource/namespace/name".
  std::map<std::string, std::uint64_t> writes() const;
  /// The newest, in the order in which they took effect.
  std::vector<WriteRecord> effective_writes() const;

  /// Whose writes are on this thread while it lives.
  class Author {
  public:
    explicit Author(const std::string& user);
    ~Author();
    Author(const Author&) = delete;
    Author& operator=(const Author&) = delete;
  };

  void clear();

private:
  const std::size_t bound_;
  mutable std::mutex mutex_;
  std::deque<RequestRecord> records_;
  std::uint64_t count_ = 0;
  std::map<std::string, std::uint64_t> writes_;
  std::deque<WriteRecord> effective_;
};

} // namespace runtime_agent::sandbox::kube
