// A pass of ApplicationReconciler: map, observe, plan, carry out.

#include <algorithm>
#include <iterator>
#include <utility>

#include "actors/application_reconciler/answer.hpp"
#include "actors/application_reconciler/application_reconciler.hpp"
#include "actors/application_reconciler/problem_text.hpp"
#include "actors/application_reconciler/taken_names.hpp"
#include "actors/supervision/log.hpp"

namespace runtime_agent::application_reconciler {

using kubernetes::Json;
using supervision::Traced;
using TimePoint = kubernetes::RepairPace::TimePoint;

namespace {

// From so many Applications on, a pass puts the watches off: what they tell of is its own writing, and a pass looks at
// what others do only when it is over.
constexpr std::size_t worth_a_pause = 50;
constexpr std::chrono::seconds pause_at_most{30};

/// Hands `value` to a call, which takes it out and lets go of it on its I/O thread: what is large dies there, and what
/// is shared is the actor's alone again when the answer comes.
template <class T>
auto handed_over(T value) {
  return [holder = std::make_shared<T>(std::move(value))] { return std::exchange(*holder, T()); };
}

std::string object_of_application(const std::string& name) {
  return "Application " + name;
}
std::string object_of_secret(const std::string& name) {
  return "Secret " + name;
}

} // namespace

void ApplicationReconciler::start_pass() {
  if (pass_ || (!waiting_ && !out_of_line_))
    return;
  if (!view_.ready()) {
    // A fetch gets its answer, and stays: it is applied as soon as the cluster can be seen.
    if (const auto failure = view_.problem(); failure && waiting_) {
      DesiredStateApplied blocked;
      blocked.sequence = waiting_->sequence;
      blocked.failure = failure;
      answer(std::move(blocked), false);
    }
    return;
  }
  pass_.emplace();
  ++passes_;
  pass_->answers_fetch = waiting_ != nullptr;
  pass_->before = desired_;
  out_of_line_ = false;
  touched_ = {};
  view_.pass_started();
  if (!waiting_)
    return choose_secrets();
  const bool same = desired_ && state_ && state_->data == waiting_->data; // fetched again, and nothing has changed
  state_ = std::move(waiting_);
  waiting_.reset();
  same ? observe() : map();
}

void ApplicationReconciler::map() {
  call<std::shared_ptr<const DesiredObjects>>(
      {"map Applications", settings_.planning_limit},
      [data = state_->data, mapping = settings_.mapping](const CallContext&) {
        return Result<std::shared_ptr<const DesiredObjects>>(
            std::make_shared<const DesiredObjects>(desired_objects(data, mapping)));
      },
      [this](Result<std::shared_ptr<const DesiredObjects>> mapped) {
        desired_ = mapped ? std::move(*mapped) : nullptr; // never an older mapping with a younger fetch's identity
        if (!mapped)
          return finish(mapped.error());
        observe();
      });
}

void ApplicationReconciler::observe() {
  if (!view_.lists_applications())
    return choose_secrets();
  call<ObservedApplications>(
      {"list Applications", settings_.observation_limit},
      [api = api_](const CallContext& context) -> Result<ObservedApplications> {
        ObservedApplications all;
        kubernetes::ListOptions options;
        options.on_restart = [&all] { all.clear(); };
        const auto listed = api->list(
            kubernetes::applications(), options,
            [&all](Json&& object) { all.insert_or_assign(object_name(object), observed_application(object)); },
            context);
        if (!listed)
          return failed(listed.error());
        return all;
      },
      [this](Result<ObservedApplications> all) {
        if (!all) {
          view_.applications_not_listed(all.error());
          return finish(view_.problem().value_or(all.error()));
        }
        view_.applications_listed(std::move(*all));
        choose_secrets();
      });
}

void ApplicationReconciler::choose_secrets() {
  if (!view_.reads_secrets_by_name())
    return plan();
  call<SecretVerification::Choice>(
      {"choose Secrets to read", settings_.planning_limit},
      [desired = desired_, observed = handed_over(view_.snapshot()),
       read = handed_over(verification_.take())](const CallContext&) {
        return Result<SecretVerification::Choice>(SecretVerification::choose(*desired, *observed(), read()));
      },
      [this](Result<SecretVerification::Choice> choice) {
        take_kept_events();
        if (!choice)
          return finish(choice.error());
        verification_.give_back(std::move(choice->read));
        const auto& unread = choice->unread;
        for (auto i = unread.begin(); i != unread.end();) {
          const auto end = i + std::min<std::ptrdiff_t>(SecretVerification::reads_in_a_call, unread.end() - i);
          pass_->reads.emplace_back(i, end);
          i = end;
        }
        read_chosen_secrets();
      });
}

void ApplicationReconciler::read_chosen_secrets() {
  while (!pass_->reads.empty() && pass_->running < settings_.concurrency) {
    ++pass_->running;
    auto names = std::move(pass_->reads.back());
    pass_->reads.pop_back();
    read_secrets(std::move(names), [this](const Result<SecretReads>& reads) {
      --pass_->running;
      if (reads)
        for (const auto& [name, secret] : *reads) {
          view_.secret_read(name, secret, nullptr);
          verification_.was_read(name);
        }
      read_chosen_secrets();
    });
  }
  if (pass_->running == 0)
    plan();
}

void ApplicationReconciler::plan() {
  const FetchIdentity fetch{state_->connection_number, state_->fetched};
  call<Plan>(
      {"plan", settings_.planning_limit},
      [desired = desired_, observed = handed_over(view_.snapshot()), before = handed_over(std::move(pass_->before)),
       fetch, hold = hold_, minimal = settings_.minimal_sync_time](const CallContext&) {
        return Result<Plan>(plan_changes({*desired, *observed(), fetch, hold, minimal, before().get()}));
      },
      [this](Result<Plan> plan) {
        take_kept_events();
        if (!plan)
          return finish(plan.error());
        planned(std::move(*plan));
      });
}

void ApplicationReconciler::planned(Plan plan) {
  hold_ = plan.hold;
  pass_->problems = std::move(plan.problems);
  pass_->counts.desired = plan.desired;
  pass_->counts.unchanged = plan.unchanged;
  for (const auto& name : plan.conflicts)
    verification_.forget(name); // whoever takes the other Secret away need not wait for its turn
  pass_->plan = std::move(plan);
  take_out_what_waits();
  look_for_taken_names();
}

void ApplicationReconciler::look_for_taken_names() {
  if (view_.reads_secrets_by_name() || !creates_secrets(pass_->plan.work))
    return begin_to_carry_out();
  call<std::set<std::string>>(
      {"look for taken names", settings_.observation_limit},
      [api = api_, in = settings_.mapping.integration_namespace](const CallContext& context) {
        return names_of_other_types(*api, in, context);
      },
      [this](const Result<std::set<std::string>>& taken) {
        auto& work = pass_->plan.work;
        auto problems = taken ? leave_taken(work, *taken) : put_off_creations(work, taken.error());
        if (!taken)
          pass_->failure = waiting_for_answer(taken.error(), problems.size());
        std::move(problems.begin(), problems.end(), std::back_inserter(pass_->problems));
        begin_to_carry_out();
      });
}

void ApplicationReconciler::begin_to_carry_out() {
  // Where the last pass was ended early, this one begins behind it: no Application waits for ever.
  auto& work = pass_->plan.work;
  std::rotate(work.begin(),
              std::find_if(work.begin(), work.end(), [this](const auto& item) { return item.name > resume_after_; }),
              work.end());
  resume_after_.clear();
  for (const auto& item : work)
    pass_->worked_on.push_back(item.name);
  if (work.size() >= worth_a_pause)
    pause_->begin(pause_at_most);
  carry_out();
}

void ApplicationReconciler::take_out_what_waits() {
  auto& work = pass_->plan.work;
  if (!failures_.empty()) {
    std::set<std::string> names;
    for (const auto& item : work)
      names.insert(item.name);
    failures_.keep(names);
  }
  if (failures_.empty() && repairs_.empty())
    return;
  std::erase_if(work, [this](ApplicationWork& item) {
    if (const auto* reasons = failures_.waiting(item.name, wanted_digest(item), now())) {
      for (const auto& reason : *reasons)
        pass_->problems.push_back({item.name, reason});
      return true;
    }
    pace_repairs(item);
    return item.empty();
  });
}

void ApplicationReconciler::pace_repairs(ApplicationWork& work) {
  const auto waits = [&](bool repair, const std::string& object) {
    const auto due = repair ? repairs_.due(object, now()) : TimePoint::min();
    if (due <= now())
      return false;
    if (repairs_.contested(object, now()))
      pass_->problems.push_back({work.name, object + ": " + kubernetes::contested_text("")});
    pass_->again_at = pass_->again_at ? std::min(*pass_->again_at, due) : due;
    return true;
  };
  std::erase_if(work.secret_writes, [&](const SecretWrite& write) {
    return waits(write.repair, object_of_secret(work.desired->secrets.at(write.index).name));
  });
  std::erase_if(work.secret_removals,
                [&](const SecretRemoval& removal) { return waits(removal.repair, object_of_secret(removal.name)); });
  if (work.action == ApplicationAction::collect && work.secret_removals.empty())
    work.action = ApplicationAction::keep;
  const bool writes = work.action == ApplicationAction::create || work.action == ApplicationAction::update ||
                      work.action == ApplicationAction::remove;
  if (!writes || !waits(work.repair, object_of_application(work.name)))
    return;
  if (work.action != ApplicationAction::update) { // its Secrets cannot be without it, or go when it is gone
    work.secret_writes.clear();
    work.secret_removals.clear();
  }
  work.action = ApplicationAction::keep;
}

void ApplicationReconciler::carry_out() {
  auto& work = pass_->plan.work;
  while (pass_->next < work.size() && pass_->running < settings_.concurrency) {
    ++pass_->running;
    const auto item = std::make_shared<const ApplicationWork>(std::move(work[pass_->next++]));
    call<ApplicationOutcome>(
        {"apply an Application", settings_.application_limit},
        [api = api_, item, mapping = settings_.mapping, written = written_](const CallContext& context) {
          return Result<ApplicationOutcome>(execute(*api, *item, mapping, *written, context));
        },
        [this, item](const Result<ApplicationOutcome>& outcome) { carried_out(*item, outcome); });
  }
  if (pass_->running == 0)
    finish(std::move(pass_->failure));
}

void ApplicationReconciler::carried_out(const ApplicationWork& work, const Result<ApplicationOutcome>& outcome) {
  --pass_->running;
  if (outcome) {
    learn(work, *outcome);
    stop_where_unreachable(work.name, outcome->unreachable);
  } else {
    pass_->failed_in_part = true;
    pass_->problems.push_back({work.name, bounded(outcome.error().text(), reason_limit)});
    stop_where_unreachable(work.name, outcome.error());
  }
  carry_out();
}

void ApplicationReconciler::learn(const ApplicationWork& work, const ApplicationOutcome& outcome) {
  view_.learn(outcome);
  tell_not_kept(outcome.not_kept, "applications.applicationconnector.kyma-project.io");
  tell_not_kept(view_.keep_answers(work, outcome), "");
  count(outcome, pass_->counts);
  for (const auto& reason : outcome.problems)
    pass_->problems.push_back({work.name, reason});
  if (outcome.retry && outcome.unreachable)
    pass_->failed_in_part = true;
  else if (outcome.retry)
    failures_.failed(work.name, wanted_digest(work), outcome.problems, now());
  else
    failures_.succeeded(work.name);
  if (auto what = change_of(outcome); !what.empty())
    pass_->changes.insert_or_assign(work.name, std::move(what));

  if (outcome.written && work.repair)
    repaired(object_of_application(work.name));
  const auto changed = [&](const std::string& secret) {
    return std::find(outcome.secrets_changed.begin(), outcome.secrets_changed.end(), secret) !=
           outcome.secrets_changed.end();
  };
  for (const auto& write : work.secret_writes)
    if (const auto& name = work.desired->secrets.at(write.index).name; write.repair && changed(name))
      repaired(object_of_secret(name));
  for (const auto& removal : work.secret_removals)
    if (removal.repair && changed(removal.name))
      repaired(object_of_secret(removal.name));
}

void ApplicationReconciler::repaired(const std::string& object) {
  repairs_.repaired(object, now(), std::uniform_real_distribution<double>(0, 1)(random()));
}

// An API server that is away is not asked about each of thousands of Applications.
void ApplicationReconciler::stop_where_unreachable(const std::string& application,
                                                   const std::optional<Failure>& failure) {
  pass_->unreachable_in_a_row = failure ? pass_->unreachable_in_a_row + 1 : 0;
  const std::size_t left = pass_->plan.work.size() - pass_->next;
  if (left == 0 || pass_->unreachable_in_a_row < settings_.unreachable_at_most)
    return;
  pass_->failure = waiting_for_answer(*failure, left);
  pass_->next = pass_->plan.work.size();
  resume_after_ = application;
}

void ApplicationReconciler::finish(std::optional<Failure> failure) {
  Pass pass = std::move(*pass_);
  pass_.reset();
  pause_->resume();
  pass.failed_in_part |= failure.has_value();
  DesiredStateApplied applied;
  applied.sequence = state_->sequence;
  applied.counts = pass.counts;
  applied.problems = by_application(std::move(pass.problems));
  applied.counts.failed = applications_of(applied.problems);
  if (desired_)
    applied.warnings = desired_->warnings();
  applied.wants_confirmation = !pass.plan.held.empty();
  publish(pass, applied.problems, failure);
  applied.failure = failure ? std::move(failure) : held_back(pass.plan.held);
  log_warnings(applied.warnings, applied_ ? applied_->warnings : std::vector<ApplicationProblem>{});
  log_pass(applied, applied_ && same_result(*applied_, applied), pass.answers_fetch);
  answer(std::move(applied), pass.answers_fetch);
  repairs_.prune(now());
  schedule_retry(pass);
  look_at(std::exchange(touched_, {}));
}

void ApplicationReconciler::publish(const Pass& pass, const std::vector<ApplicationProblem>& problems,
                                    const std::optional<Failure>& failure) {
  if (!settings_.publish)
    return;
  PassFacts facts{wall_now(), desired_, {}, pass.changes, problems, pass.plan.held, failure};
  const auto differs = [&](const std::string& name) {
    const ObservedApplication* live = view_.observed().application(name);
    facts.differ.insert_or_assign(name, live ? std::optional(live->digest) : std::nullopt);
  };
  // What was in line needs no look: its digest in the cluster is the desired one.
  for (const std::string& name : pass.worked_on)
    differs(name);
  for (const ApplicationProblem& problem : problems)
    differs(problem.application);
  for (const std::string& name : pass.plan.held)
    differs(name);
  settings_.publish(std::move(facts));
}

void ApplicationReconciler::schedule_retry(const Pass& pass) {
  if (!pass.failed_in_part) {
    retry_delay_ = settings_.retry_initial;
    retry_at_.reset();
  } else if (!retry_at_ || *retry_at_ <= now()) { // a pass in between does not put it off
    // Full jitter: many agents, one API server that was away.
    retry_at_ = now() + std::chrono::milliseconds(
                            std::uniform_int_distribution<std::int64_t>(1, retry_delay_.count())(random()));
    retry_delay_ = std::min(retry_delay_ * 2, settings_.retry_ceiling);
  }
  auto at = retry_at_;
  if (!at) // else not all has been tried, and what is due stays due
    for (const auto& other : {pass.again_at, failures_.next()})
      if (other && (!at || *other < *at))
        at = other;
  cancel_timer(retry_timer_);
  if (!at)
    return;
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(*at - now());
  retry_timer_ = after(std::max(delay, std::chrono::milliseconds(1)), "bring in line again", Traced::begins, [this] {
    retry_timer_ = 0;
    out_of_line_ = desired_ != nullptr;
    if (!desired_ && !waiting_)
      waiting_ = state_; // it could not be mapped
    start_pass();
  });
}

void ApplicationReconciler::answer(DesiredStateApplied applied, bool in_any_case) {
  const bool news = !applied_ || applied_->sequence != applied.sequence || !same_result(*applied_, applied);
  applied_ = applied;
  if (news || in_any_case)
    tell(peers_.director_fetcher, std::move(applied));
}

} // namespace runtime_agent::application_reconciler
