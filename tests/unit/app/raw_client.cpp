#include "tests/unit/app/raw_client.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace runtime_agent::app {
namespace {

sockaddr_in endpoint(const char* address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &result.sin_addr);
  return result;
}

using Clock = std::chrono::steady_clock;

bool ready(int socket, short events, Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd wanted{socket, events, 0};
  return left > 0 && ::poll(&wanted, 1, static_cast<int>(left)) > 0;
}

} // namespace

RawClient::RawClient(std::uint16_t port, const char* address) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  const sockaddr_in from = endpoint(address, 0);
  const sockaddr_in to = endpoint("127.0.0.1", port);
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    ::close(std::exchange(socket_, -1));
}

RawClient::RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)), ended_(other.ended_) {}

RawClient::~RawClient() {
  if (socket_ >= 0)
    ::close(socket_);
}

bool RawClient::send(std::string_view text) {
  return send_without_end(text, text.size()) == text.size();
}

std::size_t RawClient::send_without_end(std::string_view text, std::size_t most) {
  std::size_t sent = 0;
  const auto until = Clock::now() + std::chrono::seconds(5);
  while (sent < most && ready(socket_, POLLOUT, until)) {
    const std::string_view rest = text.substr(sent % text.size());
    const ssize_t size = ::send(socket_, rest.data(), std::min(rest.size(), most - sent), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN)
      break;
    sent += size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  return sent;
}

std::string RawClient::receive(std::chrono::milliseconds patience) {
  std::string text;
  char buffer[16384];
  const auto until = Clock::now() + patience;
  while (!ended_ && ready(socket_, POLLIN, until)) {
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    ended_ = size <= 0;
    text.append(buffer, size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  return text;
}

bool RawClient::ends(std::chrono::milliseconds patience) {
  receive(patience);
  return ended_;
}

} // namespace runtime_agent::app
