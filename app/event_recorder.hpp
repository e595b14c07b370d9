#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "actors/status_writer/happenings.hpp"
#include "transport/kubernetes/events.hpp"

namespace runtime_agent::app {

/// Writes Events about the CompassConnection and Applications, on a thread of its own, so that no actor waits for one.
/// Forbidden: it is silent from then on.
class EventRecorder {
public:
  explicit EventRecorder(std::shared_ptr<kubernetes::PatchingApi> api);
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;
  ~EventRecorder();

  /// To be written some time later; dropped where too many wait. Thread-safe, and does not block.
  void record(status_writer::Happening happening);

  /// Nothing where it has been started.
  void start();
  void stop();
  /// How many were dropped or could not be written. Thread-safe.
  std::uint64_t lost() const;

private:
  void run();
  void write(const status_writer::Happening& happening);
  /// The object as the Event names it; nullopt where it is not there, or cannot be read.
  std::optional<kubernetes::EventTarget> target_of(const status_writer::Happening& happening,
                                                   const CallContext& context);

  std::shared_ptr<kubernetes::PatchingApi> api_;
  kubernetes::EventCorrelator correlator_;
  CancelToken cancel_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<status_writer::Happening> waiting_;
  std::uint64_t lost_ = 0;
  bool forbidden_ = false;
  bool ending_ = false;
};

} // namespace runtime_agent::app
