#include "transport/http/make_client.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

#include <poll.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>
#include <httplib.h>

#include "transport/http/connection.hpp"
#include "transport/http/status.hpp"

namespace runtime_agent::http {
namespace {

/// cpp-httplib's writing and parsing of HTTP/1.1, over a connection of ours.
class Protocol final : public httplib::ClientImpl {
public:
  Protocol() : httplib::ClientImpl("unused") { set_url_encode(false); }
  bool run(Connection& connection, httplib::Request& request, httplib::Response& response) {
    auto error = httplib::Error::Success;
    return process_request(connection, request, response, false, error);
  }
};

bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool safe_on_the_wire(std::string_view text, bool spaces) {
  return std::none_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < ' ' || byte == 0x7f || (c == ' ' && !spaces);
  });
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "PUT" || method == "DELETE";
}

/// The length that the answer's head announces; nullopt where it announces none. Failure: not a number.
Result<std::optional<std::uint64_t>> announced_length(const httplib::Response& response) {
  const auto [first, last] = response.headers.equal_range("Content-Length");
  if (first == last)
    return std::nullopt;
  const auto& text = first->second;
  const bool alike = std::all_of(first, last, [&](const auto& entry) { return entry.second == text; });
  if (!alike || text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos)
    return failed({.kind = FailureKind::malformed, .what = "the answer's Content-Length is not a number"});
  return std::stoull(text);
}

/// One request on one connection: limits what is received and remembers how it went.
class Attempt {
public:
  Attempt(const Request& request, const DataReceiver* receive) : request_(request), receive_(receive) {}

  /// Returns the answer, whole, or the Failure without `where`.
  Result<Response> run(Connection& connection, httplib::Request& wire, const Waiter& waiter,
                       Clock::duration idle_limit);
  bool reusable() const noexcept { return reusable_; }

private:
  bool head_arrived(const httplib::Response& head, Connection& connection);
  bool body_arrived(const char* data, std::size_t size);
  Failure why(const Connection& connection) const;

  const Request& request_;
  const DataReceiver* receive_; // null: into the response
  bool streamed_ = false;
  bool ended_by_receiver_ = false;
  bool reusable_ = false;
  bool framed_ = false;
  std::uint64_t body_bytes_ = 0;
  std::optional<Failure> failure_;
  Response response_;
};

Result<Response> Attempt::run(Connection& connection, httplib::Request& wire, const Waiter& waiter,
                              Clock::duration idle_limit) {
  wire.response_handler = [&](const httplib::Response& head) { return head_arrived(head, connection); };
  wire.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    return body_arrived(data, size);
  };
  connection.begin(waiter, idle_limit);
  Protocol protocol;
  httplib::Response parsed;
  const bool whole = protocol.run(connection, wire, parsed);
  if (!whole && !ended_by_receiver_)
    return failed(why(connection));
  // Not called by cpp-httplib for answers without a body.
  const bool without_body = parsed.status == 204;
  if (without_body)
    head_arrived(parsed, connection);
  const bool keeps_alive = parsed.version == "HTTP/1.1" && !same_text(parsed.get_header_value("Connection"), "close");
  reusable_ = whole && keeps_alive && (framed_ || without_body) && !connection.exchange().closed;
  return std::move(response_);
}

bool Attempt::head_arrived(const httplib::Response& head, Connection& connection) {
  connection.end_of_head();
  response_.status = head.status;
  response_.headers.assign(head.headers.begin(), head.headers.end());
  streamed_ = receive_ != nullptr && head.status >= 200 && head.status < 300;
  const bool chunked = same_text(head.get_header_value("Transfer-Encoding"), "chunked");
  const auto length = announced_length(head);
  if (!length) {
    failure_ = length.error();
    return false;
  }
  framed_ = chunked || length->has_value();
  if (!streamed_ && !chunked && *length) {
    if (**length > request_.max_response_bytes) {
      body_bytes_ = **length;
      return body_arrived(nullptr, 0);
    }
    // 64 bytes more: the JSON parser wants them behind its input, and would copy the text to have them.
    response_.body.reserve(**length + 64);
  }
  return true;
}

bool Attempt::body_arrived(const char* data, std::size_t size) {
  if (streamed_) {
    ended_by_receiver_ = !(*receive_)(std::string_view(data, size));
    return !ended_by_receiver_;
  }
  body_bytes_ += size;
  if (body_bytes_ > request_.max_response_bytes) {
    failure_ =
        Failure{.kind = FailureKind::too_large,
                .what = fmt::format("the answer is larger than the limit of {} bytes", request_.max_response_bytes)};
    failure_->http_status = response_.status;
    return false;
  }
  response_.body.append(data, size);
  return true;
}

Failure Attempt::why(const Connection& connection) const {
  const auto& exchange = connection.exchange();
  if (failure_)
    return *failure_;
  if (exchange.failure)
    return *exchange.failure;
  if (exchange.closed && exchange.received == 0)
    return {.kind = FailureKind::network, .what = "the server closed the connection without an answer"};
  if (exchange.closed)
    return {.kind = FailureKind::network, .what = "the connection ended before the answer was whole"};
  return {.kind = FailureKind::malformed, .what = "the answer is not HTTP/1.1"};
}

class KeepAliveClient final : public Client {
public:
  explicit KeepAliveClient(ClientOptions options);

  Result<Response> send(const Request& request, const CallContext& context) override;
  Result<Response> stream(const Request& request, const CallContext& context, Clock::duration idle_limit,
                          const DataReceiver& receive) override;
  void drop_idle_connections() override;

private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    Clock::time_point since;
  };
  /// A connection in use, and whether it has served before.
  struct Lease {
    std::unique_ptr<Connection> connection;
    bool kept = false;
    std::uint64_t generation = 0;
  };
  /// How one call goes on: for its span.
  struct Call {
    const Request& request;
    const CallContext& context;
    Clock::duration idle_limit;
    const DataReceiver* receive;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
  };

  Result<Response> observed(Call call);
  Result<Response> with_slot(Call& call, const Waiter& waiter);
  Result<Response> attempt(Call& call, const Waiter& waiter, Lease& lease, bool& try_again);
  std::optional<Failure> refusal(const Waiter& waiter);
  Result<Lease> take_kept();
  Result<Lease> open(const Waiter& waiter);
  void give_back(Lease lease);
  Result<std::shared_ptr<const TlsContext>> tls_context();
  Result<httplib::Request> wire_request(const Request& request, const CallContext& context) const;

  const ClientOptions options_;
  const Descriptor slots_; // a semaphore that can be waited for together with a cancel token
  std::mutex mutex_;
  std::shared_ptr<const TlsContext> tls_;
  std::vector<Idle> idle_;
  std::uint64_t generation_ = 0;
};

KeepAliveClient::KeepAliveClient(ClientOptions options)
    : options_(std::move(options)),
      slots_(::eventfd(static_cast<unsigned>(std::max<std::size_t>(options_.max_connections, 1)),
                       EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {}

Result<Response> KeepAliveClient::send(const Request& request, const CallContext& context) {
  return observed({request, context, Clock::duration::max(), nullptr});
}

Result<Response> KeepAliveClient::stream(const Request& request, const CallContext& context, Clock::duration idle_limit,
                                         const DataReceiver& receive) {
  return observed({request, context, idle_limit, &receive});
}

void KeepAliveClient::drop_idle_connections() {
  std::vector<Idle> dropped; // ended outside the lock: closing a TLS session writes
  std::lock_guard lock(mutex_);
  dropped.swap(idle_);
  ++generation_;
}

Result<Response> KeepAliveClient::observed(Call call) {
  RequestSpan span;
  span.trace = call.context.trace;
  span.target = options_.target;
  span.method = call.request.method;
  span.operation = call.request.operation;
  span.started = std::chrono::system_clock::now();
  const auto begun = Clock::now();
  const Waiter waiter(call.context);
  auto result = with_slot(call, waiter);
  if (!result) {
    auto& failure = result.error();
    failure.where = call.request.operation.empty() ? options_.origin.origin()
                                                   : call.request.operation + ", " + options_.origin.origin();
    failure.request_id = call.context.request_id;
  }
  span.duration = Clock::now() - begun;
  span.status = result ? result->status : result.error().http_status;
  span.outcome = result ? "ok" : to_string(result.error().kind);
  span.bytes_sent = call.sent;
  span.bytes_received = call.received;
  if (options_.observer != nullptr)
    options_.observer->finished(span);
  return result;
}

Result<Response> KeepAliveClient::with_slot(Call& call, const Waiter& waiter) {
  std::uint64_t one = 0;
  if (auto open = waiter.check(Clock::time_point::max(), "the call did not begin"); !open)
    return tl::unexpected(open.error());
  while (::read(slots_.get(), &one, sizeof one) != sizeof one)
    if (auto free = waiter.wait(slots_.get(), POLLIN, Clock::time_point::max(), "no connection became free"); !free)
      return tl::unexpected(free.error());
  struct Slot {
    int fd;
    ~Slot() {
      const std::uint64_t back = 1;
      [[maybe_unused]] const auto written = ::write(fd, &back, sizeof back);
    }
  } const slot{slots_.get()};

  auto lease = take_kept();
  bool try_again = false;
  auto result = lease->connection ? attempt(call, waiter, *lease, try_again) : failed({});
  if (lease->kept && !try_again)
    return result;
  lease = open(waiter);
  if (!lease)
    return tl::unexpected(lease.error());
  return attempt(call, waiter, *lease, try_again);
}

Result<Response> KeepAliveClient::attempt(Call& call, const Waiter& waiter, Lease& lease, bool& try_again) {
  auto wire = wire_request(call.request, call.context);
  if (!wire)
    return tl::unexpected(wire.error());
  Attempt attempt(call.request, call.receive);
  auto result = attempt.run(*lease.connection, *wire, waiter, call.idle_limit);
  const auto& exchange = lease.connection->exchange();
  call.sent += exchange.sent;
  call.received += exchange.received;
  if (result) {
    if (attempt.reusable())
      give_back(std::move(lease));
    return result;
  }
  auto& failure = result.error();
  failure.maybe_processed = lease.connection->request_is_out() && failure.kind != FailureKind::certificate_refused;
  const bool swallowed = failure.kind == FailureKind::network && exchange.received == 0;
  try_again = lease.kept && swallowed && (!failure.maybe_processed || is_idempotent(call.request.method));
  if (!lease.kept && swallowed && options_.identity && lease.connection->may_hide_refusal())
    if (auto refused = refusal(waiter))
      return failed(std::move(*refused));
  return result;
}

/// Whether the server refuses our certificate. Under TLS 1.3 the client's handshake is over before the server has
/// looked at the certificate; its alert can be lost when the server resets a connection on which a request was under
/// way. On a fresh connection without a request, the alert comes through (architecture §8).
std::optional<Failure> KeepAliveClient::refusal(const Waiter& waiter) {
  constexpr auto patience = std::chrono::seconds(1);
  auto lease = open(waiter);
  auto failure = lease ? lease->connection->listen(waiter, Clock::now() + patience) : std::move(lease.error());
  const bool refused = failure && failure->kind == FailureKind::certificate_refused;
  return refused ? std::move(failure) : std::nullopt;
}

Result<KeepAliveClient::Lease> KeepAliveClient::take_kept() {
  for (;;) {
    Idle idle;
    std::uint64_t generation = 0;
    {
      std::lock_guard lock(mutex_);
      generation = generation_;
      if (idle_.empty())
        return Lease{};
      idle = std::move(idle_.back()); // the one used last: the others may grow old and go
      idle_.pop_back();
    }
    if (Clock::now() - idle.since < options_.idle_timeout && idle.connection->idle_and_alive())
      return Lease{std::move(idle.connection), true, generation};
  }
}

Result<KeepAliveClient::Lease> KeepAliveClient::open(const Waiter& waiter) {
  std::uint64_t generation = 0;
  {
    std::lock_guard lock(mutex_);
    generation = generation_;
  }
  std::shared_ptr<const TlsContext> context;
  if (options_.origin.https()) {
    auto made = tls_context();
    if (!made)
      return tl::unexpected(made.error());
    context = std::move(*made);
  }
  auto connection = Connection::open({options_.origin, options_.proxy, context.get(), options_.server_name}, waiter,
                                     Clock::now() + options_.connect_timeout);
  if (!connection)
    return tl::unexpected(connection.error());
  return Lease{std::move(*connection), false, generation};
}

void KeepAliveClient::give_back(Lease lease) {
  std::vector<Idle> old; // ended outside the lock
  std::lock_guard lock(mutex_);
  if (lease.generation != generation_)
    return old.push_back({std::move(lease.connection), {}});
  const auto now = Clock::now();
  const auto grown_old = [&](const Idle& idle) { return now - idle.since >= options_.idle_timeout; };
  const auto young = std::find_if_not(idle_.begin(), idle_.end(), grown_old);
  std::move(idle_.begin(), young, std::back_inserter(old));
  idle_.erase(idle_.begin(), young);
  idle_.push_back({std::move(lease.connection), now});
}

Result<std::shared_ptr<const TlsContext>> KeepAliveClient::tls_context() {
  std::lock_guard lock(mutex_);
  if (!tls_) {
    auto made = TlsContext::make(options_.trust, options_.identity);
    if (!made)
      return made; // not kept: a file that is missing may come
    tls_ = std::move(*made);
  }
  return tls_;
}

Result<httplib::Request> KeepAliveClient::wire_request(const Request& request, const CallContext& context) const {
  httplib::Request wire;
  wire.method = request.method;
  const bool plain_proxy = options_.proxy && !options_.origin.https();
  wire.path = plain_proxy ? options_.origin.origin() + request.path : request.path;
  wire.body = request.body;
  const auto add = [&](const std::string& name, std::string value) { wire.headers.emplace(name, std::move(value)); };
  add("Host", options_.origin.host_header());
  add("User-Agent", options_.user_agent);
  if (!request.body.empty())
    add("Content-Type", request.content_type);
  if (!context.request_id.empty())
    add("x-request-id", context.request_id);
  if (context.trace.valid())
    add("traceparent", context.trace.traceparent());
  if (plain_proxy && !options_.proxy->authorization.empty())
    add("Proxy-Authorization", options_.proxy->authorization.reveal());
  for (const auto& [name, value] : request.headers)
    add(name, value);
  const auto refuse = [](std::string what) {
    return failed({.kind = FailureKind::configuration, .what = std::move(what), .next = "nothing was sent"});
  };
  if (!request.path.starts_with('/') || !safe_on_the_wire(request.path, false))
    return refuse("the path is not percent-encoded");
  for (const auto& [name, value] : wire.headers)
    if (name.empty() || !safe_on_the_wire(name, false) || !safe_on_the_wire(value, true))
      return refuse(fmt::format("the value of the header {} holds a control character", excerpt(name, 60)));
  return wire;
}

} // namespace

std::string_view header(const Headers& headers, std::string_view name) {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& entry) { return same_text(entry.first, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::shared_ptr<Client> make_client(ClientOptions options) {
  return std::make_shared<KeepAliveClient>(std::move(options));
}

} // namespace runtime_agent::http
