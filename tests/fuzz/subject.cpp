#include "transport/x509/subject.hpp"
#include "tests/fuzz/fuzz.hpp"

/// Subjects come from the Connector; a malformed one is an error, never a crash (contract §2).
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace runtime_agent;
  const auto subject = x509::parse_subject(fuzz::text_of(data, size));
  if (!subject) {
    fuzz::require(!subject.error().what.empty());
    return 0;
  }
  fuzz::require(!subject->empty());
  for (const auto& attribute : *subject)
    fuzz::require(!attribute.type.empty() && !attribute.value.empty());
  return 0;
}
