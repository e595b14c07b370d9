#include "tests/sandbox/compass/token_ledger.hpp"

#include <stdexcept>

#include <openssl/rand.h>

namespace runtime_agent::sandbox::compass {
namespace {

std::string random_token() {
  unsigned char bytes[32];
  if (RAND_bytes(bytes, sizeof bytes) != 1)
    throw std::runtime_error("sandbox: no random bytes");
  std::string out;
  for (unsigned char byte : bytes) {
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
  return out;
}

} // namespace

std::string TokenLedger::issue(const std::string& runtime_id, bool one_time, std::chrono::milliseconds lifetime) {
  const std::lock_guard lock(mutex_);
  auto value = random_token();
  index_[value] = records_.size();
  records_.push_back({value, runtime_id, one_time, std::chrono::system_clock::now() + lifetime, false});
  return value;
}

tl::expected<std::string, std::string> TokenLedger::spend(const std::string& value) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(value);
  if (found == index_.end())
    return tl::unexpected(std::string(value.empty() ? "no token" : "unknown token"));
  auto& record = records_[found->second];
  if (record.spent)
    return tl::unexpected(std::string("the token is spent"));
  record.spent = true;
  if (record.expires <= std::chrono::system_clock::now())
    return tl::unexpected(std::string("the token has expired"));
  return record.runtime_id;
}

std::vector<TokenRecord> TokenLedger::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

} // namespace runtime_agent::sandbox::compass
