#pragma once

#include "actors/connection_manager/connection_state.hpp"

namespace runtime_agent::connection_manager {

/// What an operator wants to read of a state, before an event and after it.
class ChangeLog {
public:
  explicit ChangeLog(const ConnectionState& before);
  /// Logs what is new in `after`: a certificate, a problem or its end, other addresses, another configuration.
  void write(const ConnectionState& after) const;

private:
  std::string serial_;
  std::string connector_url_;
  std::string director_url_;
  std::string reconnect_wanted_;
  std::shared_ptr<const ConnectionConfiguration> configuration_;
  std::optional<std::string> connecting_;
  std::optional<std::string> checking_;
  std::optional<std::string> renewing_;
  std::optional<std::string> connector_refuses_;
  std::optional<std::string> director_refuses_;
  std::optional<std::string> storing_;
  std::optional<std::string> storing_ca_;
  std::optional<std::string> unusable_record_;
};

} // namespace runtime_agent::connection_manager
