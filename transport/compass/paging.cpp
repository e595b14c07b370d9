#include "transport/compass/paging.hpp"

#include <fmt/format.h>

namespace runtime_agent::compass {
namespace {

// A list of a million items at ten a page: whatever says that it is longer will never end.
constexpr std::size_t most_pages = 100'000;
constexpr std::size_t kept_beside_a_cursor = 80; // its node in the set

} // namespace

void PageProgress::page_came(ObjectReader& page, const Place& place, std::size_t items) {
  auto& verdict = page.verdict();
  const auto total = page.count("totalCount");
  const auto info_value = page.value("pageInfo");
  if (!info_value)
    return;
  const auto info_place = page.at("pageInfo");
  ObjectReader info(*info_value, info_place, verdict);
  more_ = info.flag("hasNextPage");
  ++pages_;
  received_ += items;
  if (more_)
    check_cursor(info_place, info.text_or_null("endCursor").value_or(""), items, verdict);
  check_total(place, total, verdict);
}

void PageProgress::check_cursor(const Place& place, std::string cursor, std::size_t items, Verdict& verdict) {
  if (cursor.empty())
    verdict.wrong(place, "has a next page but no endCursor");
  else if (items == 0)
    verdict.wrong(place, "has a next page although this one is empty");
  else if (!cursors_.insert(cursor).second)
    verdict.wrong(place, "has a cursor that an earlier page had");
  else if (pages_ >= most_pages)
    verdict.wrong(place, fmt::format("has a next page after {} pages", most_pages));
  verdict.keep(kept_beside_a_cursor + held_bytes(cursor));
  cursor_ = std::move(cursor);
}

void PageProgress::check_total(const Place& place, std::uint64_t total, Verdict& verdict) {
  if (pages_ > 1 && total != total_)
    verdict.changed(place, fmt::format("its total changed from {} to {}", total_, total));
  total_ = total;
  if (received_ == total && !more_)
    return;
  const bool short_of = received_ < total && more_;
  if (short_of)
    return;
  if (pages_ > 1)
    verdict.changed(place, fmt::format("{} items were received, but its total is {}", received_, total));
  else
    verdict.wrong(place, fmt::format("holds {} items{}, but its totalCount is {}", received_,
                                     more_ ? " and has a next page" : "", total));
}

} // namespace runtime_agent::compass
