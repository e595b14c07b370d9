#include <chrono>

#include "tests/fuzz/fuzz.hpp"
#include "transport/http/proxy.hpp"
#include "transport/http/retry_after.hpp"
#include "transport/http/status.hpp"
#include "transport/http/url.hpp"

/// URLs, proxies, Retry-After and error pages: from the configuration, the environment, and whatever stands in between.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace runtime_agent;
  const auto text = fuzz::text_of(data, size);
  if (const auto url = http::Url::parse(text)) {
    // What was taken apart is put together to the same again.
    const auto again = http::Url::parse(url->origin() + url->target);
    fuzz::require(again.has_value() && *again == *url);
  }
  static_cast<void>(http::Proxy::parse(text));
  if (const auto delay = http::parse_retry_after(text, std::chrono::system_clock::time_point{}))
    fuzz::require(delay->wait.count() >= 0 && delay->wait <= http::longest_retry_after);
  fuzz::require(http::excerpt(text, 200).size() <= 200 + 3); // and "…" where it was cut
  return 0;
}
