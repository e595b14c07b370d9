#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "actors/application_reconciler/object_bodies.hpp"
#include "actors/application_reconciler/observed_state.hpp"
#include "actors/application_reconciler/recent_writes.hpp"
#include "transport/kubernetes/reflector.hpp"

/// From a reflector's objects to small entries, on the reflector's thread. Source: contract §5.2, architecture §6.
namespace runtime_agent::application_reconciler {

/// What is kept of a whole collection.
template <class Entry>
struct CollectionOf {
  using Type = std::map<std::string, Entry>;
};
template <>
struct CollectionOf<ObservedSecret> {
  using Type = ObservedSecrets;
};

/// What a reflector has to say about one collection.
template <class Entry>
struct CollectionEvent {
  using All = typename CollectionOf<Entry>::Type;
  enum class Kind {
    replaced, ///< `all` is what there is
    changed,  ///< `name` is now `entry`
    deleted,  ///< `name`, which had `uid`, is gone
    failed,   ///< neither list nor watch for the moment: `failure`
    polling,  ///< watching is forbidden: `failure`
  };
  Kind kind = Kind::failed;
  std::shared_ptr<All> all; ///< the receiver may take it
  std::string name;
  std::optional<Entry> entry;
  std::string uid;
  std::optional<Failure> failure;
};
using ApplicationsEvent = CollectionEvent<ObservedApplication>;
using SecretsEvent = CollectionEvent<ObservedSecret>;

inline ObservedApplication observed_entry(kubernetes::Json& object, const ObservedApplication*) {
  return observed_application(object);
}
inline ObservedSecret observed_entry(kubernetes::Json& object, const ObservedSecret*) {
  auto entry = observed_secret(object);
  wipe_secret_data(object);
  return entry;
}

/// Keeps an entry of each object and lets the object go. What `written` knows is not read again; it outlives this.
template <class Entry>
class CollectionHandler : public kubernetes::ReflectorHandler {
public:
  using Event = CollectionEvent<Entry>;
  using Kind = typename Event::Kind;
  CollectionHandler(std::function<void(Event)> emit, RecentWrites<Entry>& written)
      : emit_(std::move(emit)), written_(written) {}

  void list_started() override { listing_ = std::make_shared<typename Event::All>(); }
  void listed(kubernetes::Json&& object) override { listing_->insert_or_assign(object_name(object), entry_of(object)); }
  void list_finished(const std::string&) override {
    Event event{Kind::replaced, std::move(listing_), {}, {}, {}, {}};
    list_started();
    emit_(std::move(event));
  }
  void event(kubernetes::EventType type, kubernetes::Json&& object) override {
    if (type == kubernetes::EventType::bookmark)
      return;
    auto entry = entry_of(object);
    const bool gone = type == kubernetes::EventType::deleted;
    std::string uid = entry.uid;
    emit_({gone ? Kind::deleted : Kind::changed,
           nullptr,
           object_name(object),
           gone ? std::nullopt : std::optional(std::move(entry)),
           std::move(uid),
           {}});
  }
  bool known(kubernetes::EventType type, const kubernetes::ObjectHead& head) override {
    if (type == kubernetes::EventType::deleted)
      return false; // it carries a version of its own
    auto entry = written_.take(head.uid, head.resource_version);
    if (!entry)
      return false;
    emit_({Kind::changed, nullptr, head.name, std::move(entry), head.uid, {}});
    return true;
  }
  void failed(const Failure& failure, std::chrono::milliseconds) override {
    emit_({Kind::failed, nullptr, {}, {}, {}, failure});
  }
  void polling_instead(const Failure& failure) override { emit_({Kind::polling, nullptr, {}, {}, {}, failure}); }

private:
  static Entry entry_of(kubernetes::Json& object) { return observed_entry(object, static_cast<const Entry*>(nullptr)); }
  std::function<void(Event)> emit_;
  RecentWrites<Entry>& written_;
  std::shared_ptr<typename Event::All> listing_ = std::make_shared<typename Event::All>();
};

/// Lists and watches until `cancel`.
template <class Entry>
void watch_collection(kubernetes::Api& api, const kubernetes::Resource& resource, kubernetes::ReflectorOptions options,
                      RecentWrites<Entry>& written, const CancelToken& cancel,
                      const std::function<void(CollectionEvent<Entry>)>& emit) {
  CollectionHandler<Entry> handler(emit, written);
  kubernetes::Reflector reflector(api, resource, std::move(options), handler);
  reflector.run(cancel);
}

} // namespace runtime_agent::application_reconciler
