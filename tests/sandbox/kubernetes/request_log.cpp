#include "tests/sandbox/kubernetes/request_log.hpp"

#include <algorithm>

namespace runtime_agent::sandbox::kube {
namespace {

std::string key_of(const std::string& resource, const std::string& namespace_, const std::string& name) {
  return resource + "/" + namespace_ + "/" + name;
}

thread_local std::string author;

} // namespace

RequestLog::Author::Author(const std::string& user) {
  author = user;
}
RequestLog::Author::~Author() {
  author.clear();
}

RequestLog::RequestLog(std::size_t bound) : bound_(bound) {}

void RequestLog::add(RequestRecord record) {
  std::lock_guard lock(mutex_);
  ++count_;
  records_.push_back(std::move(record));
  if (records_.size() > bound_)
    records_.pop_front();
}

std::vector<RequestRecord> RequestLog::records() const {
  std::lock_guard lock(mutex_);
  return {records_.begin(), records_.end()};
}

std::uint64_t RequestLog::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

std::uint64_t RequestLog::count(const std::function<bool(const RequestRecord&)>& which) const {
  std::lock_guard lock(mutex_);
  return static_cast<std::uint64_t>(std::count_if(records_.begin(), records_.end(), which));
}

void RequestLog::wrote(const std::string& resource, const std::string& namespace_, const std::string& name) {
  std::lock_guard lock(mutex_);
  ++writes_[key_of(resource, namespace_, name)];
  effective_.push_back({author, resource, namespace_, name});
  if (effective_.size() > bound_)
    effective_.pop_front();
}

std::uint64_t RequestLog::writes(const std::string& resource, const std::string& namespace_,
                                 const std::string& name) const {
  std::lock_guard lock(mutex_);
  const auto found = writes_.find(key_of(resource, namespace_, name));
  return found == writes_.end() ? 0 : found->second;
}

std::map<std::string, std::uint64_t> RequestLog::writes() const {
  std::lock_guard lock(mutex_);
  return writes_;
}

std::vector<WriteRecord> RequestLog::effective_writes() const {
  std::lock_guard lock(mutex_);
  return {effective_.begin(), effective_.end()};
}

void RequestLog::clear() {
  std::lock_guard lock(mutex_);
  records_.clear();
  count_ = 0;
  writes_.clear();
  effective_.clear();
}

} // namespace runtime_agent::sandbox::kube
