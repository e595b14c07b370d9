#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <httplib.h>

#include "transport/http/client.hpp"
#include "transport/http/connection.hpp"

namespace runtime_agent::http {

/// Whether both are the same but for the case of ASCII letters.
bool same_text(std::string_view a, std::string_view b);

/// One request on one connection: limits what is received and remembers how it went.
class Attempt {
public:
  Attempt(const Request& request, const DataReceiver* receive) : request_(request), receive_(receive) {}

  /// How long nothing may come, until the head is there and after it.
  struct Silence {
    Clock::duration head = Clock::duration::max();
    Clock::duration body = Clock::duration::max();
  };
  /// Returns the answer, whole, or the Failure without `where`.
  Result<Response> run(Connection& connection, httplib::Request& wire, const Waiter& waiter, const Silence& limit);
  bool reusable() const noexcept { return reusable_; }

private:
  bool head_arrived(const httplib::Response& head, Connection& connection, const Silence& limit);
  bool body_arrived(const char* data, std::size_t size);
  Failure why(const Connection& connection) const;

  const Request& request_;
  const DataReceiver* receive_; // null: into the response
  bool streamed_ = false;
  bool ended_by_receiver_ = false;
  bool reusable_ = false;
  bool framed_ = false;
  std::uint64_t body_bytes_ = 0;
  std::optional<Failure> failure_;
  Response response_;
};

} // namespace runtime_agent::http
