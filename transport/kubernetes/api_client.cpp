#include "transport/kubernetes/api_client.hpp"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "transport/http/url.hpp"
#include "transport/kubernetes/bounded_json.hpp"
#include "transport/kubernetes/credentials.hpp"
#include "transport/kubernetes/json_view.hpp"
#include "transport/kubernetes/kept_fields.hpp"
#include "transport/kubernetes/percent.hpp"
#include "transport/kubernetes/status.hpp"
#include "transport/kubernetes/watch_decoder.hpp"
#include "transport/wiped_at_end.hpp"

namespace runtime_agent::kubernetes {
namespace {

/// After what a watch has brought, so that a thousand objects that change in a second do not wake it up a thousand
/// times. What comes sooner than `at_once` had come meanwhile, and is taken without another pause.
constexpr std::chrono::milliseconds gathering{10};
constexpr std::chrono::microseconds at_once{500};
constexpr int most_beginnings = 3; // of a list that is written faster than it is read

using std::chrono::steady_clock;

/// Clients that were made with one login's TLS material, and that login.
struct Connection {
  LoginPtr login;
  std::shared_ptr<http::Client> requests;
  std::shared_ptr<http::Client> watches;
};
using ConnectionPtr = std::shared_ptr<const Connection>;

/// What a request may do beyond being sent once.
struct Exchange {
  Operation operation;
  http::Request request;
  std::string_view accept = "application/json";
  /// Sending it twice does no harm (for a POST: the second answer says AlreadyExists).
  bool repeatable = false;
  /// A watch: where its stream goes.
  const http::DataReceiver* stream = nullptr;
  steady_clock::duration idle_limit{};
};

/// With the whole objects for a server that knows no such form.
std::string_view accepted(bool metadata_only, bool list) {
  if (!metadata_only)
    return "application/json";
  return list ? "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"
              : "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json";
}

Failure plain_failure(FailureKind kind, const Operation& operation, std::string what) {
  Failure failure;
  failure.kind = kind;
  failure.where = operation.where();
  failure.what = std::move(what);
  return failure;
}

bool success(int status) {
  return status >= 200 && status < 300;
}

/// The server does not know us: a plug-in may give something better.
bool login_refused(FailureKind kind) {
  return kind == FailureKind::unauthorized || kind == FailureKind::certificate_refused;
}

/// A rotated token, CA or client certificate shows as one of these; the files may have newer ones.
bool may_be_old_login(FailureKind kind) {
  return login_refused(kind) || kind == FailureKind::tls || kind == FailureKind::configuration;
}

/// "name=value" parts of a query.
class Query {
public:
  void add(std::string_view name, std::string_view value) {
    if (value.empty())
      return;
    text_ += text_.empty() ? '?' : '&';
    text_.append(name).append("=").append(percent_encoded(value));
  }
  const std::string& text() const { return text_; }

private:
  std::string text_;
};

/// All verbs but DELETE answer with the object; what stands in between may answer with something else.
bool is_what_was_asked_for(const JsonView& answer) {
  return answer.is_object() && answer.member("kind").text() != "Status";
}

/// The body of a write: apiVersion and kind are the Resource's where the object has none.
Result<std::string> body_of(const Operation& operation, const Json& object) {
  if (!object.is_object())
    return failed(plain_failure(FailureKind::internal, operation, "what is to be written is not an object"));
  // Bad UTF-8 from outside becomes U+FFFD: an exception here would end an actor over one character.
  const auto dump = [](const Json& whole) { return whole.dump(-1, ' ', false, Json::error_handler_t::replace); };
  if (object.contains("apiVersion") && object.contains("kind"))
    return dump(object); // without a copy, which nobody would wipe
  const Resource& resource = operation.resource;
  Json whole = object;
  if (!whole.contains("apiVersion"))
    whole["apiVersion"] = resource.group.empty() ? resource.version : resource.group + "/" + resource.version;
  if (!whole.contains("kind"))
    whole["kind"] = resource.kind;
  return dump(whole);
}

std::string delete_body(const DeleteOptions& options) {
  Json preconditions = Json::object();
  if (!options.uid.empty())
    preconditions["uid"] = options.uid;
  if (!options.resource_version.empty())
    preconditions["resourceVersion"] = options.resource_version;
  if (preconditions.empty())
    return {};
  const Json body{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"preconditions", std::move(preconditions)}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// "https://host:port/prefix" → the URL without its path, and "/prefix" (empty where there is none).
std::pair<std::string, std::string> split_server(const std::string& server) {
  const auto authority = server.find("://");
  const auto path = authority == std::string::npos ? std::string::npos : server.find('/', authority + 3);
  if (path == std::string::npos)
    return {server, {}};
  return {server.substr(0, path), server.substr(path)};
}

class ApiClient : public PatchingApi, public WholeObjects {
public:
  ApiClient(ClusterConfig config, const ApiOptions& options, ConnectionFactory connect, Clock& clock)
      : config_(config), options_(options), connect_(std::move(connect)), clock_(clock),
        credentials_(std::move(config), clock) {
    std::tie(origin_, prefix_) = split_server(config_.server);
  }

  Result<Json> get(const Resource& resource, const std::string& name, const CallContext& context) override {
    const Operation operation{"get", resource, name};
    return object_of(one(operation, "GET", {}, true), context);
  }
  Result<void> look_at_whole(const Resource& resource, const std::string& name, const ObjectLook& look,
                             const CallContext& context) override {
    const Operation operation{"get", resource, name};
    return look_at_answer(one(operation, "GET", {}, true), look, context);
  }

  Result<Json> create(const Resource& resource, const Json& object, const CallContext& context) override {
    const std::string name = text_at(object, "metadata", "name");
    const Operation operation{"create", resource, name};
    auto body = body_of(operation, object);
    if (!body)
      return failed(std::move(body.error()));
    return object_of(post(operation, std::move(*body)), context);
  }

  Result<void> create_from_text(const Resource& resource, const std::string& name, std::string text,
                                const ObjectLook& look, const CallContext& context) override {
    const Operation operation{"create", resource, name};
    return look_at_answer(post(operation, std::move(text)), look, context);
  }

  Result<Json> update(const Resource& resource, const Json& object, const CallContext& context) override {
    const std::string name = text_at(object, "metadata", "name");
    const Operation operation{"update", resource, name};
    auto body = body_of(operation, object);
    if (!body)
      return failed(std::move(body.error()));
    return object_of(one(operation, "PUT", std::move(*body), false), context);
  }

  Result<void> remove(const Resource& resource, const std::string& name, const DeleteOptions& options,
                      const CallContext& context) override {
    const Operation operation{"delete", resource, name};
    // Without the uid, the second DELETE could meet another object of that name.
    auto answer = send(one(operation, "DELETE", delete_body(options), !options.uid.empty()), context);
    if (!answer)
      return failed(std::move(answer.error()));
    return {};
  }

  Result<Json> dry_run_create(const Resource& resource, const Json& object, const CallContext& context) override {
    const std::string name = text_at(object, "metadata", "name");
    const Operation operation{"create", resource, name, true};
    auto body = body_of(operation, object);
    if (!body)
      return failed(std::move(body.error()));
    Exchange exchange{operation, request("POST", operation, resource.path() + "?dryRun=All")};
    exchange.request.body = std::move(*body);
    exchange.repeatable = true;
    return object_of(std::move(exchange), context);
  }
  Result<Json> patch(const Resource& resource, const std::string& name, const Json& patch,
                     const CallContext& context) override {
    const Operation operation{"patch", resource, name};
    Exchange exchange = one(operation, "PATCH", patch.dump(-1, ' ', false, Json::error_handler_t::replace), false);
    exchange.request.content_type = "application/merge-patch+json";
    return object_of(std::move(exchange), context);
  }
  Result<std::string> list(const Resource& resource, const ListOptions& options, const ObjectReceiver& receive,
                           const CallContext& context) override;
  Result<std::string> watch(const Resource& resource, const WatchOptions& options, const EventReceiver& receive,
                            const CallContext& context) override;

private:
  http::Request request(std::string_view method, const Operation& operation, const std::string& path) const {
    http::Request request;
    request.method = method;
    request.path = prefix_ + path;
    request.operation = operation.span();
    request.max_response_bytes = options_.max_object_bytes;
    return request;
  }
  Exchange post(const Operation& operation, std::string body) const {
    Exchange exchange{operation, request("POST", operation, operation.resource.path())};
    exchange.request.body = std::move(body);
    exchange.repeatable = !operation.name.empty(); // a generated name would be generated twice
    return exchange;
  }
  Exchange one(const Operation& operation, std::string_view method, std::string body, bool repeatable) const {
    Exchange exchange{operation, request(method, operation, operation.resource.path(operation.name))};
    exchange.request.body = std::move(body);
    exchange.repeatable = repeatable;
    return exchange;
  }
  Result<http::Response> page(const Operation& operation, const ListOptions& options, std::size_t limit,
                              const std::string& continue_token, const CallContext& context);

  Result<Json> object_of(Exchange exchange, const CallContext& context);
  static Result<Json> object_in(const http::Response& answer, const Operation& operation);
  Result<void> look_at_answer(Exchange exchange, const ObjectLook& look, const CallContext& context);
  Result<http::Response> send(Exchange exchange, const CallContext& context);
  Result<http::Response> send_once(const Connection& connection, Exchange& exchange, const CallContext& context);
  bool wait_and_retry(const Failure& failure, int& retries, const CallContext& context);

  Result<ConnectionPtr> connection(const CallContext& context);
  Result<ConnectionPtr> connection_for(const LoginPtr& login);
  Result<std::shared_ptr<http::Client>> connect(const Login& login, std::size_t max_connections) const;

  const ClusterConfig config_;
  const ApiOptions options_;
  const ConnectionFactory connect_;
  Clock& clock_;
  Credentials credentials_;
  std::string origin_;
  std::string prefix_;
  std::mutex mutex_;
  ConnectionPtr connection_; // guarded by mutex_
};

Result<Json> ApiClient::object_of(Exchange exchange, const CallContext& context) {
  const Operation operation = exchange.operation;
  auto answer = send(std::move(exchange), context);
  if (!answer)
    return failed(std::move(answer.error()));
  const WipedAtEnd wiped(answer->body); // it may be a Secret
  return object_in(*answer, operation);
}

Result<void> ApiClient::look_at_answer(Exchange exchange, const ObjectLook& look, const CallContext& context) {
  const Operation operation = exchange.operation;
  auto answer = send(std::move(exchange), context);
  if (!answer)
    return failed(std::move(answer.error()));
  const WipedAtEnd wiped(answer->body); // it may be a Secret
  bool is_object = false;
  look_at(answer->body, [&](const JsonView& answered) {
    is_object = is_what_was_asked_for(answered);
    if (is_object)
      look(answered);
  });
  if (is_object)
    return {};
  const auto object = object_in(*answer, operation); // or what is wrong with it
  if (!object)
    return failed(object.error());
  look(*object);
  return {};
}

Result<Json> ApiClient::object_in(const http::Response& answer, const Operation& operation) {
  auto object = parse_bounded(answer.body);
  if (object && is_what_was_asked_for(*object))
    return object;
  const bool status = object && object->is_object();
  Failure failure = plain_failure(FailureKind::malformed, operation,
                                  status   ? "the answer is a Status where an object was expected"
                                  : object ? "the answer is not a JSON object"
                                           : object.error().what);
  failure.http_status = answer.status;
  failure.maybe_processed = operation.verb != "get";
  return failed(std::move(failure));
}

Result<http::Response> ApiClient::send(Exchange exchange, const CallContext& context) {
  const Operation& operation = exchange.operation;
  // Without a name the path would be the collection's, and DELETE would empty it.
  if (operation.name.empty() && operation.verb != "list" && operation.verb != "watch" && operation.verb != "create")
    return failed(plain_failure(FailureKind::internal, operation, "no name given"));
  const WipedAtEnd wiped(exchange.request.body); // it may be a Secret
  bool repeated = !exchange.repeatable;
  bool login_renewed = false;
  for (int retries = 0;;) {
    const auto connected = connection(context);
    if (!connected)
      return failed(connected.error());
    auto answer = send_once(**connected, exchange, context);
    if (answer && success(answer->status))
      return answer;
    Failure failure = answer ? failure_of(*answer, operation, clock_.wall()) : std::move(answer.error());
    failure.where = operation.where();
    if (may_be_old_login(failure.kind) && !login_renewed) {
      login_renewed = true;
      const auto plugin = login_refused(failure.kind) ? Credentials::Plugin::now : Credentials::Plugin::when_expired;
      const auto renewed = credentials_.renewed((*connected)->login, plugin, context);
      if (renewed && !same_login(**renewed, *(*connected)->login))
        continue;
    }
    if (wait_and_retry(failure, retries, context))
      continue;
    // Of a POST, a server error too may hide that it was carried out; for the others, a server in trouble gets peace.
    const bool hidden = failure.kind == FailureKind::unavailable && operation.verb == "create";
    const bool lost = failure.maybe_processed && (failure.kind == FailureKind::network || hidden);
    if (lost && !repeated && !context.cancel.cancelled() && clock_.now() < context.deadline) {
      repeated = true;
      continue;
    }
    if (context.cancel.cancelled())
      failure.kind = FailureKind::cancelled;
    return failed(std::move(failure));
  }
}

Result<http::Response> ApiClient::send_once(const Connection& connection, Exchange& exchange,
                                            const CallContext& context) {
  auto& headers = exchange.request.headers;
  headers = {{"Accept", std::string(exchange.accept)}};
  if (!connection.login->authorization.empty())
    headers.emplace_back("Authorization", connection.login->authorization.reveal());
  headers.insert(headers.end(), config_.impersonation.begin(), config_.impersonation.end());
  if (exchange.stream != nullptr)
    return connection.watches->stream(exchange.request, context, exchange.idle_limit, *exchange.stream);
  return connection.requests->send(exchange.request, context);
}

/// Only where the server says when: whatever else fails is the caller's to pace, who also has somebody to tell.
bool ApiClient::wait_and_retry(const Failure& failure, int& retries, const CallContext& context) {
  const int status = failure.http_status;
  const bool asked = failure.retry_after && (status == 429 || status == 500 || status == 503 || status == 504);
  if (!asked || retries >= options_.max_retries || *failure.retry_after > options_.longest_wait)
    return false;
  // Retry-After: 0 would be a loop without a pause.
  const steady_clock::duration wait =
      std::max<steady_clock::duration>(*failure.retry_after, std::chrono::milliseconds(100));
  const auto now = clock_.now();
  if (context.deadline <= now || context.deadline - now <= wait)
    return false;
  ++retries;
  return !clock_.wait(context.cancel, wait);
}

Result<http::Response> ApiClient::page(const Operation& operation, const ListOptions& options, std::size_t limit,
                                       const std::string& continue_token, const CallContext& context) {
  Query query;
  query.add("labelSelector", options.label_selector);
  query.add("fieldSelector", options.field_selector);
  query.add("limit", limit == 0 ? std::string() : std::to_string(limit));
  query.add("continue", continue_token);
  Exchange exchange{operation, request("GET", operation, operation.resource.path() + query.text())};
  exchange.accept = accepted(options.metadata_only, true);
  exchange.request.max_response_bytes = options_.max_list_bytes;
  exchange.repeatable = true;
  return send(std::move(exchange), context);
}

Result<std::string> ApiClient::list(const Resource& resource, const ListOptions& options, const ObjectReceiver& receive,
                                    const CallContext& context) {
  const Operation operation{"list", resource, ""};
  std::size_t limit = options.limit;
  std::string continue_token;
  const auto begin_again_with = [&](std::size_t page_limit) {
    limit = page_limit;
    continue_token.clear();
    if (options.on_restart)
      options.on_restart();
  };
  for (int beginnings = 1;;) {
    const auto answer = page(operation, options, limit, continue_token, context);
    const bool too_large = answer ? !parsable_within(answer->body) : answer.error().kind == FailureKind::too_large;
    if (too_large && limit > 1) {
      limit = std::max<std::size_t>(limit / 4, 1);
      continue;
    }
    if (too_large && limit == 0 && options.limit > 0 && beginnings < most_beginnings) {
      ++beginnings;
      begin_again_with(options.limit); // all at once is more than the memory is for
      continue;
    }
    if (!answer) {
      if (answer.error().kind != FailureKind::gone || continue_token.empty())
        return failed(answer.error());
      // Writing was faster than paging: all at once, as client-go does, since pages would expire again.
      begin_again_with(0);
      continue;
    }
    auto head = parse_list(answer->body, receive);
    if (!head) {
      head.error().where = operation.where();
      return failed(std::move(head.error()));
    }
    if (head->continue_token.empty())
      return std::move(head->resource_version);
    if (head->continue_token == continue_token)
      return failed(plain_failure(FailureKind::malformed, operation, "a page continues with itself"));
    continue_token = std::move(head->continue_token);
  }
}

Result<std::string> ApiClient::watch(const Resource& resource, const WatchOptions& options,
                                     const EventReceiver& receive, const CallContext& context) {
  const Operation operation{"watch", resource, ""};
  WatchDecoder decoder(operation, options, receive, options_.max_object_bytes);
  auto idle_since = clock_.now();
  const http::DataReceiver data = [&](std::string_view piece) {
    const bool waited_for = clock_.now() - idle_since > at_once;
    const bool goes_on = decoder.feed(piece);
    if (waited_for && goes_on)
      clock_.wait(context.cancel, gathering);
    idle_since = clock_.now();
    return goes_on;
  };
  Query query;
  query.add("watch", "true");
  query.add("allowWatchBookmarks", "true");
  query.add("resourceVersion", options.resource_version);
  query.add("timeoutSeconds", std::to_string(options.timeout.count()));
  query.add("labelSelector", options.label_selector);
  query.add("fieldSelector", options.field_selector);
  Exchange exchange{operation, request("GET", operation, resource.path() + query.text())};
  exchange.accept = accepted(options.metadata_only, false);
  exchange.stream = &data;
  exchange.idle_limit = options.idle_limit;
  const auto answer = send(std::move(exchange), context);
  // What the stream said stands above how it ended: after an ERROR event we end it ourselves.
  if (decoder.failure())
    return failed(*decoder.failure());
  if (!answer)
    return failed(answer.error());
  decoder.finish();
  if (decoder.failure())
    return failed(*decoder.failure());
  return decoder.version();
}

Result<ConnectionPtr> ApiClient::connection(const CallContext& context) {
  auto login = credentials_.current(context);
  if (!login)
    return failed(std::move(login.error()));
  return connection_for(*login);
}

Result<ConnectionPtr> ApiClient::connection_for(const LoginPtr& login) {
  const std::lock_guard lock(mutex_);
  if (connection_ && connection_->login == login)
    return connection_;
  auto made = std::make_shared<Connection>();
  made->login = login;
  if (connection_ && connection_->login->tls_generation == login->tls_generation) {
    made->requests = connection_->requests;
    made->watches = connection_->watches;
  } else {
    auto requests = connect(*login, options_.max_connections);
    auto watches = requests ? connect(*login, options_.max_watches) : requests;
    if (!watches) {
      // A CA file caught half-written: what was good a minute ago is tried meanwhile.
      if (connection_)
        return connection_;
      return failed(std::move(watches.error()));
    }
    made->requests = std::move(*requests);
    made->watches = std::move(*watches);
  }
  connection_ = std::move(made);
  return connection_;
}

Result<std::shared_ptr<http::Client>> ApiClient::connect(const Login& login, std::size_t max_connections) const {
  Endpoint endpoint;
  endpoint.server = origin_;
  endpoint.ca_pem = login.ca_pem;
  endpoint.insecure_skip_tls_verify = config_.insecure_skip_tls_verify;
  endpoint.tls_server_name = config_.tls_server_name;
  endpoint.certificate_pem = login.certificate_pem.reveal();
  endpoint.key_pem = login.key_pem;
  endpoint.proxy_url = config_.proxy_url;
  endpoint.in_cluster = config_.in_cluster;
  endpoint.max_connections = max_connections;
  auto client = connect_(endpoint);
  if (!client)
    client.error().where = config_.source;
  return client;
}

} // namespace

std::unique_ptr<PatchingApi> make_api(ClusterConfig config, const ApiOptions& options, ConnectionFactory connect,
                                      Clock& clock) {
  return std::make_unique<ApiClient>(std::move(config), options, std::move(connect), clock);
}

} // namespace runtime_agent::kubernetes
