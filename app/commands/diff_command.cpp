#include <algorithm>
#include <ostream>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "actors/application_reconciler/object_bodies.hpp"
#include "actors/application_reconciler/plan.hpp"
#include "actors/application_reconciler/secret_verification.hpp"
#include "actors/application_reconciler/taken_names.hpp"
#include "actors/status_writer/connection_status.hpp"
#include "app/commands/command.hpp"
#include "app/commands/environment.hpp"
#include "app/commands/on_record.hpp"
#include "app/commands/progress.hpp"
#include "app/mapping.hpp"
#include "app/presentation/text_table.hpp"
#include "transport/x509/check.hpp"

/// What the next cycle would do, by the very code that does it; nothing is written.
namespace runtime_agent::app {
namespace {

using namespace std::chrono_literals;
using namespace application_reconciler;
using kubernetes::Json;

// As diff(1) and kubectl have them.
constexpr int exit_same = 0;
constexpr int exit_different = 1;
constexpr int exit_trouble = 2;
constexpr std::size_t fields_at_most = 20; ///< named, of one Application

Failure not_connected(std::string why) {
  return {.kind = FailureKind::configuration,
          .where = "the connection",
          .what = std::move(why),
          .next = "'runtime-agent check' shows the cause"};
}

/// The Director's data, with the certificate that is stored.
Result<compass::RuntimeDataPtr> fetch(const Settings& settings, const ClusterAccess& access) {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + 30s;
  auto record =
      record_of(settings, access.api).read(connection_manager::CredentialRecord::Parts::without_pending, context);
  if (!record)
    return failed(record.error());
  if (!record->credentials)
    return failed(record->problem ? *record->problem : not_connected("there is no certificate yet"));
  const auto& credentials = *record->credentials;
  if (const auto outside =
          x509::outside_validity(credentials.identity->validity, std::chrono::system_clock::now(), x509::clock_skew))
    return failed(not_connected("the certificate: " + *outside));
  std::optional<Json> connection;
  if (auto object =
          access.api->get(kubernetes::compass_connections(), std::string(status_writer::object_name), context))
    connection = std::move(*object);
  const auto where = access_of(credentials, connection, nullptr);
  if (!where.complete())
    return failed(not_connected("it is not recorded yet which Compass the certificate is for"));
  return compass::make_director_client(compass_settings(settings, access.proxies))
      ->fetch({where.director_url, where.tenant, where.runtime_id, credentials.identity},
              compass_context(where.runtime_id, 2min));
}

/// What is there now.
struct Present {
  ObservedState observed;
  std::map<std::string, Json> applications; ///< those of Compass, to name what changes in them
  bool other_types_unread = false;          ///< of Secrets, those that are not Opaque are not in it
};

Result<void> read_applications(kubernetes::Api& api, Present& present, const CallContext& context) {
  std::map<std::string, ObservedApplication> all;
  kubernetes::ListOptions options;
  options.on_restart = [&] {
    all.clear();
    present.applications.clear();
  };
  const auto listed = api.list(
      kubernetes::applications(), options,
      [&](Json&& object) {
        const std::string name = object_name(object);
        all.insert_or_assign(name, observed_application(object));
        if (belongs_to_compass(object))
          present.applications.insert_or_assign(name, std::move(object));
      },
      context);
  if (!listed)
    return failed(listed.error());
  present.observed.replace_applications(std::move(all));
  return {};
}

/// Without the right to list them: those that can matter, one by one, as the agent does.
Result<void> read_secrets(kubernetes::Api& api, const kubernetes::Resource& resource, const DesiredObjects& desired,
                          Present& present, const CallContext& context) {
  ObservedSecrets all;
  kubernetes::ListOptions options;
  options.limit = 100;
  options.field_selector = "type=Opaque";
  options.on_restart = [&all] { all = {}; };
  const auto listed = api.list(
      resource, options,
      [&all](Json&& object) {
        all.insert_or_assign(object_name(object), observed_secret(object));
        wipe_secret_data(object);
      },
      context);
  if (!listed && listed.error().kind != FailureKind::forbidden)
    return failed(listed.error());
  present.other_types_unread = listed.has_value();
  std::vector<std::string> names;
  if (!listed)
    names = SecretVerification::choose(desired, present.observed, {}).unread;
  for (const std::string& name : names) {
    auto live = api.get(resource, name, context);
    if (live) {
      all.insert_or_assign(name, observed_secret(*live));
      wipe_secret_data(*live);
    } else if (live.error().kind != FailureKind::not_found) {
      return failed(live.error());
    }
  }
  present.observed.replace_secrets(std::move(all));
  return {};
}

/// JSON pointers of what would change; values are not shown.
std::vector<std::string> changed_fields(const Json& live, const DesiredApplication& desired,
                                        const MappingSettings& mapping) {
  Json changed = live;
  merge_application(changed, application_body(*desired.source, desired.name, mapping));
  std::vector<std::string> fields;
  for (const Json& operation : Json::diff(live, changed))
    fields.push_back(operation["path"].get<std::string>());
  if (fields.size() > fields_at_most) {
    const std::size_t more = fields.size() - fields_at_most;
    fields.resize(fields_at_most);
    fields.push_back(fmt::format("and {} more", more));
  }
  return fields;
}

std::string_view word(ApplicationAction action) {
  switch (action) {
  case ApplicationAction::create:
    return "create";
  case ApplicationAction::remove:
    return "delete";
  case ApplicationAction::update:
    return "change";
  case ApplicationAction::keep:
  case ApplicationAction::collect:
    break;
  }
  return "";
}

/// One entry an object: what would happen to it.
class Difference {
public:
  void add(std::string_view what, const std::string& kind, const std::string& name,
           const std::vector<std::string>& fields = {}) {
    Json entry{{"action", std::string(what)}, {"kind", kind}, {"name", name}};
    if (!fields.empty())
      entry["fields"] = fields;
    changes_.push_back(std::move(entry));
    const char sign = what == "create" ? '+' : what == "delete" ? '-' : '~';
    text_ += fmt::format("{} {} {}\n", sign, kind, printable(name));
    for (const std::string& field : fields)
      text_ += "      " + printable(field) + "\n";
  }
  void problem(const std::string& application, const std::string& reason) {
    problems_.push_back({{"application", application}, {"reason", reason}});
    text_ += fmt::format("! Application {}: {}\n", printable(application), printable(reason));
  }
  bool empty() const { return changes_.empty(); }
  Json document() const { return {{"changes", changes_}, {"problems", problems_}}; }
  std::string text() const { return text_.empty() ? "nothing would change\n" : text_; }

private:
  Json changes_ = Json::array();
  Json problems_ = Json::array();
  std::string text_;
};

Difference difference(const Plan& plan, const Present& present, const MappingSettings& mapping) {
  Difference result;
  const auto secret = [&](const std::string& name) { return mapping.integration_namespace + "/" + name; };
  for (const ApplicationWork& work : plan.work) {
    const auto live = present.applications.find(work.name);
    const bool changes = work.action == ApplicationAction::update && live != present.applications.end();
    if (!word(work.action).empty())
      result.add(word(work.action), "Application", work.name,
                 changes ? changed_fields(live->second, *work.desired, mapping) : std::vector<std::string>());
    for (const SecretWrite& write : work.secret_writes)
      result.add(write.exists ? "change" : "create", "Secret", secret(work.desired->secrets.at(write.index).name));
    for (const SecretRemoval& removal : work.secret_removals)
      result.add("delete", "Secret", secret(removal.name));
  }
  for (const ApplicationProblem& problem : plan.problems)
    result.problem(problem.application, problem.reason);
  for (const std::string& name : plan.held)
    result.problem(name, "would be deleted; held back until a second fetch confirms it");
  return result;
}

Result<Difference> compare(const Settings& settings, const ClusterAccess& access, Progress& progress) {
  progress.say("reading the Director's data");
  const auto data = fetch(settings, access);
  if (!data)
    return failed(data.error());
  const MappingSettings mapping = mapping_of(settings);
  const DesiredObjects desired = desired_objects(*data, mapping);
  progress.say("reading the cluster's Applications and Secrets");
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + 2min;
  Present present;
  if (auto read = read_applications(*access.api, present, context); !read)
    return failed(read.error());
  if (auto read =
          read_secrets(*access.api, kubernetes::secrets(mapping.integration_namespace), desired, present, context);
      !read)
    return failed(read.error());
  Plan plan = plan_changes(
      {desired, present.observed, {1, std::chrono::steady_clock::now()}, DeletionHold{}, settings.minimal_sync_time});
  if (present.other_types_unread && creates_secrets(plan.work)) {
    const auto taken = names_of_other_types(*access.api, mapping.integration_namespace, context);
    if (!taken)
      return failed(taken.error());
    for (auto& problem : leave_taken(plan.work, *taken))
      plan.problems.push_back(std::move(problem));
  }
  return difference(plan, present, mapping);
}

int diff(Invocation& invocation) {
  const auto settings = settings_of(invocation);
  if (!settings)
    return exit_trouble;
  const auto access = cluster_access(invocation);
  Progress progress(invocation.err);
  const auto result = access ? compare(*settings, *access, progress) : Result<Difference>(failed(access.error()));
  progress.done();
  if (!result) {
    invocation.err << "runtime-agent: " << printable(result.error().text()) << '\n';
    return exit_trouble;
  }
  print(invocation, result->document(), result->text());
  return result->empty() ? exit_same : exit_different;
}

} // namespace

Command diff_command() {
  return {"diff", "show what the next cycle would create, change and delete; exit code 1 if it would change anything",
          [](CLI::App& cli, Invocation& invocation) {
            add_kubeconfig_option(cli, invocation);
            add_output_option(cli, invocation);
            return [&invocation] { return diff(invocation); };
          }};
}

} // namespace runtime_agent::app
