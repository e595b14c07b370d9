#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "actors/application_reconciler/names.hpp"
#include "tests/unit/application_reconciler/reconciler_fixture.hpp"

// No handler of the actor takes long, however much there is: an actor must not hold up the others. Source: architecture
// §3.
namespace runtime_agent::application_reconciler {
namespace {

using namespace std::chrono_literals;
using tests::director_data;

/// Takes everything, and keeps nothing: what the cluster does is not measured here.
class BottomlessCluster : public kubernetes::Api {
public:
  std::optional<Failure> refusal;

  Result<Json> get(const kubernetes::Resource&, const std::string& name, const CallContext&) override {
    return failed(Failure{FailureKind::not_found, name, "not found", {}, {}, 404, false, {}});
  }
  Result<Json> create(const kubernetes::Resource&, const Json& object, const CallContext&) override {
    return answer(object);
  }
  Result<Json> update(const kubernetes::Resource&, const Json& object, const CallContext&) override {
    return answer(object);
  }
  Result<void> remove(const kubernetes::Resource&, const std::string&, const kubernetes::DeleteOptions&,
                      const CallContext&) override {
    return {};
  }
  Result<std::string> list(const kubernetes::Resource&, const kubernetes::ListOptions&,
                           const kubernetes::ObjectReceiver&, const CallContext&) override {
    return "1";
  }
  Result<std::string> watch(const kubernetes::Resource&, const kubernetes::WatchOptions&,
                            const kubernetes::EventReceiver&, const CallContext&) override {
    return "1";
  }

private:
  Result<Json> answer(Json object) {
    if (refusal)
      return failed(*refusal);
    object["metadata"]["uid"] = "5d0f4ae6-3f2b-4f0c-9d8f-" + std::to_string(100'000'000'000 + ++last_);
    object["metadata"]["resourceVersion"] = std::to_string(last_);
    return object;
  }
  std::uint64_t last_ = 0;
};

class HandlersTest : public ReconcilerTest {
protected:
  /// In the ordinary run a tenth, and as much less time where the code is not optimised.
  static inline const bool whole = std::getenv("RUNTIME_AGENT_LONG") != nullptr;
  static inline const std::uint32_t count = whole ? 10'000 : 1'000;
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
  static constexpr auto limit = 20ms;
#else
  static inline const auto limit = whole ? 400ms : 100ms; // of code that is not optimised, with or without sanitizers
#endif

  HandlersTest() {
    bottomless = std::make_shared<BottomlessCluster>();
  }
  void start_empty(bool secrets_may_be_listed) {
    actor = system.spawn<ApplicationReconciler>(peers, settings, bottomless);
    system.run();
    list_applications();
    if (secrets_may_be_listed)
      list_secrets();
    else
      emit(failing<SecretsEvent>(FailureKind::forbidden));
  }
  static compass::RuntimeDataPtr everything(const std::string& description) {
    std::vector<compass::Application> all;
    all.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      all.push_back(tests::shop("application-" + std::to_string(i)));
      all.back().description = description;
    }
    return director_data(std::move(all));
  }
  /// What reflectors say of a cluster in which all is as the Director has it.
  std::pair<ApplicationsEvent, SecretsEvent> lists(const compass::RuntimeDataPtr& data) {
    const auto desired = desired_objects(data, settings.mapping);
    auto applications = std::make_shared<ObservedApplications>();
    auto of_secrets = std::make_shared<ObservedSecrets>();
    for (const auto& [name, application] : desired.applications) {
      const std::string uid = "uid of " + name;
      auto& entry = (*applications)[name];
      entry = {uid, "1", true, false, application->digest, {}};
      for (const auto& secret : application->secrets) {
        entry.secrets.push_back(secret.name);
        ObservedSecret seen;
        seen.uid = uid;
        seen.credentials = secret.digest;
        seen.application_label = std::string(application_label(name));
        seen.bundle_label = secret.bundle_id;
        seen.owners.push_back({std::string(application_api_version), std::string(application_kind), name, uid, false});
        of_secrets->insert_or_assign(secret.name, std::move(seen));
      }
    }
    ApplicationsEvent all_applications;
    all_applications.kind = ApplicationsEvent::Kind::replaced;
    all_applications.all = std::move(applications);
    SecretsEvent all_secrets;
    all_secrets.kind = SecretsEvent::Kind::replaced;
    all_secrets.all = std::move(of_secrets);
    return {std::move(all_applications), std::move(all_secrets)};
  }
  /// The longest since the last call.
  std::chrono::nanoseconds longest() {
    const auto longest = system.longest_handler();
    system.forget_longest_handler();
    if (whole)
      std::cout << "the longest handler took " << longest.count() / 1000 << " µs\n";
    return longest;
  }

  std::shared_ptr<BottomlessCluster> bottomless;
};

TEST_F(HandlersTest, AreShortWithThousandsOfApplications) {
  start_empty(true);
  longest();
  fetch_only(everything("first"));
  EXPECT_EQ(applied().counts.created, count);
  EXPECT_LT(longest(), limit) << "all are created";
  fetch_only(everything("first"));
  EXPECT_EQ(applied().counts.unchanged, count);
  EXPECT_LT(longest(), limit) << "none has changed";

  auto [applications, of_secrets] = lists(everything("first"));
  emit(std::move(applications));
  emit(std::move(of_secrets));
  EXPECT_LT(longest(), limit) << "watches begin anew";

  system.io().hold(); // the plan is on its way while events come
  fetch_only(everything("first"));
  ApplicationsEvent event;
  event.kind = ApplicationsEvent::Kind::changed;
  event.name = "stranger";
  event.entry.emplace();
  system.io().run_one(); // mapped
  system.run();
  emit(event);
  system.io().release();
  system.run();
  EXPECT_LT(longest(), limit) << "an event while a plan is made";

  bottomless->refusal = Failure{FailureKind::refused, "Kubernetes API", std::string(500, 'x'), {}, {}, 422, false, {}};
  fetch_only(everything("second"));
  EXPECT_EQ(applied().counts.failed, count);
  EXPECT_LT(longest(), limit) << "all are refused";
}

TEST_F(HandlersTest, AreShortWithThousandsOfSecretsThatMayNotBeListed) {
  start_empty(false);
  longest();
  fetch_only(everything("first"));
  EXPECT_EQ(applied().counts.created, count);
  fetch_only(everything("first"));
  system.advance(1min);
  EXPECT_LT(longest(), limit);
}

} // namespace
} // namespace runtime_agent::application_reconciler
