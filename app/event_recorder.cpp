#include "app/event_recorder.hpp"

#include <array>
#include <chrono>

#include <unistd.h>

#include "actors/status_writer/connection_status.hpp"
#include "actors/supervision/log.hpp"

namespace runtime_agent::app {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_waiting = 500;

kubernetes::CorrelatorSettings correlator_settings() {
  kubernetes::CorrelatorSettings settings;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0)
    settings.host = host.data();
  return settings;
}

} // namespace

EventRecorder::EventRecorder(std::shared_ptr<kubernetes::PatchingApi> api)
    : api_(std::move(api)), correlator_(correlator_settings()) {}

EventRecorder::~EventRecorder() {
  stop();
}

void EventRecorder::record(status_writer::Happening happening) {
  std::lock_guard lock(mutex_);
  if (forbidden_ || waiting_.size() >= most_waiting) {
    ++lost_;
    return;
  }
  waiting_.push_back(std::move(happening));
  changed_.notify_one();
}

void EventRecorder::start() {
  if (!thread_.joinable())
    thread_ = std::thread([this] { run(); });
}

void EventRecorder::stop() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  cancel_.cancel();
  changed_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

std::uint64_t EventRecorder::lost() const {
  std::lock_guard lock(mutex_);
  return lost_;
}

void EventRecorder::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (waiting_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    write(next);
    lock.lock();
  }
}

void EventRecorder::write(const status_writer::Happening& happening) {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + 10s;
  context.cancel = cancel_;
  const auto target = target_of(happening, context);
  if (!target)
    return;
  const auto event = correlator_.correlate({*target, happening.warning, happening.reason, happening.message},
                                           std::chrono::steady_clock::now(), std::chrono::system_clock::now());
  const auto written = event ? kubernetes::write_event(*api_, *event, context) : Result<void>();
  if (event && written)
    return;
  std::lock_guard lock(mutex_);
  ++lost_;
  if (!written && written.error().kind == FailureKind::forbidden && !forbidden_) {
    forbidden_ = true;
    waiting_.clear();
    log::debug("no permission to write Events; none are written", {{"error", written.error().text()}});
  }
}

std::optional<kubernetes::EventTarget> EventRecorder::target_of(const status_writer::Happening& happening,
                                                                const CallContext& context) {
  const bool connection = happening.application.empty();
  const auto resource = connection ? kubernetes::compass_connections() : kubernetes::applications();
  const std::string name = connection ? std::string(status_writer::object_name) : happening.application;
  kubernetes::EventTarget target{resource.group + "/" + resource.version, resource.kind, name, ""};
  const auto object = api_->get(resource, name, context);
  if (object && object->contains("metadata"))
    target.uid = object->at("metadata").value("uid", "");
  if (object || connection)
    return target;
  // It could not even be made, or has no name that an object can have: said of the connection.
  if (!happening.warning)
    return std::nullopt;
  auto told = happening;
  told.message = "Application " + happening.application + ": " + happening.message;
  told.application.clear();
  record(std::move(told));
  return std::nullopt;
}

} // namespace runtime_agent::app
