#include "actors/config_watcher/object_watch.hpp"

namespace runtime_agent::config_watcher {
namespace {

class Handler : public kubernetes::ReflectorHandler {
public:
  Handler(std::string name, const std::function<void(ObjectSeen)>& emit) : name_(std::move(name)), emit_(emit) {}

  void list_started() override { listed_ = nullptr; }
  void listed(kubernetes::Json&& object) override {
    if (is_ours(object))
      listed_ = std::make_shared<const kubernetes::Json>(std::move(object));
  }
  void list_finished(const std::string&) override {
    emit_({.object = std::move(listed_), .deleted_uid = {}, .failure = {}});
  }
  void event(kubernetes::EventType type, kubernetes::Json&& object) override {
    if (!is_ours(object))
      return;
    if (type == kubernetes::EventType::deleted)
      return emit_({.object = nullptr, .deleted_uid = object["metadata"].value("uid", ""), .failure = {}});
    emit_({.object = std::make_shared<const kubernetes::Json>(std::move(object)), .deleted_uid = {}, .failure = {}});
  }
  void failed(const Failure& failure, std::chrono::milliseconds) override {
    emit_({.object = nullptr, .deleted_uid = {}, .failure = failure});
  }
  void polling_instead(const Failure& failure) override {
    emit_({.object = nullptr, .deleted_uid = {}, .failure = failure, .watch_forbidden = true});
  }

private:
  bool is_ours(const kubernetes::Json& object) const {
    const auto metadata = object.find("metadata");
    return metadata != object.end() && metadata->value("name", "") == name_;
  }

  std::string name_;
  const std::function<void(ObjectSeen)>& emit_;
  std::shared_ptr<const kubernetes::Json> listed_;
};

} // namespace

void watch_object(kubernetes::Api& api, const kubernetes::Resource& resource, const std::string& name,
                  kubernetes::ReflectorOptions options, const CancelToken& cancel,
                  const std::function<void(ObjectSeen)>& emit) {
  options.list.field_selector = "metadata.name=" + name;
  Handler handler(name, emit);
  kubernetes::Reflector(api, resource, std::move(options), handler).run(cancel);
}

} // namespace runtime_agent::config_watcher
