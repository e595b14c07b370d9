#include "actors/config_watcher/configuration_object.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "transport/encoding.hpp"
#include "transport/http/url.hpp"

namespace runtime_agent::config_watcher {
namespace {

constexpr std::string_view remedy = "the agent goes on watching and connects as soon as it is right";

/// Collects what is wrong, so that a person mends it once.
class Reader {
public:
  Reader(const kubernetes::Json& object, const Source& source) : source_(source) {
    if (const auto found = object.find("data"); found != object.end() && found->is_object())
      data_ = &*found;
  }

  std::string value(const char* key) {
    if (!data_ || !data_->contains(key))
      return wrong(key, "is missing");
    const auto& field = (*data_)[key];
    if (!field.is_string())
      return wrong(key, "is not a string");
    std::string text = field.get<std::string>();
    if (source_.kind == ObjectKind::secret) {
      auto decoded = base64_decode(text);
      if (!decoded)
        return wrong(key, "is not base64");
      text = std::move(*decoded);
    }
    std::string value(trimmed(text));
    if (value.empty())
      return wrong(key, "is blank");
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(value.begin(), value.end(), control))
      return wrong(key, "holds a control character (a line break within the value?)");
    return value;
  }

  std::string wrong(const char* key, std::string_view how) {
    problems_.push_back(fmt::format("{} {}", key, how));
    return {};
  }

  const std::vector<std::string>& problems() const { return problems_; }

private:
  const Source& source_;
  const kubernetes::Json* data_ = nullptr;
  std::vector<std::string> problems_;
};

void check_url(Reader& reader, const std::string& url, bool insecure) {
  if (url.empty())
    return; // said already
  const auto parsed = http::Url::parse(url);
  if (!parsed)
    reader.wrong("CONNECTOR_URL", fmt::format("is not a URL ({}); expected https://HOST/PATH", parsed.error().what));
  else if (!url.starts_with("https://") && !(insecure && url.starts_with("http://")))
    reader.wrong("CONNECTOR_URL", "must begin with https://");
}

} // namespace

kubernetes::Resource Source::resource() const {
  return kind == ObjectKind::secret ? kubernetes::secrets(namespace_) : kubernetes::config_maps(namespace_);
}

std::string Source::text() const {
  return fmt::format("{} {}/{}", kind == ObjectKind::secret ? "Secret" : "ConfigMap", namespace_, name);
}

Result<ConnectionConfiguration> read_configuration(const kubernetes::Json& object, const Source& source,
                                                   bool insecure) {
  Reader reader(object, source);
  ConnectionConfiguration configuration;
  configuration.source = source.text();
  configuration.connector_url = reader.value("CONNECTOR_URL");
  check_url(reader, configuration.connector_url, insecure);
  configuration.runtime_id = reader.value("RUNTIME_ID");
  configuration.tenant = reader.value("TENANT");
  configuration.token = Secret(reader.value("TOKEN"));
  if (reader.problems().empty()) {
    configuration.token_sha256 = sha256_hex(configuration.token.reveal());
    return configuration;
  }
  return failed({.kind = FailureKind::configuration,
                 .where = source.text(),
                 .what = fmt::format("{}", fmt::join(reader.problems(), ", ")),
                 .next = std::string(remedy),
                 .retry_after = {},
                 .request_id = {}});
}

Failure missing(const Source& source) {
  return {.kind = FailureKind::configuration,
          .where = source.text(),
          .what = "does not exist",
          .next = "create it with the keys CONNECTOR_URL, RUNTIME_ID, TENANT and TOKEN; " + std::string(remedy),
          .retry_after = {},
          .request_id = {}};
}

} // namespace runtime_agent::config_watcher
