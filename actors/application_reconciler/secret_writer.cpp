#include "actors/application_reconciler/secret_writer.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "actors/application_reconciler/object_bodies.hpp"
#include "actors/application_reconciler/problem_text.hpp"
#include "actors/application_reconciler/secret_ownership.hpp"

namespace runtime_agent::application_reconciler {

using kubernetes::Json;
using kubernetes::JsonView;

namespace {

// Base64 of credentials is wiped when a body ends, however that happens.
class WipedBody {
public:
  explicit WipedBody(Json body) : body_(std::move(body)) {}
  WipedBody(const WipedBody&) = delete;
  WipedBody& operator=(const WipedBody&) = delete;
  ~WipedBody() { wipe_secret_data(body_); }
  const Json& operator*() const { return body_; }

private:
  Json body_;
};

} // namespace

SecretWriter::SecretWriter(kubernetes::Api& api, const std::string& in_namespace, const CallContext& context,
                           RecentWrites<ObservedSecret>& written, ApplicationOutcome& outcome)
    : api_(api), resource_(kubernetes::secrets(in_namespace)), namespace_(in_namespace), context_(context),
      written_(written), outcome_(outcome) {}

bool SecretWriter::write(const DesiredApplication& application, const SecretWrite& planned,
                         const std::string& owner_uid) {
  return planned.exists ? merge(application, planned, owner_uid, true) : create(application, planned, owner_uid, true);
}

bool SecretWriter::may_write(const DesiredApplication& application, const SecretWrite& planned) {
  const std::string& name = application.secrets.at(planned.index).name;
  auto live = api_.get(resource_, name, context_);
  if (!live) {
    if (live.error().kind == FailureKind::not_found)
      return true;
    fail(live.error());
    return false;
  }
  const auto reason = somebody_elses(application, planned, *live);
  saw(name, *live, false);
  wipe_secret_data(*live);
  if (!reason)
    fail(reason.error());
  else if (!reason->empty())
    problem("Secret " + name + *reason);
  return reason && reason->empty();
}

bool SecretWriter::create(const DesiredApplication& application, const SecretWrite& planned,
                          const std::string& owner_uid, bool merge_where_it_exists) {
  const DesiredSecret& secret = application.secrets.at(planned.index);
  const auto created = api_.create_from_text(
      resource_, secret.name, secret_text(application, secret, namespace_, owner_uid),
      [&](const JsonView& live) { saw(secret.name, live, true); }, context_);
  if (created)
    return true;
  if (created.error().kind == FailureKind::already_exists && merge_where_it_exists)
    return merge(application, planned, owner_uid, false);
  fail(created.error());
  return true;
}

bool SecretWriter::merge(const DesiredApplication& application, const SecretWrite& planned,
                         const std::string& owner_uid, bool create_where_it_is_gone) {
  const DesiredSecret& secret = application.secrets.at(planned.index);
  const WipedBody body(secret_body(application, secret, namespace_, owner_uid));
  bool changed = false;
  bool terminating = false;
  Result<std::string> reason;
  auto result = kubernetes::read_modify_write(
      api_, resource_, secret.name,
      [&](Json& live) {
        reason = somebody_elses(application, planned, live);
        terminating = observed_secret(live).terminating;
        changed = reason && reason->empty() && !terminating && merge_secret(live, *body, secret.kind);
        return changed;
      },
      context_);
  if (!result) {
    if (result.error().kind == FailureKind::not_found && create_where_it_is_gone)
      return create(application, planned, owner_uid, false);
    fail(result.error());
    return true;
  }
  saw(secret.name, *result, changed);
  wipe_secret_data(*result);
  if (!reason)
    fail(reason.error());
  else if (!reason->empty())
    problem("Secret " + secret.name + *reason);
  else if (terminating)
    problem("Secret " + secret.name + " is being deleted and held by finalizers; it is made anew when it is gone");
  return reason && reason->empty();
}

// The plan has looked at this already, where it knew the Secret. An owner that cannot be read is not gone.
Result<std::string> SecretWriter::somebody_elses(const DesiredApplication& application, const SecretWrite& planned,
                                                 const JsonView& live) {
  auto seen = observed_secret(live);
  seen.written_here = !planned.written_uid.empty() && planned.written_uid == seen.uid;
  std::set<std::string> names{seen.application()};
  for (const auto& owner : seen.owners)
    if (owner.is_application())
      names.insert(owner.name);
  std::map<std::string, ObservedApplication> others;
  for (const auto& name : names) {
    if (name.empty() || name == application.name)
      continue;
    const auto other = api_.get(kubernetes::applications(), name, context_);
    if (other)
      others.emplace(name, observed_application(*other));
    else if (other.error().kind != FailureKind::not_found)
      return failed(other.error());
  }
  const DesiredSecret& secret = application.secrets.at(planned.index);
  return reason_to_leave({secret.name, application.name, secret.bundle_id}, seen, [&](const std::string& name) {
    const auto found = others.find(name);
    return found == others.end() ? nullptr : &found->second;
  });
}

void SecretWriter::remove(const SecretRemoval& removal, const std::string& application) {
  kubernetes::DeleteOptions options{removal.uid, removal.resource_version};
  for (int attempt = 0; attempt < attempts_at_most; ++attempt) {
    const auto deleted = api_.remove(resource_, removal.name, options, context_);
    if (deleted || deleted.error().kind == FailureKind::not_found) {
      if (deleted) {
        ++outcome_.secrets_deleted;
        outcome_.secrets_changed.push_back(removal.name);
      }
      gone(removal.name);
      return;
    }
    if (deleted.error().kind != FailureKind::conflict) {
      fail(deleted.error());
      return;
    }
    auto live = api_.get(resource_, removal.name, context_);
    if (!live) {
      if (live.error().kind == FailureKind::not_found)
        gone(removal.name);
      else
        fail(live.error());
      return;
    }
    const auto seen = observed_secret(*live);
    saw(removal.name, *live, false);
    wipe_secret_data(*live);
    if (seen.uid != removal.uid || !made_for(removal.name, seen, application, nullptr))
      return; // another one, or no longer ours: the next plan looks at it afresh
    options.resource_version = seen.resource_version;
  }
  problem("Secret " + removal.name + " changes too often to be deleted");
  outcome_.retry = true;
}

void SecretWriter::saw(const std::string& name, const JsonView& live, bool written) {
  if (written) {
    ++outcome_.secrets_written;
    outcome_.secrets_changed.push_back(name);
  }
  auto& seen = *outcome_.secrets.emplace_back(name, observed_secret(live)).second;
  seen.written_here = written;
  written_.remember(seen);
}

void SecretWriter::fail(const Failure& failure) {
  problem(failure.text());
  outcome_.retry = true;
  if (is_unreachable(failure))
    outcome_.unreachable = failure;
}

void SecretWriter::problem(const std::string& reason) {
  outcome_.problems.push_back(bounded(reason, reason_limit));
}

} // namespace runtime_agent::application_reconciler
