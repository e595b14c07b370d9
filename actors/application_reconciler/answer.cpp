#include "actors/application_reconciler/answer.hpp"

#include <algorithm>
#include <tuple>

#include "actors/application_reconciler/problem_text.hpp"
#include "actors/supervision/log.hpp"

namespace runtime_agent::application_reconciler {

Digest wanted_digest(const ApplicationWork& work) {
  return work.desired ? work.desired->whole_digest : Digest{};
}

void count(const ApplicationOutcome& outcome, ApplyCounts& counts) {
  counts.secrets_written += outcome.secrets_written;
  counts.secrets_deleted += outcome.secrets_deleted;
  if (outcome.written && outcome.action == ApplicationAction::create)
    ++counts.created;
  else if (outcome.written && outcome.action == ApplicationAction::remove)
    ++counts.deleted;
  else if (outcome.written || outcome.secrets_written + outcome.secrets_deleted > 0)
    ++counts.updated;
}

std::string change_of(const ApplicationOutcome& outcome) {
  if (outcome.written && outcome.action == ApplicationAction::create)
    return "created";
  if (outcome.written && outcome.action == ApplicationAction::remove)
    return "deleted";
  if (outcome.written)
    return "updated";
  return outcome.secrets_written + outcome.secrets_deleted > 0 ? "Secrets changed" : "";
}

std::vector<ApplicationProblem> by_application(std::vector<ApplicationProblem> problems) {
  const auto key = [](const ApplicationProblem& problem) { return std::tie(problem.application, problem.reason); };
  std::sort(problems.begin(), problems.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
  return problems;
}

std::optional<Failure> held_back(const std::vector<std::string>& names) {
  if (names.empty())
    return std::nullopt;
  std::string list;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 5); ++i)
    list += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > 5)
    list += " and " + std::to_string(names.size() - 5) + " more";
  Failure failure;
  failure.kind = FailureKind::refused;
  failure.where = "Applications";
  failure.what = "the Director no longer has " + std::to_string(names.size()) +
                 " Applications of this cluster: " + bounded(list, reason_limit);
  failure.next = "their deletion is held back until a second complete fetch, over a new connection, says the same";
  return failure;
}

bool same_result(const DesiredStateApplied& a, const DesiredStateApplied& b) {
  const auto text = [](const std::optional<Failure>& failure) { return failure ? failure->text() : std::string(); };
  return a.problems == b.problems && a.warnings == b.warnings && text(a.failure) == text(b.failure) &&
         a.wants_confirmation == b.wants_confirmation;
}

void log_warnings(const std::vector<ApplicationProblem>& warnings, const std::vector<ApplicationProblem>& before) {
  constexpr std::size_t most_at_once = 20;
  std::size_t logged = 0;
  for (const ApplicationProblem& warning : warnings)
    if (std::find(before.begin(), before.end(), warning) == before.end() && logged++ < most_at_once)
      log::warning("an Application is applied and does not work as a whole",
                   {{"application", warning.application}, {"warning", warning.reason}});
  if (logged > most_at_once)
    log::warning("more Applications are applied and do not work as a whole",
                 {{"applications", std::to_string(logged - most_at_once)}});
}

void log_pass(const DesiredStateApplied& applied, bool said_before, bool for_fetch) {
  const auto& counts = applied.counts;
  const bool done = counts.created + counts.updated + counts.deleted > 0;
  if (!done && (said_before || (applied.problems.empty() && !applied.failure)))
    return;
  const auto level = applied.failure || !applied.problems.empty() ? log::Level::warning : log::Level::info;
  const std::string first = applied.failure ? applied.failure->text()
                            : !applied.problems.empty()
                                ? applied.problems[0].application + ": " + applied.problems[0].reason
                                : "";
  log::write(level,
             for_fetch ? "brought the cluster in line with the Director's data"
                       : "brought the cluster in line again after a change",
             {{"created", counts.created},
              {"updated", counts.updated},
              {"deleted", counts.deleted},
              {"unchanged", counts.unchanged},
              {"failed", counts.failed},
              {"secretsWritten", counts.secrets_written},
              {"secretsDeleted", counts.secrets_deleted},
              {"error", first}});
}

} // namespace runtime_agent::application_reconciler
