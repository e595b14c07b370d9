#include "actors/application_reconciler/secret_writer.hpp"

#include "actors/application_reconciler/object_bodies.hpp"
#include "actors/application_reconciler/problem_text.hpp"

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

void SecretWriter::write(const DesiredApplication& application, const DesiredSecret& secret, bool exists,
                         const std::string& owner_uid) {
  if (exists)
    merge(application, secret, owner_uid, true);
  else
    create(application, secret, owner_uid, true);
}

void SecretWriter::create(const DesiredApplication& application, const DesiredSecret& secret,
                          const std::string& owner_uid, bool merge_where_it_exists) {
  const auto created = api_.create_from_text(
      resource_, secret.name, secret_text(application, secret, namespace_, owner_uid),
      [&](const JsonView& live) { saw(secret.name, live, true); }, context_);
  if (created)
    return;
  if (created.error().kind == FailureKind::already_exists && merge_where_it_exists)
    merge(application, secret, owner_uid, false);
  else
    fail(created.error());
}

void SecretWriter::merge(const DesiredApplication& application, const DesiredSecret& secret,
                         const std::string& owner_uid, bool create_where_it_is_gone) {
  const WipedBody body(secret_body(application, secret, namespace_, owner_uid));
  bool changed = false;
  std::string reason;
  auto result = kubernetes::read_modify_write(
      api_, resource_, secret.name,
      [&](Json& live) {
        reason = reason_to_leave(observed_secret(live), application.name);
        changed = reason.empty() && merge_secret(live, *body, secret.kind);
        return changed;
      },
      context_);
  if (result) {
    saw(secret.name, *result, changed);
    wipe_secret_data(*result);
    if (!reason.empty())
      problem("Secret " + secret.name + reason);
  } else if (result.error().kind == FailureKind::not_found && create_where_it_is_gone) {
    create(application, secret, owner_uid, false);
  } else {
    fail(result.error());
  }
}

// The plan has looked at this already, where it knew the Secret.
std::string SecretWriter::reason_to_leave(const ObservedSecret& seen, const std::string& application) {
  if (seen.terminating)
    return " is being deleted and held by finalizers";
  if (seen.controlled_by_other_than(application))
    return " is controlled by something else; it is left as it is";
  for (const auto& owner : seen.owners) {
    if (!owner.is_application() || owner.name == application)
      continue;
    const auto other = api_.get(kubernetes::applications(), owner.name, context_);
    if (other && !belongs_to_compass(*other))
      return " belongs to an Application that is not Compass'; it is left as it is";
  }
  return {};
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
  written_.remember(*outcome_.secrets.emplace_back(name, observed_secret(live)).second);
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
