#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "transport/failure.hpp"
#include "transport/http/socket.hpp"

namespace runtime_agent::http {

/// An address and port, of either family.
struct Address {
  sockaddr_storage bytes{};
  socklen_t length = 0;

  int family() const noexcept { return bytes.ss_family; }
  bool operator==(const Address& other) const noexcept;
};

/// How long after one attempt the next address is tried beside it. Source: RFC 8305 §5.
inline constexpr std::chrono::milliseconds attempt_delay{250};
/// For how long the address that answered is tried first.
inline constexpr std::chrono::minutes address_memory{10};
/// Of a name with more of them, the others are not tried.
inline constexpr std::size_t most_addresses = 16;

/// Which address of one host answered last. Thread-safe.
class RememberedAddress {
public:
  /// An address that is remembered already is not remembered for longer: the order of the resolver gets its turn.
  void answered(const Address& address, Clock::time_point now);
  std::optional<Address> at(Clock::time_point now) const;

private:
  mutable std::mutex mutex_;
  std::optional<Address> address_;
  Clock::time_point until_;
};

/// In which order they are tried: the remembered one first, then the resolver's order with the families in turns.
/// Source: RFC 8305 §4.
std::vector<Address> attempt_order(std::vector<Address> addresses, const std::optional<Address>& remembered);

/// The first connection that comes about; each attempt begins when the one before has failed or had its delay, and
/// all go on side by side.
Result<Descriptor> connect_to_first(const std::vector<Address>& addresses, const Waiter& waiter,
                                    Clock::time_point limit, RememberedAddress& remembered);

/// Connects to the address of `host` that answers first. Names are resolved on a thread of their own, because the
/// resolver cannot be interrupted. Failure: network, timeout or cancelled.
Result<Descriptor> connect_to(const std::string& host, std::uint16_t port, const Waiter& waiter,
                              Clock::time_point limit, RememberedAddress& remembered);

} // namespace runtime_agent::http
