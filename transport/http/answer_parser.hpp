#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "transport/failure.hpp"
#include "transport/http/client.hpp"

namespace runtime_agent::http {

/// The head of a final answer.
struct AnswerHead {
  int status = 0;
  std::string reason{};
  Headers headers{};
  std::optional<std::uint64_t> length{}; ///< of the body, where the head says it
};

/// What an answer may have, besides its body, whose receiver sets it a bound.
struct AnswerLimits {
  static constexpr std::size_t status_line = 1024;
  static constexpr std::size_t field_line = 16 * 1024;
  static constexpr std::size_t head = 64 * 1024;    ///< with the interim answers before it
  static constexpr std::size_t framing = 16 * 1024; ///< what stands before a chunk, or the trailers behind the last one
  static constexpr int interim = 16;
};

/// Reads one answer of HTTP/1.1 (RFC 9112) from its bytes, in whatever pieces they come. Interim answers, chunk
/// extensions and trailers are read and dropped; bodies are handed on as they come. Everything else is bounded.
class AnswerParser {
public:
  /// Returning false ends the reading.
  struct Receiver {
    std::function<bool(AnswerHead)> head;
    std::function<bool(std::string_view)> body;
  };
  enum class Body { as_the_head_says, none };
  explicit AnswerParser(Receiver receiver, Body body = Body::as_the_head_says);
  ~AnswerParser();

  enum class State { reading, whole, stopped, broken };
  State put(std::string_view bytes);
  /// The connection has ended: `whole` where that ends the answer, else `broken`.
  State end();

  bool head_done() const noexcept;
  /// Whether the connection may carry another answer, where this one is whole.
  bool keeps_alive() const noexcept;
  /// Whether something came behind the answer.
  bool overrun() const noexcept;
  /// Why it is broken, where its bytes are wrong; nullopt where they are too few.
  const std::optional<Failure>& failure() const noexcept;

private:
  class Implementation; // Beast, in one source alone: it is slow to compile
  std::unique_ptr<Implementation> implementation_;
};

} // namespace runtime_agent::http
