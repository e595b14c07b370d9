#include "transport/compass/answer_reader.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "transport/encoding.hpp"

namespace runtime_agent::compass {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

void append_sorted(std::string& out, element value) {
  if (value.is_object()) {
    std::vector<std::pair<std::string_view, element>> fields;
    for (const auto field : simdjson::dom::object(value))
      fields.emplace_back(field.key, field.value);
    std::stable_sort(fields.begin(), fields.end(), [](auto& a, auto& b) { return a.first < b.first; });
    out += '{';
    for (std::size_t i = 0; i < fields.size(); ++i) {
      out += i == 0 ? "" : ",";
      append_json_string(out, fields[i].first);
      out += ':';
      append_sorted(out, fields[i].second);
    }
    out += '}';
  } else if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const element item : simdjson::dom::array(value)) {
      out += std::exchange(first, false) ? "" : ",";
      append_sorted(out, item);
    }
    out += ']';
  } else if (value.is_string()) {
    append_json_string(out, std::string_view(value));
  } else {
    out += simdjson::minify(value);
  }
}

} // namespace

std::string Place::text() const {
  const auto before = parent != nullptr ? parent->text() : std::string();
  if (name.empty())
    return parent != nullptr ? fmt::format("{}[{}]", before, index) : before;
  return before.empty() ? std::string(name) : fmt::format("{}.{}", before, name);
}

void Verdict::wrong(const Place& place, std::string what) {
  if (!failure_)
    failure_ = Failure{.kind = FailureKind::malformed, .what = fmt::format("{} {}", place.text(), what)};
}

void Verdict::too_long(const Place& place, std::size_t bytes, std::size_t most) {
  if (failure_)
    return;
  wrong(place, fmt::format("is {} bytes long, more than the {} that are kept of it in the cluster", bytes, most));
  failure_->next = "nothing of the answer is used; it has to become shorter in Compass";
}

void Verdict::changed(const Place& place, std::string what) {
  if (!failure_)
    failure_ = Failure{.kind = FailureKind::conflict,
                       .what = fmt::format("{} changed while it was read: {}", place.text(), what),
                       .next = "the next fetch tries again"};
}

void Verdict::keep(std::size_t bytes) {
  kept_ += bytes;
  if (kept_ > most_kept_ && !failure_)
    failure_ = over_a_bound_of_the_fetch(
        fmt::format("what has come so far takes {} bytes of memory, more than the limit of {} (APP_FETCH_MAX_SIZE)",
                    kept_, most_kept_));
}

Failure over_a_bound_of_the_fetch(std::string what) {
  return {.kind = FailureKind::too_large,
          .what = std::move(what),
          .next =
              "nothing in the cluster is changed; raise the limit together with the memory of the pod, or have fewer "
              "Applications in Compass for this Runtime"};
}

ObjectReader::ObjectReader(element value, const Place& place, Verdict& verdict) : place_(place), verdict_(verdict) {
  usable_ = value.get(object_) == simdjson::SUCCESS;
  if (!usable_)
    verdict.wrong(place, fmt::format("is {} where an object was expected", type_name(value)));
}

std::optional<element> ObjectReader::value_or_null(std::string_view field) const {
  element found;
  if (!usable_ || object_.at_key(field).get(found) != simdjson::SUCCESS || found.is_null())
    return std::nullopt;
  return found;
}

std::optional<element> ObjectReader::value(std::string_view field) {
  auto found = value_or_null(field);
  if (!found)
    verdict_.wrong(at(field), "is null or missing");
  return found;
}

std::optional<std::string> ObjectReader::text_or_null(std::string_view field) {
  const auto found = value_or_null(field);
  if (!found)
    return std::nullopt;
  std::string_view text;
  if (found->get(text) != simdjson::SUCCESS)
    verdict_.wrong(at(field), fmt::format("is {} where a string was expected", type_name(*found)));
  return std::string(text);
}

std::string ObjectReader::text(std::string_view field, bool not_blank) {
  auto found = text_or_null(field);
  if (!found)
    verdict_.wrong(at(field), "is null or missing");
  else if (not_blank && found->find_first_not_of(" \t\r\n") == std::string::npos)
    verdict_.wrong(at(field), "is empty");
  return found ? std::move(*found) : std::string();
}

std::optional<bool> ObjectReader::flag_or_null(std::string_view field) {
  const auto found = value_or_null(field);
  if (!found)
    return std::nullopt;
  bool flag = false;
  if (found->get(flag) != simdjson::SUCCESS)
    verdict_.wrong(at(field), fmt::format("is {} where true or false was expected", type_name(*found)));
  return flag;
}

bool ObjectReader::flag(std::string_view field) {
  const auto found = flag_or_null(field);
  if (!found)
    verdict_.wrong(at(field), "is null or missing");
  return found.value_or(false);
}

std::uint64_t ObjectReader::count(std::string_view field) {
  const auto found = value(field);
  std::uint64_t number = 0;
  if (found && found->get(number) != simdjson::SUCCESS)
    verdict_.wrong(at(field), "is not a count");
  return number;
}

std::optional<simdjson::dom::array> ObjectReader::list(std::string_view field) {
  const auto found = value(field);
  simdjson::dom::array items;
  if (!found)
    return std::nullopt;
  if (found->get(items) != simdjson::SUCCESS) {
    verdict_.wrong(at(field), fmt::format("is {} where a list was expected", type_name(*found)));
    return std::nullopt;
  }
  return items;
}

std::string sorted_json(element value) {
  std::string out;
  append_sorted(out, value);
  return out;
}

std::string_view type_name(element value) {
  switch (value.type()) {
  case element_type::ARRAY:
    return "a list";
  case element_type::OBJECT:
    return "an object";
  case element_type::STRING:
    return "a string";
  case element_type::BOOL:
    return "true or false";
  case element_type::NULL_VALUE:
    return "null";
  default:
    return "a number";
  }
}

} // namespace runtime_agent::compass
