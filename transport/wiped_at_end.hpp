#pragma once

#include <string>

#include "transport/secret.hpp"

namespace runtime_agent {

/// Wipes a text that may hold secrets but cannot be a Secret (a body on its way, a header) when its owner's block ends.
class WipedAtEnd {
public:
  explicit WipedAtEnd(std::string& text) noexcept : text_(text) {}
  WipedAtEnd(const WipedAtEnd&) = delete;
  WipedAtEnd& operator=(const WipedAtEnd&) = delete;
  ~WipedAtEnd() { wipe(text_); }

private:
  std::string& text_;
};

} // namespace runtime_agent
