#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "transport/kubernetes/api.hpp"
#include "transport/kubernetes/status.hpp"

namespace runtime_agent::kubernetes {

/// Cuts a watch's stream into lines and hands each event over. References must outlive it.
class WatchDecoder {
public:
  /// `line_limit`: bytes of one event. `options`: resource_version and known are used.
  WatchDecoder(const Operation& operation, const WatchOptions& options, const EventReceiver& receive,
               std::size_t line_limit);

  /// The next piece of the stream, cut anywhere. False: a Failure stands, nothing more is wanted.
  bool feed(std::string_view piece);
  /// At the stream's end: half an event is a Failure (network).
  void finish();
  const std::optional<Failure>& failure() const noexcept { return failure_; }
  /// Of the last event or bookmark; at first the one given.
  const std::string& version() const noexcept { return version_; }

private:
  bool line(std::string_view text);
  bool known(std::string_view text);
  bool event(const std::string& text, Json&& object);
  bool fail(FailureKind kind, std::string what);

  const Operation& operation_;
  const WatchOptions& options_;
  const EventReceiver& receive_;
  std::string version_;
  std::size_t line_limit_;
  std::string partial_; // of a line whose end has not come yet
  std::optional<Failure> failure_;
};

} // namespace runtime_agent::kubernetes
