#include "actors/connection_manager/secret_watch.hpp"

#include "transport/kubernetes/bounded_json.hpp"
#include "transport/kubernetes/reflector.hpp"

namespace runtime_agent::connection_manager {
namespace {

class VersionHandler : public kubernetes::ReflectorHandler {
public:
  VersionHandler(std::string name, const std::function<void(SecretVersion)>& emit)
      : name_(std::move(name)), emit_(emit) {}

  void list_started() override { listed_.clear(); }
  void listed(kubernetes::Json&& object) override {
    if (is_ours(object))
      listed_ = version_of(object);
  }
  void list_finished(const std::string&) override { emit_({listed_}); }
  void event(kubernetes::EventType type, kubernetes::Json&& object) override {
    if (is_ours(object))
      emit_({type == kubernetes::EventType::deleted ? std::string() : version_of(object)});
  }
  void failed(const Failure& failure, std::chrono::milliseconds) override {
    if (failure.kind == FailureKind::forbidden)
      emit_({{}, true});
  }
  void polling_instead(const Failure&) override { emit_({{}, true}); }

private:
  bool is_ours(const kubernetes::Json& object) const {
    return kubernetes::text_at(object, "metadata", "name") == name_;
  }
  static std::string version_of(const kubernetes::Json& object) {
    return kubernetes::text_at(object, "metadata", "resourceVersion");
  }

  const std::string name_;
  const std::function<void(SecretVersion)>& emit_;
  std::string listed_;
};

} // namespace

void watch_secret_version(kubernetes::Api& api, const SecretName& secret, std::uint64_t seed, const CancelToken& cancel,
                          const std::function<void(SecretVersion)>& emit) {
  kubernetes::ReflectorOptions options;
  options.list.field_selector = "metadata.name=" + secret.name;
  options.list.metadata_only = true;
  options.seed = seed;
  VersionHandler handler(secret.name, emit);
  kubernetes::Reflector(api, kubernetes::secrets(secret.namespace_), std::move(options), handler).run(cancel);
}

} // namespace runtime_agent::connection_manager
