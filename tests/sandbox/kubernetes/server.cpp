#include "tests/sandbox/kubernetes/server.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tests/sandbox/kubernetes/api_service.hpp"
#include "tests/sandbox/kubernetes/base64.hpp"
#include "tests/sandbox/kubernetes/embedded_definitions.hpp"
#include "tests/sandbox/kubernetes/https_listener.hpp"
#include "tests/sandbox/kubernetes/protobuf.hpp"
#include "tests/sandbox/kubernetes/yaml.hpp"

namespace runtime_agent::sandbox {
namespace {

using kube::ApiRequest;
using kube::Fault;
using kube::FaultAction;
using kube::HttpsListener;
using kube::Reply;
using nlohmann::json;

constexpr auto watch_patience = std::chrono::milliseconds(500);

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

ApiRequest read_request(const httplib::Request& http) {
  auto request = kube::parse_request(http.method, http.target);
  request.accept = http.get_header_value("Accept");
  request.content_type = http.get_header_value("Content-Type");
  request.content_type.erase(std::min(request.content_type.find(';'), request.content_type.size()));
  request.user_agent = http.get_header_value("User-Agent");
  request.body = http.body;
  if (request.content_type == kube::protobuf_type)
    if (auto object = kube::json_of_protobuf(http.body)) {
      request.body = object->dump();
      request.content_type = "application/json";
    }
  for (const auto& [name, value] : http.headers)
    if (const auto lower = lower_case(name); lower.rfind("x-", 0) == 0 || lower == "traceparent")
      request.headers[lower] = value;
  if (const auto bearer = http.get_header_value("Authorization"); bearer.rfind("Bearer ", 0) == 0)
    request.token = bearer.substr(7);
  return request;
}

kube::RequestRecord record_of(const ApiRequest& request) {
  return {std::chrono::system_clock::now(),
          request.verb,
          request.of_resource ? request.plural : request.path,
          request.namespace_,
          request.name,
          0,
          request.user,
          request.user_agent,
          request.headers};
}

Reply failure(int status, std::string_view message, std::optional<std::string> retry_after = {}) {
  Reply reply;
  reply.status = status;
  reply.body = kube::failure_status(status, kube::reason_of(status), message).dump();
  reply.retry_after = std::move(retry_after);
  return reply;
}

void write_stream(httplib::Response& http, const std::shared_ptr<kube::WatchStream>& stream,
                  const std::function<bool()>& stopping) {
  http.set_chunked_content_provider("application/json", [stream, stopping](std::size_t, httplib::DataSink& sink) {
    HttpsListener::answered(); // its head has been written
    const auto lines = stopping() ? std::nullopt : stream->next(watch_patience);
    if (!lines) {
      sink.done();
      return true;
    }
    if (!lines->empty())
      return sink.write(lines->data(), lines->size());
    return HttpsListener::client_is_there();
  });
}

void write_reply(httplib::Response& http, const Reply& reply, const std::function<bool()>& stopping) {
  http.status = reply.status;
  for (const auto& warning : reply.warnings)
    http.headers.emplace("Warning", fmt::format("299 - {}", json(warning).dump()));
  if (reply.retry_after)
    http.set_header("Retry-After", *reply.retry_after);
  if (reply.stream)
    write_stream(http, reply.stream, stopping);
  else
    http.set_content(reply.body, reply.content_type.c_str());
}

std::string http_date(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

/// Half of the body, although its full length has been announced.
void write_half(httplib::Response& http, Reply&& reply) {
  http.status = reply.status;
  auto body = std::make_shared<std::string>(std::move(reply.body));
  const auto length = std::max<std::size_t>(body->size(), 2); // also of a watch, which has no body yet
  body->resize(length, ' ');
  http.set_content_provider(length, reply.content_type.c_str(),
                            [body](std::size_t offset, std::size_t, httplib::DataSink& sink) {
                              if (offset == 0)
                                return sink.write(body->data(), body->size() / 2);
                              HttpsListener::reset_connection();
                              return false;
                            });
}

} // namespace

struct KubernetesServer::State {
  explicit State(Options given)
      : options(std::move(given)), store(options.history), log(options.request_log),
        service(store, access, log, options.metrics_api), certificate(kube::make_serving_certificate()) {}

  void answer(const httplib::Request& http, httplib::Response& response);
  Reply process(const ApiRequest& request);
  /// What a fault answers instead of the API; nothing where the request is carried out.
  std::optional<Reply> instead(const Fault& fault) const;
  void pause(std::chrono::milliseconds duration);
  bool stopping() const { return stopping_; }

  const Options options;
  kube::Access access;
  kube::Store store;
  kube::RequestLog log;
  kube::Faults faults;
  RequestGate<kube::RequestRecord> gate;
  kube::ApiService service;
  const kube::ServingCertificate certificate;
  std::unique_ptr<HttpsListener> listener;
  std::atomic<int> port{0};
  std::atomic<bool> stopping_{false};
  std::atomic<int> tokens{0};
  std::atomic<long> clock_offset{0}; ///< seconds
  std::mutex start_stop;
};

Reply KubernetesServer::State::process(const ApiRequest& request) {
  if (request.user.empty()) {
    const auto refused = kube::unauthorized();
    Reply reply;
    reply.status = 401;
    reply.body = refused.value().status.dump();
    return reply;
  }
  if (request.body.size() > kube::body_limit) {
    const auto refused = kube::entity_too_large();
    Reply reply;
    reply.status = 413;
    reply.body = refused.value().status.dump();
    return reply;
  }
  return service.handle(request);
}

std::optional<Reply> KubernetesServer::State::instead(const Fault& fault) const {
  switch (fault.action) {
  case FaultAction::status:
    return failure(fault.status,
                   fault.message.empty() ? fmt::format("the sandbox answers {} as it was told to", fault.status)
                                         : fault.message,
                   fault.retry_after);
  case FaultAction::html:
    return Reply{fault.status,
                 fmt::format("<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>\n",
                             fault.status),
                 "text/html",
                 {},
                 fault.retry_after,
                 {}};
  case FaultAction::empty:
    return Reply{fault.status, "", "application/json", {}, fault.retry_after, {}};
  default:
    return std::nullopt;
  }
}

void KubernetesServer::State::pause(std::chrono::milliseconds duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  const bool for_ever = duration.count() == 0;
  // In small steps: the client may go, and the server may stop.
  while (!stopping_ && HttpsListener::client_is_there() && (for_ever || std::chrono::steady_clock::now() < end))
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(
        std::chrono::milliseconds(10), for_ever ? std::chrono::milliseconds(10) : duration));
}

void KubernetesServer::State::answer(const httplib::Request& http, httplib::Response& response) {
  auto request = read_request(http);
  request.user = access.user_of(request.token).value_or("");
  auto record = record_of(request);
  const auto fault = faults.take(request.attributes());
  const auto reset = [&] {
    log.add(std::move(record));
    HttpsListener::reset_connection();
  };
  if (!gate.passes(record, Stage::arrived))
    return reset();
  if (fault && (fault->action == FaultAction::hang || fault->action == FaultAction::delay))
    pause(fault->delay);
  if (fault && (fault->action == FaultAction::hang || fault->action == FaultAction::reset_before))
    return reset();
  auto reply = fault ? instead(*fault) : std::nullopt;
  if (!reply) {
    reply = process(request);
  } else if (fault->carried_out) {
    process(request);
  }
  record.status = reply->status;
  if (!gate.passes(record, Stage::carried_out) || (fault && fault->action == FaultAction::reset_after)) {
    record.status = 0;
    return reset();
  }
  HttpsListener::on_answered([this, record] { gate.passes(record, Stage::answered); });
  log.add(std::move(record));
  response.set_header("Date", http_date(std::chrono::system_clock::now() + std::chrono::seconds(clock_offset)));
  if (fault && fault->action == FaultAction::truncated)
    write_half(response, std::move(*reply));
  else
    write_reply(response, *reply, [this] { return stopping(); });
}

void KubernetesServer::set_clock_offset(std::chrono::seconds offset) {
  state_->clock_offset = offset.count();
}

KubernetesServer::KubernetesServer() : KubernetesServer(Options{}) {}

KubernetesServer::KubernetesServer(Options options) : state_(std::make_unique<State>(std::move(options))) {
  if (!state_->options.admin_token.empty())
    state_->access.add(state_->options.admin_token, {"admin", kube::all_rights()});
  auto namespaces = state_->options.namespaces;
  namespaces.insert(namespaces.end(), {"default", "kube-system"});
  for (const auto& name : namespaces)
    put_object({{"apiVersion", "v1"},
                {"kind", "Namespace"},
                {"metadata", {{"name", name}, {"labels", {{"kubernetes.io/metadata.name", name}}}}},
                {"spec", {{"finalizers", {"kubernetes"}}}},
                {"status", {{"phase", "Active"}}}});
  for (const auto& definition : state_->options.definitions.value_or(kube::embedded_definitions()))
    put_object(parse_definition(definition));
}

KubernetesServer::~KubernetesServer() {
  stop();
}

void KubernetesServer::start() {
  std::lock_guard lock(state_->start_stop);
  if (state_->listener)
    return;
  state_->stopping_ = false;
  const int port = state_->port == 0 ? state_->options.port : state_->port.load();
  state_->listener = std::make_unique<HttpsListener>(
      state_->options.host, port, state_->certificate,
      [state = state_.get()](const httplib::Request& request, httplib::Response& response) {
        state->answer(request, response);
      });
  state_->port = state_->listener->port();
}

void KubernetesServer::stop() {
  std::lock_guard lock(state_->start_stop);
  state_->stopping_ = true;
  state_->service.close_watches();
  state_->listener.reset();
}

int KubernetesServer::port() const {
  return state_->port;
}

std::string KubernetesServer::url() const {
  return fmt::format("https://{}:{}", state_->options.host, port());
}

const std::string& KubernetesServer::ca_pem() const {
  return state_->certificate.ca_pem;
}

const std::string& KubernetesServer::admin_token() const {
  return state_->options.admin_token;
}

std::string KubernetesServer::add_user(const std::string& name, std::vector<kube::Rule> rules, std::string token) {
  if (token.empty())
    token = fmt::format("token-{}-of-{}", ++state_->tokens, name);
  state_->access.add(token, {name, std::move(rules)});
  return token;
}

void KubernetesServer::remove_token(const std::string& token) {
  state_->access.remove(token);
}

std::string KubernetesServer::kubeconfig(const std::string& token) const {
  return fmt::format("apiVersion: v1\n"
                     "kind: Config\n"
                     "clusters:\n"
                     "- name: sandbox\n"
                     "  cluster:\n"
                     "    server: {}\n"
                     "    certificate-authority-data: {}\n"
                     "contexts:\n"
                     "- name: sandbox\n"
                     "  context: {{cluster: sandbox, user: sandbox}}\n"
                     "current-context: sandbox\n"
                     "users:\n"
                     "- name: sandbox\n"
                     "  user: {{token: {}}}\n",
                     url(), kube::base64_encoded(ca_pem()), json(token).dump());
}

kube::Faults& KubernetesServer::faults() {
  return state_->faults;
}
RequestGate<kube::RequestRecord>& KubernetesServer::gate() {
  return state_->gate;
}
kube::RequestLog& KubernetesServer::requests() {
  return state_->log;
}
void KubernetesServer::expire_versions() {
  state_->store.expire_versions();
}
void KubernetesServer::close_watches() {
  state_->service.close_watches();
}
void KubernetesServer::set_metrics_api(bool on) {
  state_->service.set_metrics_api(on);
}

std::optional<json> KubernetesServer::object(const std::string& resource, const std::string& namespace_,
                                             const std::string& name) const {
  const auto type = state_->service.type_by_plural(resource);
  const auto found = type ? state_->store.get(type->qualified_plural(), namespace_, name) : nullptr;
  return found ? std::optional(json::parse(found->body)) : std::nullopt;
}

std::vector<json> KubernetesServer::objects(const std::string& resource, const std::string& namespace_) const {
  std::vector<json> list;
  if (const auto type = state_->service.type_by_plural(resource))
    for (const auto& one : state_->store.list(type->qualified_plural(), namespace_).objects)
      list.push_back(json::parse(one->body));
  return list;
}

std::size_t KubernetesServer::count(const std::string& resource, const std::string& namespace_) const {
  const auto type = state_->service.type_by_plural(resource);
  return type ? state_->store.list(type->qualified_plural(), namespace_).objects.size() : 0;
}

json KubernetesServer::put_object(json object) {
  return state_->service.put_object(std::move(object));
}

bool KubernetesServer::remove_object(const std::string& resource, const std::string& namespace_,
                                     const std::string& name) {
  return state_->service.remove_object(resource, namespace_, name);
}

json KubernetesServer::parse_definition(const std::string& yaml) {
  return kube::json_of_yaml(yaml);
}

} // namespace runtime_agent::sandbox
