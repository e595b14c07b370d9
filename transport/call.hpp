#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "transport/trace_context.hpp"

namespace runtime_agent {

/// Ends blocking work from another thread. Copies share one state. Thread-safe.
class CancelToken {
public:
  CancelToken();

  /// Runs every registered callback once, on this thread. Later calls do nothing.
  void cancel() const;
  bool cancelled() const noexcept;
  /// Blocks until cancelled or until `duration` is over. Returns whether it is cancelled.
  bool wait_for(std::chrono::steady_clock::duration duration) const;

  /// Keeps `callback` registered while it lives; runs it at once where the token is already cancelled. After its
  /// destructor has returned, the callback is neither running nor will run.
  class Registration {
  public:
    Registration() = default;
    Registration(Registration&&) noexcept;
    Registration& operator=(Registration&&) noexcept;
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    ~Registration();

  private:
    friend class CancelToken;
    void release() noexcept;
    struct Entry;
    std::shared_ptr<Entry> entry_;
  };
  [[nodiscard]] Registration on_cancel(std::function<void()> callback) const;

private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Under what a blocking call runs: until when, who may end it, and what it belongs to.
struct CallContext {
  /// Over the whole call: connecting, sending, every byte of the answer, and retries.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  CancelToken cancel;
  /// `<RUNTIME_ID>_<uuid>`, sent as `x-request-id` (contract §4); empty: not sent.
  std::string request_id;
  /// Sent as `traceparent` where valid.
  TraceContext trace;
};

/// One finished HTTP request, for the trace ring, metrics and the log. Type names, sizes and outcomes only.
struct RequestSpan {
  TraceContext trace;      ///< the call's context
  std::string_view target; ///< which service: "connector", "director", "kubernetes"; a literal
  std::string_view method; ///< "GET"; a literal
  std::string operation;   ///< what was asked, without contents: "list applications", "query applicationsForRuntime"
  std::chrono::system_clock::time_point started;
  std::chrono::steady_clock::duration duration{};
  int status = 0;           ///< HTTP status; 0 where no answer came
  std::string_view outcome; ///< "ok" or the FailureKind's name; a literal
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

/// Where HTTP clients report each request. Called on I/O threads; must be thread-safe and must not block.
class RequestObserver {
public:
  virtual ~RequestObserver() = default;
  virtual void finished(const RequestSpan& span) = 0;
};

} // namespace runtime_agent
