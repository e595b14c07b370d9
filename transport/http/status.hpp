#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "transport/failure.hpp"
#include "transport/http/client.hpp"

namespace runtime_agent::http {

/// What an answer other than 2xx means to a caller: 401 unauthorized, 403 forbidden, 404 not_found, 409 conflict,
/// 410 gone, 429 rate_limited, other 4xx refused, 5xx unavailable, anything else malformed. Carries `Retry-After`
/// counted from `now`, and the beginning of the body (`excerpt`). A 5xx may have been carried out (`maybe_processed`).
Failure failure_from_status(const Response& response, std::string where,
                            std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// "Too Many Requests"; empty for a status without a name.
std::string_view reason_phrase(int status);

/// Whether a body is a web page, as gateways and login pages send it.
bool is_html(std::string_view body);

/// The beginning of a body or message in at most `limit` bytes of valid UTF-8 on one line, fit for logs and statuses:
/// of HTML only the title, or else the first words of its text; no control characters, runs of white space as one
/// space.
std::string excerpt(std::string_view body, std::size_t limit = 200);

} // namespace runtime_agent::http
