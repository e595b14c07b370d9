#include "transport/secret.hpp"

#include <openssl/crypto.h>

namespace runtime_agent {

void wipe(std::string& text) noexcept {
  // A moved-from or short string may still hold its characters in its own buffer: clean the capacity, not the size.
  OPENSSL_cleanse(text.data(), text.capacity());
  text.clear();
}

Secret::Secret(Secret&& other) noexcept : content_(std::move(other.content_)) {
  other.wipe();
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    content_ = other.content_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    content_ = std::move(other.content_);
    other.wipe();
  }
  return *this;
}

Secret::~Secret() {
  wipe();
}

bool Secret::operator==(const Secret& other) const noexcept {
  return content_.size() == other.content_.size() &&
         CRYPTO_memcmp(content_.data(), other.content_.data(), content_.size()) == 0;
}

void Secret::wipe() noexcept {
  runtime_agent::wipe(content_);
}

} // namespace runtime_agent
