#include "actors/application_reconciler/secret_verification.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace runtime_agent::application_reconciler {

SecretVerification::Choice SecretVerification::choose(const DesiredObjects& desired, const ObservedState& observed,
                                                      std::set<std::string> read) {
  std::set<std::string> names;
  for (const auto& [name, application] : desired.secret_owners)
    names.insert(name);
  for (const auto& [name, application] : observed.applications())
    names.insert(application.secrets.begin(), application.secrets.end());
  for (const auto& [name, secret] : observed.secrets())
    names.insert(name);
  Choice choice;
  std::set_difference(names.begin(), names.end(), read.begin(), read.end(), std::back_inserter(choice.unread));
  std::erase_if(read, [&](const std::string& name) { return !names.contains(name); });
  choice.read = std::move(read);
  return choice;
}

SecretVerification::SecretVerification(std::chrono::milliseconds period, std::function<double()> random)
    : period_(period), random_(std::move(random)) {}

std::size_t SecretVerification::turns() const {
  const std::size_t names = std::max(round_.size(), read_.size());
  // Few at once, but not a timer for each of thousands.
  return std::max({std::min(names, turns_at_least), (names + reads_in_a_call - 1) / reads_in_a_call});
}

std::vector<std::string> SecretVerification::next() {
  if (next_ >= round_.size()) {
    round_.assign(read_.begin(), read_.end());
    next_ = 0;
  }
  last_ = next_;
  std::vector<std::string> names;
  if (round_.empty())
    return names;
  const std::size_t share = (round_.size() + turns() - 1) / turns();
  for (const std::size_t end = std::min(next_ + share, round_.size()); next_ < end; ++next_)
    if (read_.contains(round_[next_]))
      names.push_back(round_[next_]);
  return names;
}

std::chrono::milliseconds SecretVerification::pause() const {
  const auto turn = static_cast<double>(period_.count()) / static_cast<double>(turns() > 0 ? turns() : turns_at_least);
  return std::chrono::milliseconds(1 + static_cast<std::int64_t>(turn * (0.8 + 0.2 * random_())));
}

} // namespace runtime_agent::application_reconciler
