#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace runtime_agent::sandbox::compass {

struct TokenRecord {
  std::string value;
  std::string runtime_id;
  bool one_time = true; ///< given to an operator; otherwise the second token, from an answer to `configuration`
  std::chrono::system_clock::time_point expires;
  bool spent = false;
};

/// The Connector's tokens. Each is good for one use. Thread-safe.
class TokenLedger {
public:
  /// A new random token.
  std::string issue(const std::string& runtime_id, bool one_time, std::chrono::milliseconds lifetime);
  /// Spends it and says whose it is. Error: why it is no good: unknown, spent, expired.
  tl::expected<std::string, std::string> spend(const std::string& value);
  /// In the order of issue.
  std::vector<TokenRecord> records() const;

private:
  mutable std::mutex mutex_;
  std::vector<TokenRecord> records_;
  std::map<std::string, std::size_t> index_;
};

} // namespace runtime_agent::sandbox::compass
