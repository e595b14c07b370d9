#include "tests/fuzz/fuzz.hpp"
#include "transport/kubernetes/bounded_json.hpp"
#include "transport/kubernetes/status.hpp"

namespace {

using namespace runtime_agent;

/// Both of its parsers together read what nlohmann's reads, but for what it leaves out on purpose.
void compare(std::string_view text, const Result<kubernetes::Json>& read) {
  const auto reference = kubernetes::Json::parse(text, nullptr, false);
  if (reference.is_discarded())
    return fuzz::require(!read);
  if (read && text.find("managedFields") == std::string_view::npos && text.find("\\u") == std::string_view::npos)
    fuzz::require(read->dump() == reference.dump());
}

} // namespace

/// Bodies of the API server's answers: objects, lists and Statuses.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto resource = kubernetes::applications();
  const auto text = fuzz::text_of(data, size);
  const auto object = kubernetes::parse_bounded(text);
  compare(text, object);
  if (object)
    static_cast<void>(kubernetes::failure_of_status(*object, {"get", resource, "name"}));
  static_cast<void>(kubernetes::parse_list(text, [](kubernetes::Json&&) {}));
  return 0;
}
