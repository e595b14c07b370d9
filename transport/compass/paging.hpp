#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "transport/compass/answer_reader.hpp"
#include "transport/compass/held_bytes.hpp"
#include "transport/http/status.hpp"

namespace runtime_agent::compass {

/// How far the reading of one list has come, page by page, and whether the pages fit together (contract §3). A list
/// that cannot be right even on its own is wrong; one whose pages contradict one another was changed in between.
class PageProgress {
public:
  /// Takes in a page's `pageInfo` and `totalCount`, of which `items` came. What does not add up goes to the verdict.
  void page_came(ObjectReader& page, const Place& place, std::size_t items);
  bool more() const noexcept { return more_; }
  /// Where the next page starts; only where there is more.
  const std::string& cursor() const noexcept { return cursor_; }
  std::size_t pages() const noexcept { return pages_; }
  /// Of the last page's totalCount.
  std::uint64_t total() const noexcept { return total_; }

private:
  void check_total(const Place& place, std::uint64_t total, Verdict& verdict);
  void check_cursor(const Place& place, std::string cursor, std::size_t items, Verdict& verdict);

  bool more_ = true;
  std::string cursor_;
  std::size_t pages_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t total_ = 0;
  std::set<std::string, std::less<>> cursors_;
};

/// Two items of one id in a list that is complete.
template <class Item>
void check_ids(const std::vector<Item>& items, const PageProgress& progress, const Place& place, Verdict& verdict) {
  if (items.size() < 2)
    return;
  std::vector<std::string_view> ids;
  ids.reserve(items.size());
  for (const auto& item : items)
    ids.push_back(item.id);
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice == ids.end())
    return;
  const auto id = http::excerpt(*twice, 80);
  if (progress.pages() > 1)
    verdict.changed(place, "the id " + id + " was received twice");
  else
    verdict.wrong(place, "holds the id " + id + " twice");
}

/// The Director's own limit (contract §3). What is longer than anybody asks for gets its room as it comes.
inline constexpr std::size_t most_on_a_page = 200;

/// For so many more: exactly so many in a first page, since most lists have no other; by halves after it.
template <class Item>
void make_room(std::vector<Item>& items, std::size_t more) {
  const auto needed = items.size() + more;
  if (needed > items.capacity())
    items.reserve(std::max(needed, items.capacity() + items.capacity() / 2));
}

/// Reads one page into `items` by `read_item(element, Place, Verdict&)`, and checks the list once it is complete.
template <class Item, class ReadItem>
void read_page(simdjson::dom::element value, const Place& place, Verdict& verdict, PageProgress& progress,
               std::vector<Item>& items, ReadItem read_item) {
  ObjectReader page(value, place, verdict);
  const auto data = page.list("data");
  if (!data)
    return;
  const auto data_place = page.at("data");
  make_room(items, std::min(data->size(), most_on_a_page));
  std::size_t count = 0;
  for (const simdjson::dom::element item : *data) {
    items.push_back(read_item(item, Place{&data_place, {}, count++}, verdict));
    verdict.keep(held_bytes(items.back()));
    if (!verdict.good()) // a page may hold millions of them
      return;
  }
  progress.page_came(page, place, count);
  if (!progress.more())
    check_ids(items, progress, place, verdict);
}

} // namespace runtime_agent::compass
