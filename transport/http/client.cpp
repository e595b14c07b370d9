#include "transport/http/make_client.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "transport/http/attempt.hpp"
#include "transport/http/connection.hpp"
#include "transport/http/status.hpp"
#include "transport/secret.hpp"

namespace runtime_agent::http {
namespace {

bool safe_on_the_wire(std::string_view text, bool spaces) {
  return std::none_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < ' ' || byte == 0x7f || (c == ' ' && !spaces);
  });
}

bool may_be_repeated(const Request& request) {
  return request.repeatable || request.method == "GET" || request.method == "PUT" || request.method == "DELETE";
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
    Attempt::Silence silence;
    const DataReceiver* receive;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
  };

  Result<Response> observed(Call call);
  Result<Response> with_slot(Call& call, const Waiter& waiter);
  Result<Response> attempt(Call& call, const Waiter& waiter, Lease& lease, bool& try_again);
  std::optional<Failure> refusal(const Waiter& waiter);
  Result<void> permitted() const { return options_.permit ? options_.permit() : Result<void>(); }
  Result<Lease> take_kept();
  Result<Lease> open(const Waiter& waiter);
  void give_back(Lease lease);
  Result<void> renew_tls();
  bool through_plain_proxy() const { return options_.proxy && !options_.origin.https(); }
  Headers headers_of(const Request& request, const CallContext& context) const;
  Result<std::string> wire_head(const Request& request, const CallContext& context) const;

  const ClientOptions options_;
  const Descriptor slots_; // a semaphore that can be waited for together with a cancel token
  RememberedAddress address_;
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
  return observed({request, context, {}, nullptr});
}

Result<Response> KeepAliveClient::stream(const Request& request, const CallContext& context, Clock::duration idle_limit,
                                         const DataReceiver& receive) {
  return observed({request, context, {options_.stream_head_timeout, idle_limit}, &receive});
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
  if (auto may = permitted(); !may)
    return tl::unexpected(may.error());
  if (!slots_)
    return failed({.kind = FailureKind::internal, .what = "no file descriptor is left"});
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
  auto head = wire_head(call.request, call.context);
  if (!head)
    return tl::unexpected(head.error());
  if (auto may = permitted(); !may)
    return tl::unexpected(may.error());
  Attempt attempt(call.request, call.receive);
  auto result = attempt.run(*lease.connection, *head, waiter, call.silence);
  wipe(*head);
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
  try_again = lease.kept && swallowed && (!failure.maybe_processed || may_be_repeated(call.request));
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
      if (tls_)
        static_cast<void>(renew_tls()); // fails only where there is none yet
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
  std::shared_ptr<const TlsContext> context;
  std::uint64_t generation = 0;
  {
    std::lock_guard lock(mutex_);
    if (options_.origin.https())
      if (auto done = renew_tls(); !done)
        return tl::unexpected(done.error());
    context = tls_;
    generation = generation_;
  }
  auto connection = Connection::open({options_.origin, options_.proxy, context.get(), options_.server_name, address_},
                                     waiter, Clock::now() + options_.connect_timeout);
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

/// Under the lock: reads the CA files where they have changed, and leaves the connections that were believed before.
Result<void> KeepAliveClient::renew_tls() {
  if (tls_ && !has_changed(tls_->trust()))
    return {};
  auto made = TlsContext::make(options_.trust, options_.identity);
  if (!made) // a file that is being written must not end what works; one that is missing may come
    return tls_ ? Result<void>() : failed(made.error());
  tls_ = std::move(*made);
  idle_.clear();
  ++generation_;
  return {};
}

Headers KeepAliveClient::headers_of(const Request& request, const CallContext& context) const {
  Headers headers{{"Host", options_.origin.host_header()}, {"User-Agent", options_.user_agent}};
  const auto add = [&](const char* name, std::string value) { headers.emplace_back(name, std::move(value)); };
  if (header(request.headers, "Accept").empty())
    add("Accept", "*/*");
  if (!request.body.empty())
    add("Content-Type", request.content_type);
  if (!request.body.empty() || request.method.starts_with('P'))
    add("Content-Length", std::to_string(request.body.size()));
  if (!context.request_id.empty())
    add("x-request-id", context.request_id);
  if (context.trace.valid())
    add("traceparent", context.trace.traceparent());
  if (through_plain_proxy() && !options_.proxy->authorization.empty())
    add("Proxy-Authorization", options_.proxy->authorization.reveal());
  headers.insert(headers.end(), request.headers.begin(), request.headers.end());
  return headers;
}

Result<std::string> KeepAliveClient::wire_head(const Request& request, const CallContext& context) const {
  const auto refuse = [](std::string what) {
    return failed({.kind = FailureKind::configuration, .what = std::move(what), .next = "nothing was sent"});
  };
  if (!request.path.starts_with('/') || !safe_on_the_wire(request.path, false))
    return refuse("the path is not percent-encoded");
  auto headers = headers_of(request, context);
  std::size_t size = request.path.size() + options_.origin.origin().size() + 32;
  for (const auto& [name, value] : headers)
    size += name.size() + value.size() + 4;
  std::string text;
  text.reserve(size); // growing would leave copies of secrets behind
  text.append(request.method).append(" ").append(through_plain_proxy() ? options_.origin.origin() : "");
  text.append(request.path).append(" HTTP/1.1\r\n");
  for (auto& [name, value] : headers) {
    if (name.empty() || !safe_on_the_wire(name, false) || !safe_on_the_wire(value, true))
      return refuse(fmt::format("the value of the header {} holds a control character", excerpt(name, 60)));
    text.append(name).append(": ").append(value).append("\r\n");
    wipe(value);
  }
  return text.append("\r\n");
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
