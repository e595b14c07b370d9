#include <string>

#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/memory.hpp"
#include "transport/graphql/redaction.hpp"

/// Whatever a server answers, the secret is not in what is shown of it. The input is the secret, a NUL, and the answer.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace runtime_agent;
  const auto text = fuzz::text_of(data, size);
  const auto secret = text.substr(0, text.find('\0'));
  const auto answer = text.substr(std::min(secret.size() + 1, text.size()));
  const fuzz::MemoryBound bound(size);
  graphql::Redaction redaction;
  redaction.add(Secret(std::string(secret)));
  const auto shown = redaction.redacted(answer);
  // A mark may hold a short secret itself, and complete one of what stands beside it.
  if (secret.size() > std::string_view("[redacted]").size() &&
      secret.find_first_of("[redact]") == std::string_view::npos)
    fuzz::require(shown.find(secret) == std::string::npos);
  fuzz::require(redaction.redacted_json(answer, 1000).size() <= 1000 + 3);
  return 0;
}
