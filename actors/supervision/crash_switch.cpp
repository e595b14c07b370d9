#include "actors/supervision/crash_switch.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace runtime_agent::supervision {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      return parts;
    text.remove_prefix(end + 1);
  }
}

bool read_number(std::string_view text, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_action(std::string_view text, CrashOrder& order) {
  struct Form {
    std::string_view text;
    CrashAction action;
    bool afterwards;
  };
  constexpr std::array<Form, 5> forms{{{"throw", CrashAction::throws, false},
                                       {"throw-after", CrashAction::throws, true},
                                       {"hang", CrashAction::hangs, false},
                                       {"hang-after", CrashAction::hangs, true},
                                       {"drop", CrashAction::drops, false}}};
  const auto* const form =
      std::find_if(forms.begin(), forms.end(), [&](const Form& each) { return each.text == text; });
  if (form == forms.end())
    return false;
  order.action = form->action;
  order.afterwards = form->afterwards;
  return true;
}

std::optional<CrashOrder> read_order(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 5 || parts[0].empty() || parts[1].empty())
    return std::nullopt;
  CrashOrder order{std::string(parts[0]), std::string(parts[1])};
  if ((parts.size() > 2 && !read_action(parts[2], order)) ||
      (parts.size() > 3 && !read_number(parts[3], order.count)) ||
      (parts.size() > 4 && !read_number(parts[4], order.skip)))
    return std::nullopt;
  return order;
}

} // namespace

Result<std::vector<CrashOrder>> parse_crash_orders(std::string_view text) {
  std::vector<CrashOrder> orders;
  for (const std::string_view part : split(text, ';')) {
    auto order = read_order(part);
    if (!order)
      return failed(Failure{FailureKind::configuration, "crash switch", fmt::format("\"{}\" is no order", part),
                            "give ACTOR:MESSAGE[:throw|throw-after|hang|hang-after|drop[:COUNT[:SKIP]]]"});
    orders.push_back(std::move(*order));
  }
  return orders;
}

void CrashSwitch::arm(CrashOrder order) {
  if (order.count == 0)
    return;
  std::lock_guard lock(mutex_);
  orders_.push_back(std::move(order));
  armed_.store(true, std::memory_order_relaxed);
}

void CrashSwitch::disarm() {
  std::lock_guard lock(mutex_);
  orders_.clear();
  armed_.store(false, std::memory_order_relaxed);
  ++disarmed_;
  changed_.notify_all();
}

bool CrashSwitch::check(std::string_view actor, std::string_view message_type, std::string_view kind, bool afterwards) {
  std::unique_lock lock(mutex_);
  for (auto order = orders_.begin(); order != orders_.end(); ++order) {
    const bool matches = order->message_type == "*" || order->message_type == message_type ||
                         (!kind.empty() && order->message_type == kind);
    if ((order->actor != actor && order->actor != "*") || !matches || order->afterwards != afterwards)
      continue;
    if (order->skip > 0) {
      --order->skip;
      continue;
    }
    const CrashAction action = order->action;
    if (--order->count == 0)
      orders_.erase(order);
    armed_.store(!orders_.empty(), std::memory_order_relaxed);
    if (action == CrashAction::throws)
      throw std::runtime_error(fmt::format("crash switch: {} at {}", actor, message_type));
    if (action == CrashAction::drops)
      return false;
    changed_.wait(lock, [this, before = disarmed_] { return disarmed_ != before; });
    return true;
  }
  return true;
}

} // namespace runtime_agent::supervision
