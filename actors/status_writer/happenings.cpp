#include "actors/status_writer/happenings.hpp"

#include <fmt/format.h>

namespace runtime_agent::status_writer {
namespace {

constexpr std::size_t most_at_once = 50;

std::string words_for(const Facts& facts, std::string_view state) {
  if (state == "Synchronized")
    return "the cluster's Applications match the Director";
  if (state == "Connected")
    return "Compass issued a certificate";
  if (facts.connection && state.starts_with("Connection")) {
    const auto& failure = facts.connection->connecting ? facts.connection->connecting : facts.connection->maintaining;
    return failure ? failure->text() : "there is no usable certificate";
  }
  return facts.synchronization ? synchronization_error(*facts.synchronization) : std::string();
}

/// What is said when there is such a problem, and when it is over.
struct Reasons {
  const char* begun;
  const char* over;
  const char* over_text;
};

void tell_changes(const std::vector<ApplicationProblem>& problems, std::map<std::string, std::string>& told,
                  const Reasons& reasons, std::vector<Happening>& all) {
  std::map<std::string, std::string> present;
  for (const ApplicationProblem& problem : problems)
    present[problem.application] = without_request_id(problem.reason);
  for (const auto& [application, reason] : present)
    if (const auto before = told.find(application); before == told.end() || before->second != reason)
      all.push_back({true, reasons.begun, reason, application});
  for (const auto& [application, reason] : told)
    if (!present.contains(application))
      all.push_back({false, reasons.over, reasons.over_text, application});
  told = std::move(present);
}

} // namespace

Happening state_changed(const Facts& facts, std::string_view state) {
  const bool good = state == "Synchronized" || state == "Connected";
  return {!good, std::string(state), without_request_id(words_for(facts, state)), ""};
}

std::vector<Happening> problems_changed(const DesiredStateApplied& applied, ToldProblems& told) {
  std::vector<Happening> all;
  tell_changes(applied.problems, told.problems,
               {"ApplicationFailed", "ApplicationInLine", "Recovered: Application synchronized"}, all);
  tell_changes(applied.warnings, told.warnings,
               {"ApplicationAmbiguous", "ApplicationUnambiguous", "the central gateway can resolve each of its URLs"},
               all);
  if (all.size() > most_at_once) {
    const std::size_t more = all.size() - most_at_once;
    all.resize(most_at_once);
    all.push_back({true, "ApplicationsFailed", fmt::format("{} more Applications failed or recovered", more), ""});
  }
  return all;
}

std::string without_request_id(std::string text) {
  constexpr std::string_view beginning = " (x-request-id ";
  for (auto at = text.find(beginning); at != std::string::npos; at = text.find(beginning, at)) {
    const auto end = text.find(')', at);
    text.erase(at, end == std::string::npos ? end : end - at + 1);
  }
  return text;
}

} // namespace runtime_agent::status_writer
