#include <algorithm>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.hpp"
#include "transport/kubernetes/watch_decoder.hpp"

namespace {

using namespace runtime_agent;

struct Heard {
  std::vector<std::string> events;
  bool failed = false;
  bool operator==(const Heard&) const = default;
};

Heard hear(std::string_view stream, std::size_t piece) {
  Heard heard;
  static const auto resource = kubernetes::applications();
  const kubernetes::Operation operation{"watch", resource, ""};
  const kubernetes::EventReceiver receive = [&](kubernetes::EventType, kubernetes::Json&& object) {
    heard.events.push_back(object.dump(-1, ' ', false, kubernetes::Json::error_handler_t::replace));
  };
  kubernetes::WatchOptions options;
  options.resource_version = "1";
  kubernetes::WatchDecoder decoder(operation, options, receive, 1 << 16);
  while (!stream.empty() && decoder.feed(stream.substr(0, piece)))
    stream.remove_prefix(std::min(piece, stream.size()));
  if (!decoder.failure())
    decoder.finish();
  heard.failed = decoder.failure().has_value();
  return heard;
}

} // namespace

/// A watch's stream means the same wherever it is cut.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1)
    return 0;
  const auto stream = fuzz::text_of(data + 1, size - 1);
  fuzz::require(hear(stream, 1 + data[0]) == hear(stream, std::max<std::size_t>(stream.size(), 1)));
  return 0;
}
