#include "transport/failure.hpp"

namespace runtime_agent {

std::string_view to_string(FailureKind kind) {
  switch (kind) {
  case FailureKind::network:
    return "network";
  case FailureKind::timeout:
    return "timeout";
  case FailureKind::cancelled:
    return "cancelled";
  case FailureKind::tls:
    return "tls";
  case FailureKind::certificate_refused:
    return "certificate_refused";
  case FailureKind::unauthorized:
    return "unauthorized";
  case FailureKind::forbidden:
    return "forbidden";
  case FailureKind::not_found:
    return "not_found";
  case FailureKind::conflict:
    return "conflict";
  case FailureKind::already_exists:
    return "already_exists";
  case FailureKind::gone:
    return "gone";
  case FailureKind::rate_limited:
    return "rate_limited";
  case FailureKind::unavailable:
    return "unavailable";
  case FailureKind::refused:
    return "refused";
  case FailureKind::malformed:
    return "malformed";
  case FailureKind::too_large:
    return "too_large";
  case FailureKind::configuration:
    return "configuration";
  case FailureKind::internal:
    return "internal";
  }
  return "unknown";
}

std::string Failure::text() const {
  std::string text = where.empty() ? what : where + ": " + what;
  if (!next.empty())
    text += "; " + next;
  if (!request_id.empty())
    text += " (x-request-id " + request_id + ")";
  return text;
}

} // namespace runtime_agent
