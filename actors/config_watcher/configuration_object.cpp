#include "actors/config_watcher/configuration_object.hpp"

#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/config_watcher/pasted_text.hpp"
#include "transport/encoding.hpp"
#include "transport/http/url.hpp"

namespace runtime_agent::config_watcher {
namespace {

constexpr std::string_view remedy = "the agent keeps watching it and connects as soon as it is valid";

// Each is kept in an annotation or sent as a header: more is no such value, but something else that was pasted.
constexpr std::size_t longest_url = 8u << 10;
constexpr std::size_t longest_token = 8u << 10;
constexpr std::size_t longest_id = 1u << 10;

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
    std::string value(without_invisible_ends(text));
    if (value.empty())
      return wrong(key, "is blank");
    if (const auto how = quotes_around(value))
      return wrong(key, *how);
    return value;
  }

  /// A value of one line, in which everything can be seen.
  std::string line(const char* key, std::size_t most) {
    std::string text = value(key);
    if (text.size() > most)
      return wrong(key, fmt::format("is {} bytes long, and at most {} are expected", text.size(), most));
    const auto how = invisible_within(text);
    return how ? wrong(key, *how) : text;
  }

  /// Looked at closely, since a wrong one is spent all the same (the exchange is asked for, and fails).
  std::string token(const char* key) {
    std::string text = value(key);
    if (text.size() > longest_token)
      return wrong(key, fmt::format("is {} bytes long, and at most {} are expected", text.size(), longest_token));
    auto how = no_bare_token(text);
    if (!how)
      how = invisible_within(text);
    return how ? wrong(key, *how) : text;
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
  configuration.connector_url = reader.line("CONNECTOR_URL", longest_url);
  check_url(reader, configuration.connector_url, insecure);
  configuration.runtime_id = reader.line("RUNTIME_ID", longest_id);
  configuration.tenant = reader.line("TENANT", longest_id);
  configuration.token = Secret(reader.token("TOKEN"));
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
