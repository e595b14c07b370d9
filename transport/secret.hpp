#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace runtime_agent {

/// A token, private key or password. It has no way into a log, trace, status or error text: nothing prints it but
/// `[redacted]`, and whoever needs the content says `reveal()`. The memory is wiped when the value ends or is replaced.
class Secret {
public:
  Secret() = default;
  explicit Secret(std::string content) : content_(std::move(content)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The content itself: for the wire and for the Secret objects of the cluster only.
  const std::string& reveal() const noexcept { return content_; }
  bool empty() const noexcept { return content_.empty(); }
  /// Takes the same time whatever the contents are, for contents of one length.
  bool operator==(const Secret& other) const noexcept;

private:
  void wipe() noexcept;
  std::string content_;
};

/// Overwrites the bytes in a way that the optimiser keeps. `text` is empty afterwards.
void wipe(std::string& text) noexcept;

} // namespace runtime_agent

template <>
struct fmt::formatter<runtime_agent::Secret> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const runtime_agent::Secret&, Context& context) const {
    return fmt::formatter<std::string_view>::format("[redacted]", context);
  }
};
