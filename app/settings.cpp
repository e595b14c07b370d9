#include "app/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "transport/encoding.hpp"
#include "transport/http/url.hpp"

namespace runtime_agent::app {
namespace {

/// A variable: what --help says of it, and how its text becomes a setting. `read` returns what was expected where the
/// text does not parse, otherwise nothing.
struct Variable {
  const char* name;
  const char* standard; ///< default, as in the documentation
  const char* meaning;
  std::function<std::optional<std::string>(Settings&, const std::string&)> read;
};

std::optional<ObjectName> parse_object_name(const std::string& text) {
  const auto slash = text.find('/');
  ObjectName name = slash == std::string::npos ? ObjectName{"default", text}
                                               : ObjectName{text.substr(0, slash), text.substr(slash + 1)};
  const auto bad = [](char c) {
    return !(std::islower(static_cast<unsigned char>(c)) || std::isdigit(static_cast<unsigned char>(c)) || c == '-' ||
             c == '.');
  };
  for (const std::string* part : {&name.namespace_, &name.name})
    if (part->empty() || part->size() > 253 || std::any_of(part->begin(), part->end(), bad))
      return std::nullopt;
  return name;
}

template <class Member>
auto object_name(Member member) {
  return [member](Settings& settings, const std::string& text) -> std::optional<std::string> {
    auto name = parse_object_name(text);
    if (!name)
      return "NAMESPACE/NAME, or NAME in the namespace default";
    settings.*member = *name;
    return std::nullopt;
  };
}

auto duration(std::chrono::milliseconds Settings::*member) {
  return [member](Settings& settings, const std::string& text) -> std::optional<std::string> {
    const auto value = parse_duration(text);
    if (!value || value->count() <= 0)
      return "a duration above zero in Go's form, such as 20s, 1m30s or 30m";
    settings.*member = *value;
    return std::nullopt;
  };
}

auto truth(bool Settings::*member) {
  return [member](Settings& settings, const std::string& text) -> std::optional<std::string> {
    // What Go's strconv.ParseBool takes: today's deployments may hold any of them.
    constexpr std::array yes = {"1", "t", "T", "true", "TRUE", "True"};
    constexpr std::array no = {"0", "f", "F", "false", "FALSE", "False"};
    if (std::find(yes.begin(), yes.end(), text) != yes.end())
      settings.*member = true;
    else if (std::find(no.begin(), no.end(), text) != no.end())
      settings.*member = false;
    else
      return "true or false";
    return std::nullopt;
  };
}

auto url(std::string Settings::*member) {
  return [member](Settings& settings, const std::string& text) -> std::optional<std::string> {
    if (!http::Url::parse(text))
      return "a URL that begins with http:// or https://";
    settings.*member = text;
    return std::nullopt;
  };
}

/// A label of the Runtime: nothing is reached by it, so that any printable text will do (contract §1.3).
auto label(std::string Settings::*member) {
  return [member](Settings& settings, const std::string& text) -> std::optional<std::string> {
    const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::any_of(text.begin(), text.end(), control))
      return "text without control characters";
    settings.*member = text;
    return std::nullopt;
  };
}

template <class Number>
std::optional<Number> parse_number(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

template <class Number>
auto number(Number Settings::*member, Number least, Number most, const char* expected) {
  return [=](Settings& settings, const std::string& text) -> std::optional<std::string> {
    const auto value = parse_number<Number>(text);
    if (!value || !(*value >= least && *value <= most))
      return expected;
    settings.*member = *value;
    return std::nullopt;
  };
}

/// As Kubernetes writes a quantity of memory.
auto size(std::size_t Settings::*member, std::size_t least, std::size_t most) {
  return [=](Settings& settings, const std::string& text) -> std::optional<std::string> {
    constexpr std::array<std::pair<std::string_view, unsigned>, 3> units = {{{"Ki", 10}, {"Mi", 20}, {"Gi", 30}}};
    const auto unit =
        std::find_if(units.begin(), units.end(), [&](const auto& one) { return text.ends_with(one.first); });
    const auto digits = unit == units.end() ? text : text.substr(0, text.size() - unit->first.size());
    const unsigned shift = unit == units.end() ? 0 : unit->second;
    const auto value = parse_number<std::size_t>(digits);
    if (!value || *value > (most >> shift) || (*value << shift) < least)
      return "a size such as 80Mi, from 1Mi to 64Gi";
    settings.*member = *value << shift;
    return std::nullopt;
  };
}

auto text(std::string Settings::*member) {
  return [member](Settings& settings, const std::string& value) -> std::optional<std::string> {
    settings.*member = value;
    return std::nullopt;
  };
}

template <class Value>
auto choice(Value Settings::*member, std::vector<std::pair<const char*, Value>> values, const char* expected) {
  return [=](Settings& settings, const std::string& text) -> std::optional<std::string> {
    for (const auto& [name, value] : values)
      if (text == name) {
        settings.*member = value;
        return std::nullopt;
      }
    return expected;
  };
}

std::optional<std::string> read_namespace(Settings& settings, const std::string& text) {
  const auto name = parse_object_name(text);
  if (!name || text.find('/') != std::string::npos || text.size() > 63)
    return "the name of a namespace";
  settings.integration_namespace = text;
  return std::nullopt;
}

std::optional<std::string> read_configuration_secret(Settings& settings, const std::string& text) {
  auto name = parse_object_name(text);
  if (!name)
    return "NAMESPACE/NAME, or NAME in the namespace default";
  settings.configuration_secret = std::move(name);
  return std::nullopt;
}

const std::vector<Variable>& variables() {
  constexpr double smallest = std::numeric_limits<double>::min();
  static const double below_one = std::nextafter(1.0, 0.0);
  static const std::vector<Variable> table = {
      {"APP_CONNECTION_CONFIG_MAP", "compass-system/compass-agent-configuration",
       "ConfigMap that holds CONNECTOR_URL, RUNTIME_ID, TENANT and TOKEN",
       object_name(&Settings::connection_config_map)},
      {"APP_AGENT_CONFIGURATION_SECRET", "", "Secret that holds them instead", read_configuration_secret},
      {"APP_CLUSTER_CERTIFICATES_SECRET", "compass-system/cluster-client-certificates",
       "Secret for the client certificate and its key", object_name(&Settings::certificates_secret)},
      {"APP_CA_CERTIFICATES_SECRET", "istio-system/ca-certificates", "Secret for the CA certificate",
       object_name(&Settings::ca_secret)},
      {"APP_INTEGRATION_NAMESPACE", "kyma-system", "namespace of the Secrets of Applications", read_namespace},
      {"APP_CONTROLLER_SYNC_PERIOD", "20s", "time between synchronizations", duration(&Settings::sync_period)},
      {"APP_MINIMAL_COMPASS_SYNC_TIME", "10s", "minimum time between calls to Compass",
       duration(&Settings::minimal_sync_time)},
      {"APP_CERT_VALIDITY_RENEWAL_THRESHOLD", "0.3", "renew when less than this share of the validity is left",
       number<double>(&Settings::renewal_threshold, smallest, below_one, "a number above 0 and below 1")},
      {"APP_SKIP_COMPASS_TLS_VERIFY", "false", "do not verify Compass' server certificates",
       truth(&Settings::skip_compass_tls_verify)},
      {"APP_SKIP_APPS_TLS_VERIFY", "false", "becomes spec.skipVerify of every Application",
       truth(&Settings::skip_apps_tls_verify)},
      {"APP_CENTRAL_GATEWAY_SERVICE_URL", "http://central-application-gateway.kyma-system.svc.cluster.local:8082",
       "base of centralGatewayUrl", url(&Settings::central_gateway_url)},
      {"APP_RUNTIME_EVENTS_URL", "https://gateway.kyma.local", "the Runtime's label runtime_eventServiceUrl",
       label(&Settings::runtime_events_url)},
      {"APP_RUNTIME_CONSOLE_URL", "https://console.kyma.local", "the Runtime's label runtime_consoleUrl",
       label(&Settings::runtime_console_url)},
      {"APP_QUERY_LOGGING", "false", "log GraphQL queries and answers of failed calls, secrets redacted",
       truth(&Settings::query_logging)},
      {"APP_METRICS_LOGGING_TIME_INTERVAL", "30m", "how often cluster information is logged",
       duration(&Settings::metrics_logging_interval)},
      {"APP_HEALTH_PORT", "8090", "health and metrics, on the pod's address",
       number<std::uint16_t>(&Settings::health_port, 1, 65535, "a port, 1 to 65535")},
      {"APP_DIAGNOSTICS_PORT", "8091", "diagnostics pages, on loopback only; 0 turns them off",
       number<std::uint16_t>(&Settings::diagnostics_port, 0, 65535, "a port, 0 to 65535")},
      {"APP_LOG_FORMAT", "json", "json or text",
       choice<log::Format>(&Settings::log_format, {{"json", log::Format::json}, {"text", log::Format::text}},
                           "json or text")},
      {"APP_LOG_LEVEL", "info", "debug, info, warning or error",
       choice<log::Level>(&Settings::log_level,
                          {{"debug", log::Level::debug},
                           {"info", log::Level::info},
                           {"warning", log::Level::warning},
                           {"error", log::Level::error}},
                          "debug, info, warning or error")},
      {"APP_TRACE_FILE", "in the temporary directory", "the trace ring's file", text(&Settings::trace_file)},
      {"APP_KUBERNETES_CONCURRENCY", "4", "concurrent writes to the cluster",
       number<unsigned>(&Settings::kubernetes_concurrency, 1, 64, "a number from 1 to 64")},
      {"APP_FETCH_MAX_APPLICATIONS", "20000", "most Applications that one fetch from the Director may bring",
       number<std::size_t>(&Settings::fetch_max_applications, 1, 1'000'000, "a number from 1 to 1000000")},
      {"APP_FETCH_MAX_SIZE", "80Mi", "most memory that the data of one fetch may take; two of them are held at times",
       size(&Settings::fetch_max_bytes, 1u << 20, std::size_t{64} << 30)},
      {"APP_LEADER_ELECTION", "auto", "auto, on or off",
       choice<LeaderElection>(
           &Settings::leader_election,
           {{"auto", LeaderElection::automatic}, {"on", LeaderElection::on}, {"off", LeaderElection::off}},
           "auto, on or off")},
  };
  return table;
}

constexpr std::array ignored_variables = {"APP_GATEWAY_PORT",
                                          "APP_UPLOAD_SERVICE_URL",
                                          "APP_CA_CERT_SECRET_TO_MIGRATE",
                                          "APP_CA_CERT_SECRET_KEYS_TO_MIGRATE",
                                          "APP_AGENT_CONFIGURATION_SECRET_TO_MIGRATE",
                                          "APP_CLUSTER_CERTIFICATES_SECRET_TO_MIGRATE"};

/// Each is the time from one request to a server to the next.
constexpr std::array<std::pair<const char*, std::chrono::milliseconds Settings::*>, 3> asking_intervals = {
    {{"APP_CONTROLLER_SYNC_PERIOD", &Settings::sync_period},
     {"APP_MINIMAL_COMPASS_SYNC_TIME", &Settings::minimal_sync_time},
     {"APP_METRICS_LOGGING_TIME_INTERVAL", &Settings::metrics_logging_interval}}};

void raise_intervals(Settings& settings, const Environment& environment) {
  if (environment("RUNTIME_AGENT_TEST_CONTROLS") == "on")
    return;
  for (const auto& [name, interval] : asking_intervals)
    if (settings.*interval < least_interval) {
      settings.*interval = least_interval;
      settings.raised.emplace_back(name);
    }
}

/// A URL may carry a user and a password: nobody is shown them.
std::string without_user(const std::string& text) {
  const auto scheme = text.find("://");
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  const auto user = text.find('@', begin);
  if (user == std::string::npos)
    return text;
  return text.substr(0, begin) + "[redacted]" + text.substr(text.rfind('@'));
}

/// Milliseconds of one of Go's units; 0 where it is none. Microseconds are below what the agent tells apart.
double unit_milliseconds(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, double>, 7> units = {
      {{"ns", 1e-6}, {"us", 1e-3}, {"\xc2\xb5s", 1e-3}, {"ms", 1.0}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}}};
  for (const auto& [name, milliseconds] : units)
    if (unit == name)
      return milliseconds;
  return 0;
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0")
    return std::chrono::milliseconds(0);
  if (text.empty())
    return std::nullopt;
  constexpr std::string_view digits = "0123456789.";
  double total = 0;
  while (!text.empty()) {
    const auto number_end = std::min(text.find_first_not_of(digits), text.size());
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + number_end, value, std::chars_format::fixed);
    if (number_end == 0 || error != std::errc() || end != text.data() + number_end)
      return std::nullopt;
    text.remove_prefix(number_end);
    const auto unit_end = std::min(text.find_first_of(digits), text.size());
    const double unit = unit_milliseconds(text.substr(0, unit_end));
    if (unit == 0)
      return std::nullopt;
    text.remove_prefix(unit_end);
    total += value * unit;
  }
  constexpr double most = 9.2e12; // Go's own bound, 2^63 ns, in milliseconds
  if (!(total < most))
    return std::nullopt;
  return std::chrono::milliseconds(std::llround(total));
}

tl::expected<Settings, std::vector<std::string>> read_settings(const Environment& environment) {
  Settings settings;
  std::vector<std::string> problems;
  for (const Variable& variable : variables()) {
    const auto value = environment(variable.name);
    if (!value || value->empty())
      continue;
    if (const auto expected = variable.read(settings, std::string(trimmed(*value))))
      problems.push_back(fmt::format("{}: \"{}\" is not valid; expected {}", variable.name, *value, *expected));
  }
  raise_intervals(settings, environment);
  if (settings.diagnostics_port != 0 && settings.diagnostics_port == settings.health_port)
    problems.push_back(fmt::format("APP_DIAGNOSTICS_PORT: \"{}\" is APP_HEALTH_PORT as well; expected another port",
                                   settings.diagnostics_port));
  for (const char* name : ignored_variables)
    if (environment(name))
      settings.ignored.emplace_back(name);
  if (!problems.empty())
    return tl::unexpected(std::move(problems));
  return settings;
}

std::vector<EffectiveSetting> effective_settings(const Environment& environment) {
  std::vector<EffectiveSetting> settings;
  const auto read = read_settings(environment);
  const std::vector<std::string> raised = read ? read->raised : std::vector<std::string>();
  for (const Variable& variable : variables()) {
    const auto given = environment(variable.name);
    const bool set = given && !given->empty();
    std::string value = without_user(set ? std::string(trimmed(*given)) : variable.standard);
    if (std::find(raised.begin(), raised.end(), variable.name) != raised.end())
      value = fmt::format("{}s, raised from {}", least_interval / std::chrono::seconds(1), value);
    settings.push_back({variable.name, std::move(value), variable.standard, variable.meaning});
  }
  for (const char* name : {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "KUBECONFIG"})
    settings.push_back({name, without_user(environment(name).value_or("")), "", "as everywhere"});
  return settings;
}

std::string describe_settings() {
  std::string text;
  for (const Variable& variable : variables())
    text += fmt::format("  {}\n      {}{}\n", variable.name, variable.meaning,
                        *variable.standard == '\0' ? "" : fmt::format(" (default {})", variable.standard));
  text += "  HTTPS_PROXY, HTTP_PROXY, NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR\n      as usual, for Compass\n"
          "  KUBECONFIG\n      a kubeconfig to use instead of the pod's service account\n";
  return text;
}

} // namespace runtime_agent::app
