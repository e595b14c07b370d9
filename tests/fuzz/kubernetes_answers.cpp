#include "tests/fuzz/fuzz.hpp"
#include "transport/kubernetes/bounded_json.hpp"
#include "transport/kubernetes/status.hpp"

/// Bodies of the API server's answers: objects, lists and Statuses.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace runtime_agent;
  static const auto resource = kubernetes::applications();
  const auto text = fuzz::text_of(data, size);
  if (const auto object = kubernetes::parse_bounded(text))
    static_cast<void>(kubernetes::failure_of_status(*object, {"get", resource, "name"}));
  static_cast<void>(kubernetes::parse_list(text, [](kubernetes::Json&&) {}));
  return 0;
}
