#include "actors/application_reconciler/execution.hpp"

#include <algorithm>
#include <utility>

#include "actors/application_reconciler/object_bodies.hpp"
#include "actors/application_reconciler/problem_text.hpp"
#include "actors/application_reconciler/secret_writer.hpp"

namespace runtime_agent::application_reconciler {

using kubernetes::Json;
using kubernetes::JsonView;

namespace {

std::string reason_to_leave(const ObservedApplication& seen) {
  if (!seen.managed)
    return "an Application of this name exists that does not belong to Compass; it is left as it is";
  return seen.terminating ? "the Application is being deleted and held by finalizers" : "";
}

class Execution {
public:
  Execution(kubernetes::Api& api, const ApplicationWork& work, const MappingSettings& settings, Written& written,
            const CallContext& context)
      : api_(api), work_(work), settings_(settings), written_(written), context_(context),
        secrets_(api, settings.integration_namespace, context, written.secrets, outcome_) {
    outcome_.name = work.name;
  }

  ApplicationOutcome run() {
    switch (work_.action) {
    case ApplicationAction::create:
      create();
      break;
    case ApplicationAction::keep:
    case ApplicationAction::update:
      update();
      break;
    case ApplicationAction::remove:
      remove();
      break;
    case ApplicationAction::collect:
      collect();
      break;
    }
    return std::move(outcome_);
  }

private:
  // The whole Application first, then its Secrets, which need its uid: so whose they are is asked before (contract
  // §5.3).
  void create() {
    if (!may_write_secrets())
      return;
    auto uid = create_application();
    if (!uid && uid.error().kind != FailureKind::already_exists) {
      fail(uid.error());
      return;
    }
    bool all_ours = true;
    if (uid)
      all_ours = write_secrets(*uid);
    // Made by somebody else since, or by us, whose answer was lost: look at it.
    else if (const auto merged = merge(application_body(*work_.desired->source, work_.name, settings_)))
      all_ours = write_secrets(*merged);
    if (all_ours)
      remove_secrets();
    else if (uid)
      take_back();
  }

  bool may_write_secrets() {
    return std::all_of(work_.secret_writes.begin(), work_.secret_writes.end(), [this](const SecretWrite& write) {
      return !write.exists || secrets_.may_write(*work_.desired, write);
    });
  }

  // Somebody was quicker with a Secret of that name: the Application is not created, so what was made is no more.
  void take_back() {
    const ObservedApplication made = *outcome_.applications.back().second;
    if (!delete_application(made))
      return;
    outcome_.applications.emplace_back(work_.name, std::nullopt);
    outcome_.action = ApplicationAction::keep;
    outcome_.written = false;
  }

  // Its uid.
  Result<std::string> create_application() {
    std::string uid;
    const auto created = api_.create_from_text(
        resource_, work_.name, application_text(*work_.desired->source, work_.name, settings_),
        [&](const JsonView& live) { uid = wrote(ApplicationAction::create, live); }, context_);
    if (!created)
      return failed(created.error());
    return uid;
  }

  // Secrets first: what the Application refers to is there when it does.
  void update() {
    if (!write_secrets(work_.uid))
      return;
    remove_secrets();
    if (work_.action == ApplicationAction::keep || context_.cancel.cancelled())
      return;
    const Json body = application_body(*work_.desired->source, work_.name, settings_);
    const auto uid = merge(body);
    if (uid && *uid != work_.uid)
      write_secrets(*uid); // deleted and made anew in between: the Secrets name an owner that is gone
  }

  // Reads, puts in what is ours, writes back. The uid of what is there now; nullopt where it must be left alone or
  // failed.
  std::optional<std::string> merge(const Json& body) {
    bool changed = false;
    std::string reason;
    const auto result = kubernetes::read_modify_write(
        api_, resource_, work_.name,
        [&](Json& live) {
          reason = reason_to_leave(observed_application(live));
          changed = reason.empty() && merge_application(live, body);
          return changed;
        },
        context_);
    if (!result) {
      if (result.error().kind == FailureKind::not_found && work_.action == ApplicationAction::update)
        return create_again();
      fail(result.error());
      return std::nullopt;
    }
    if (!reason.empty()) {
      saw(*result);
      problem(reason);
      return std::nullopt;
    }
    return changed ? wrote(ApplicationAction::update, *result) : saw(*result);
  }

  std::optional<std::string> create_again() {
    auto uid = create_application();
    if (!uid) {
      fail(uid.error());
      return std::nullopt;
    }
    return std::move(*uid);
  }

  void remove() {
    ObservedApplication seen;
    seen.uid = work_.uid;
    seen.resource_version = work_.resource_version;
    if (!delete_application(seen))
      return;
    // Its Secrets go when it is gone: finalizers may hold it.
    const auto left = api_.get(resource_, work_.name, context_);
    if (left) {
      saw(*left);
    } else if (left.error().kind == FailureKind::not_found) {
      outcome_.applications.emplace_back(work_.name, std::nullopt);
      remove_secrets();
    } else {
      fail(left.error());
    }
  }

  // True: the API server has taken the deletion, or there is nothing left to delete.
  bool delete_application(const ObservedApplication& known) {
    kubernetes::DeleteOptions options{known.uid, known.resource_version};
    for (int attempt = 0; attempt < attempts_at_most; ++attempt) {
      const auto deleted = api_.remove(resource_, work_.name, options, context_);
      if (deleted || deleted.error().kind == FailureKind::not_found) {
        outcome_.written = deleted.has_value();
        outcome_.action = ApplicationAction::remove;
        return true;
      }
      if (deleted.error().kind != FailureKind::conflict) {
        fail(deleted.error());
        return false;
      }
      // Changed since it was seen: it is deleted only if it is still the one, and still Compass'.
      const auto live = api_.get(resource_, work_.name, context_);
      if (!live) {
        if (live.error().kind == FailureKind::not_found)
          return true;
        fail(live.error());
        return false;
      }
      const auto seen = observed_application(*live);
      saw(*live);
      if (seen.uid != known.uid || !seen.managed || seen.terminating)
        return false;
      options.resource_version = seen.resource_version;
    }
    problem("it changes too often to be deleted");
    outcome_.retry = true;
    return false;
  }

  // Secrets of an Application that is gone: gone for certain, or they are not ours to delete.
  void collect() {
    const auto live = api_.get(resource_, work_.name, context_);
    if (live) {
      saw(*live);
      return;
    }
    if (live.error().kind == FailureKind::not_found)
      remove_secrets();
    else
      fail(live.error());
  }

  // False: one of them is somebody else's.
  bool write_secrets(const std::string& owner_uid) {
    for (const auto& write : work_.secret_writes)
      if (!context_.cancel.cancelled() && !secrets_.write(*work_.desired, write, owner_uid))
        return false;
    return true;
  }

  void remove_secrets() {
    for (const auto& removal : work_.secret_removals)
      if (!context_.cancel.cancelled())
        secrets_.remove(removal, work_.name);
  }

  // Both give its uid.
  std::string saw(const JsonView& live) {
    const auto& seen = *outcome_.applications.emplace_back(work_.name, observed_application(live)).second;
    written_.applications.remember(seen);
    return seen.uid;
  }
  std::string wrote(ApplicationAction action, const JsonView& live) {
    outcome_.action = action;
    outcome_.written = true;
    const std::string uid = saw(live);
    note_what_was_not_kept(live);
    return uid;
  }
  // Only what is ours on an update as well: people may have changed the rest since the creation.
  void note_what_was_not_kept(const JsonView& live) {
    if (outcome_.applications.back().second->digest == work_.desired->digest)
      return;
    const Json body = application_body(*work_.desired->source, work_.name, settings_);
    Json ours = {{"metadata", {{"labels", body.at("metadata").at("labels")}}}, {"spec", Json::object()}};
    for (const char* field : {"description", "labels", "services", "compassMetadata"})
      if (body.at("spec").contains(field))
        ours["spec"][field] = body.at("spec").at(field);
    outcome_.not_kept = kubernetes::fields_not_kept(ours, live);
  }
  void problem(const std::string& reason) { outcome_.problems.push_back(bounded(reason, reason_limit)); }
  void fail(const Failure& failure) {
    problem(failure.text());
    outcome_.retry = true;
    if (is_unreachable(failure))
      outcome_.unreachable = failure;
  }

  kubernetes::Api& api_;
  const ApplicationWork& work_;
  const MappingSettings& settings_;
  Written& written_;
  const CallContext& context_;
  const kubernetes::Resource resource_ = kubernetes::applications();
  ApplicationOutcome outcome_;
  SecretWriter secrets_;
};

} // namespace

bool is_unreachable(const Failure& failure) {
  switch (failure.kind) {
  case FailureKind::network:
  case FailureKind::timeout:
  case FailureKind::tls:
  case FailureKind::unauthorized:
  case FailureKind::rate_limited:
    return true;
  default:
    return failure.http_status == 503; // a 500 may well be about the one object
  }
}

ApplicationOutcome execute(kubernetes::Api& api, const ApplicationWork& work, const MappingSettings& settings,
                           Written& written, const CallContext& context) {
  return Execution(api, work, settings, written, context).run();
}

} // namespace runtime_agent::application_reconciler
