#include "transport/kubernetes/reflector.hpp"

#include <algorithm>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "transport/http/backoff.hpp"
#include "transport/kubernetes/bounded_json.hpp"

namespace runtime_agent::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using TimePoint = std::chrono::steady_clock::time_point;

// client-go's: a server or proxy that accepts watches and ends them at once.
constexpr milliseconds very_short{1000};
// Beyond the server's own end of a watch, before it is taken for dead.
constexpr seconds watch_slack{30};
// A watch that fails so often in a row, at whatever version it stands, is better off with a new list.
constexpr int watch_failures_before_list = 5;

} // namespace

struct Reflector::State {
  State(Api& api_given, Resource resource_given, ReflectorOptions options_given, ReflectorHandler& handler_given)
      : api(api_given), resource(std::move(resource_given)), options(std::move(options_given)), handler(handler_given),
        clock(options.clock == nullptr ? system_clock() : *options.clock), random(options.seed),
        backoff(options.backoff_initial, options.backoff_ceiling, [this] { return chance(); }) {}

  enum class Next { list, watch };
  /// How one watch went, beside its result.
  struct WatchEnd {
    Result<std::string> result;
    TimePoint started;
    std::size_t events = 0; ///< bookmarks included
  };

  double chance() { return std::uniform_real_distribution<double>(0.0, 1.0)(random); }

  Next list(const CancelToken& cancel);
  Next watch(const CancelToken& cancel);
  Next poll(const CancelToken& cancel);
  WatchEnd watch_once(const CancelToken& cancel);
  Next after_failure(const WatchEnd& end, const CancelToken& cancel);
  Next watch_forbidden(const Failure& failure);
  void retreat(const Failure& failure, const CancelToken& cancel);
  seconds watch_timeout();
  CallContext context(const CancelToken& cancel, seconds at_most) const;

  Api& api;
  const Resource resource;
  const ReflectorOptions options;
  ReflectorHandler& handler;
  Clock& clock;
  std::mt19937_64 random;
  http::Backoff backoff;
  std::optional<TimePoint> failed_at; // when the last pause after a failure was over

  std::string version;
  bool bookmarks_come = false;
  int watch_failures = 0; // in a row, without an event
  bool gone_in_a_row = false;
  std::optional<TimePoint> watch_again_at; // set: polling until then

  std::mutex mutex; // guards what poll_now touches
  std::optional<CancelToken> nap;
  bool poll_asked = false;
};

CallContext Reflector::State::context(const CancelToken& cancel, seconds at_most) const {
  CallContext context;
  context.cancel = cancel;
  context.deadline = clock.now() + at_most;
  return context;
}

/// Says what failed, waits, and is ready for the next attempt.
void Reflector::State::retreat(const Failure& failure, const CancelToken& cancel) {
  if (cancel.cancelled())
    return;
  if (failed_at && clock.now() - *failed_at >= options.backoff_reset)
    backoff.reset();
  const milliseconds delay = std::max(backoff.next(), failure.retry_after.value_or(milliseconds(0)));
  handler.failed(failure, delay);
  clock.wait(cancel, delay);
  failed_at = clock.now();
}

Reflector::State::Next Reflector::State::list(const CancelToken& cancel) {
  ListOptions list_options = options.list;
  list_options.on_restart = [this] { handler.list_started(); };
  handler.list_started();
  const auto listed = api.list(
      resource, list_options, [this](Json&& object) { handler.listed(std::move(object)); },
      context(cancel, options.list_deadline));
  if (!listed) {
    retreat(listed.error(), cancel);
    return Next::list;
  }
  version = *listed;
  watch_failures = 0;
  handler.list_finished(version);
  return Next::watch;
}

seconds Reflector::State::watch_timeout() {
  // Random, so that the watches that a restarted API server ends at once do not come back at once for ever.
  const auto spread = std::max(options.watch_timeout_max - options.watch_timeout_min, seconds(0));
  return options.watch_timeout_min + seconds(static_cast<seconds::rep>(chance() * static_cast<double>(spread.count())));
}

Reflector::State::WatchEnd Reflector::State::watch_once(const CancelToken& cancel) {
  WatchOptions watch_options;
  watch_options.resource_version = version;
  watch_options.timeout = watch_timeout();
  watch_options.idle_limit = bookmarks_come ? options.idle_limit : watch_options.timeout + watch_slack;
  watch_options.label_selector = options.list.label_selector;
  watch_options.field_selector = options.list.field_selector;
  watch_options.metadata_only = options.list.metadata_only;
  WatchEnd end{{}, clock.now()};
  const auto came = [this, &end](std::string event_version) {
    ++end.events;
    version = std::move(event_version);
    watch_failures = 0;
    gone_in_a_row = false;
  };
  watch_options.known = [this, &came](EventType type, const ObjectHead& head) {
    if (type == EventType::bookmark || !handler.known(type, head))
      return false;
    came(head.resource_version);
    return true;
  };
  const auto receive = [this, &came](EventType type, Json&& object) {
    came(text_at(object, "metadata", "resourceVersion"));
    if (type == EventType::bookmark)
      bookmarks_come = true;
    else
      handler.event(type, std::move(object));
  };
  end.result = api.watch(resource, watch_options, receive, context(cancel, watch_options.timeout + watch_slack));
  return end;
}

Reflector::State::Next Reflector::State::watch(const CancelToken& cancel) {
  const CancelToken this_watch; // its own: other reflectors hear of the same pause
  const auto end_it = [this_watch] { this_watch.cancel(); };
  CancelToken::Registration ends_with_pause;
  if (options.pause) {
    ends_with_pause = options.pause->next().on_cancel(end_it);
    options.pause->wait_for_end(cancel, clock);
  }
  const auto ends_with_run = cancel.on_cancel(end_it);
  const WatchEnd end = watch_once(this_watch);
  if (cancel.cancelled())
    return Next::list;
  if (this_watch.cancelled())
    return Next::watch;
  if (!end.result)
    return after_failure(end, cancel);
  watch_again_at.reset(); // it was allowed
  if (end.events > 0 || clock.now() - end.started >= very_short) {
    watch_failures = 0;
    gone_in_a_row = false;
    return Next::watch;
  }
  Failure failure;
  failure.kind = FailureKind::network;
  failure.where = fmt::format("Kubernetes API, watch {}", resource.kind.empty() ? resource.plural : resource.kind);
  failure.what = "the watch ended within a second and without an event";
  retreat(failure, cancel);
  return Next::list;
}

Reflector::State::Next Reflector::State::after_failure(const WatchEnd& end, const CancelToken& cancel) {
  const Failure& failure = end.result.error();
  switch (failure.kind) {
  case FailureKind::forbidden:
    return watch_forbidden(failure);
  case FailureKind::gone:
    // The everyday case; only a list whose version is gone at once is a reason to pause.
    if (gone_in_a_row)
      retreat(failure, cancel);
    gone_in_a_row = true;
    return Next::list;
  case FailureKind::network:
  case FailureKind::timeout:
  case FailureKind::rate_limited:
  case FailureKind::unavailable:
  case FailureKind::unauthorized:
  case FailureKind::tls:
    // The version stands: a list for each stumble of a large cluster's API server would not help it up.
    retreat(failure, cancel);
    return ++watch_failures < watch_failures_before_list ? Next::watch : Next::list;
  default:
    if (failure.http_status == 405)
      return watch_forbidden(failure); // a resource that knows no watch
    retreat(failure, cancel);
    return Next::list;
  }
}

Reflector::State::Next Reflector::State::watch_forbidden(const Failure& failure) {
  if (!watch_again_at)
    handler.polling_instead(failure);
  watch_again_at = clock.now() + options.watch_again_after;
  return Next::watch; // which polls
}

/// Waits for the end of the poll period or for poll_now.
Reflector::State::Next Reflector::State::poll(const CancelToken& cancel) {
  const CancelToken this_nap;
  const auto ends_with_run = cancel.on_cancel([this_nap] { this_nap.cancel(); });
  bool asked = false;
  {
    const std::lock_guard lock(mutex);
    nap = this_nap;
    asked = poll_asked;
  }
  if (!asked)
    clock.wait(this_nap, options.poll_period);
  const std::lock_guard lock(mutex);
  nap.reset();
  poll_asked = false;
  return Next::list;
}

Reflector::Reflector(Api& api, Resource resource, ReflectorOptions options, ReflectorHandler& handler)
    : state_(std::make_unique<State>(api, std::move(resource), std::move(options), handler)) {}

Reflector::~Reflector() = default;

void Reflector::run(const CancelToken& cancel) {
  State& state = *state_;
  auto next = State::Next::list;
  while (!cancel.cancelled()) {
    if (next == State::Next::list)
      next = state.list(cancel);
    else if (state.watch_again_at && state.clock.now() < *state.watch_again_at)
      next = state.poll(cancel);
    else
      next = state.watch(cancel);
  }
}

void Reflector::poll_now() {
  std::optional<CancelToken> nap;
  {
    const std::lock_guard lock(state_->mutex);
    state_->poll_asked = true;
    nap = state_->nap;
  }
  if (nap)
    nap->cancel();
}

} // namespace runtime_agent::kubernetes
