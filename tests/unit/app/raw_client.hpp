#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace runtime_agent::app {

/// A connection over IPv4 on which a test sends what it likes.
class RawClient {
public:
  /// `address`: where it comes from, any of loopback's.
  explicit RawClient(std::uint16_t port, const char* address = "127.0.0.1");
  RawClient(RawClient&& other) noexcept;
  ~RawClient();

  bool connected() const { return socket_ >= 0; }
  /// False where the other side has ended it.
  bool send(std::string_view text);
  /// Again and again, at most so many bytes; says how many went.
  std::size_t send_without_end(std::string_view text, std::size_t most);
  /// All that comes until the other side ends the connection, or until `patience` is over.
  std::string receive(std::chrono::milliseconds patience = std::chrono::seconds(5));
  /// Whether the other side ends it within that time.
  bool ends(std::chrono::milliseconds patience);

private:
  int socket_;
  bool ended_ = false;
};

} // namespace runtime_agent::app
