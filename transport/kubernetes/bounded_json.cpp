#include "transport/kubernetes/bounded_json.hpp"

#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "transport/json_cost.hpp"
#include "transport/kubernetes/json_view.hpp"

namespace runtime_agent::kubernetes {
namespace {

/// An object's members, as most objects of Kubernetes have them: where it grows, all that is in it is copied.
constexpr std::size_t usual_members = 10;

// What a value takes in the tree: twice its place, since a vector grows by doubling, and the block of what it holds.
constexpr std::size_t block = 16;
constexpr std::size_t bytes_of_an_element = 2 * sizeof(Json);
constexpr std::size_t bytes_of_a_member = 2 * sizeof(Json::object_t::value_type);
constexpr std::size_t bytes_of_a_container = sizeof(Json::object_t) + block;

std::size_t bytes_of_text(std::size_t size) {
  return size > 15 ? size + 1 + block : 0;
}

/// Builds a document from the parser's events. nlohmann's own builder knows no bounds and keeps the whole list. Leaves
/// `metadata.managedFields` out: it is half of an object, the API server's own, and stays as it is where an update
/// lacks it.
class Builder : public nlohmann::json_sax<Json> {
public:
  Builder(const JsonBounds& bounds, const ObjectReceiver* items) : bounds_(bounds), receive_(items) {}

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override { return scalar(value); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(value); }
  bool number_float(number_float_t value, const string_t&) override { return scalar(value); }
  bool string(string_t& value) override {
    return (left_out_ > 0 || charge(sizeof value + block + bytes_of_text(value.size()))) && scalar(std::move(value));
  }
  bool binary(binary_t&) override { return stop("holds binary data"); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    // The exception's text quotes the input.
    return stop(fmt::format("is not valid JSON from byte {} on", position));
  }

  /// What comes now, but for its depth, is left out.
  bool leaves_out() const { return left_out_ > 0; }
  Json take() { return std::move(root_); }
  bool saw_items() const { return saw_items_; }
  Failure failure() const { return {.kind = kind_, .what = "the answer " + error_}; }
  /// Refused before it is parsed.
  bool too_large(std::string reason) {
    kind_ = FailureKind::too_large;
    return stop(std::move(reason));
  }

private:
  bool charge(std::size_t bytes) {
    held_ += bytes;
    return held_ <= bounds_.max_memory ||
           too_large(fmt::format("{}takes more than the limit of {} bytes of memory",
                                 receive_ != nullptr ? "has an item that " : "", bounds_.max_memory));
  }

  bool stop(std::string reason) {
    error_ = std::move(reason);
    return false;
  }

  bool in_items() const { return items_ != nullptr && open_.size() == 2; }

  /// Puts the value where the document stands now; null where a bound is passed.
  Json* put(Json&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      if (!charge(bytes_of_an_element))
        return nullptr;
      parent.push_back(std::move(value));
      return &parent.back();
    }
    if (parent.size() >= bounds_.max_members) {
      stop(fmt::format("has an object of more than {} members", bounds_.max_members));
      return nullptr;
    }
    auto& members = parent.get_ref<Json::object_t&>();
    const auto room = members.empty() ? usual_members * sizeof(Json::object_t::value_type) : 0;
    if (!charge(bytes_of_a_member + room + bytes_of_text(key_.size())))
      return nullptr;
    if (members.empty())
      members.reserve(usual_members);
    if (const auto known = members.find(key_); known != members.end()) {
      known->second = std::move(value);
      return &known->second;
    }
    members.emplace_back(key_, std::move(value));
    return &members.back().second;
  }

  bool scalar(Json&& value) {
    if (left_out_ > 0)
      return true;
    if (in_items())
      return stop("has an item that is not an object");
    return put(std::move(value)) != nullptr;
  }

  bool open(Json&& value) {
    if (open_.size() + left_out_ >= bounds_.max_depth)
      return stop(fmt::format("is nested deeper than {} levels", bounds_.max_depth));
    if (left_out_ > 0 || (metadata_ != nullptr && open_.back() == metadata_ && key_ == "managedFields")) {
      ++left_out_;
      return true;
    }
    if (in_items() && value.is_array())
      return stop("has an item that is not an object");
    if (!charge(bytes_of_a_container))
      return false;
    const bool items = receive_ != nullptr && open_.size() == 1 && key_ == "items" && value.is_array();
    if (items && saw_items_)
      return stop("has its items twice");
    Json* placed = put(std::move(value));
    if (placed == nullptr)
      return false;
    if (placed->is_object() && !open_.empty() && open_.back()->is_object() && key_ == "metadata")
      metadata_ = placed;
    open_.push_back(placed);
    if (items) {
      items_ = placed;
      saw_items_ = true;
    }
    return true;
  }

  bool close() {
    if (left_out_ > 0) {
      --left_out_;
      return true;
    }
    if (open_.back() == metadata_)
      metadata_ = nullptr;
    if (open_.back() == items_)
      items_ = nullptr;
    open_.pop_back();
    if (in_items()) {
      Json item = std::move(items_->back());
      items_->clear();
      held_ = 0;
      (*receive_)(std::move(item));
    }
    return true;
  }

  const JsonBounds& bounds_;
  const ObjectReceiver* receive_; // null: no list
  Json root_;
  std::vector<Json*> open_;  // pointers stay good: only the innermost container grows
  Json* items_ = nullptr;    // the list's array, while it is open
  Json* metadata_ = nullptr; // the innermost, while it is open
  std::size_t left_out_ = 0; // levels that are open within what is left out
  bool saw_items_ = false;
  std::size_t held_ = 0; // bytes of the tree, or of the item under way
  std::string key_;
  std::string error_;
  FailureKind kind_ = FailureKind::malformed;
};

using simdjson::dom::element;
using simdjson::dom::element_type;

bool tell(Builder& builder, element value);

bool tell_object(Builder& builder, simdjson::dom::object object) {
  if (!builder.start_object(0))
    return false;
  for (const auto member : object) {
    if (!builder.leaves_out()) {
      std::string key(member.key);
      builder.key(key);
    }
    if (!tell(builder, member.value))
      return false;
  }
  return builder.end_object();
}

bool tell_array(Builder& builder, simdjson::dom::array array) {
  if (!builder.start_array(0))
    return false;
  for (const element item : array)
    if (!tell(builder, item))
      return false;
  return builder.end_array();
}

/// Tells the builder of a document as nlohmann's parser would. Recurses as deep as the builder's bound lets it.
bool tell(Builder& builder, element value) {
  const auto type = value.type();
  if (type == element_type::OBJECT)
    return tell_object(builder, value.get_object().value_unsafe());
  if (type == element_type::ARRAY)
    return tell_array(builder, value.get_array().value_unsafe());
  if (builder.leaves_out())
    return true;
  switch (type) {
  case element_type::STRING: {
    std::string text(value.get_string().value_unsafe());
    return builder.string(text);
  }
  case element_type::INT64: {
    const auto number = value.get_int64().value_unsafe();
    return number < 0 ? builder.number_integer(number) : builder.number_unsigned(static_cast<std::uint64_t>(number));
  }
  case element_type::UINT64:
    return builder.number_unsigned(value.get_uint64().value_unsafe());
  case element_type::DOUBLE:
    return builder.number_float(value.get_double().value_unsafe(), {});
  case element_type::BOOL:
    return builder.boolean(value.get_bool().value_unsafe());
  default:
    return builder.null();
  }
}

/// simdjson is several times as fast. What it refuses goes to nlohmann's parser, which knows numbers of any size, and
/// says where it stops.
bool read(std::string_view text, Builder& builder, const JsonBounds& bounds) {
  if (!parsable_within(text, bounds))
    return builder.too_large(
        fmt::format("of {} bytes would take up to {} bytes of memory to be read, more than the limit "
                    "of {}",
                    text.size(), json_parsing_cost(text), bounds.max_memory));
  simdjson::dom::parser parser;
  element document;
  if (parser.parse(text.data(), text.size()).get(document) == simdjson::SUCCESS)
    return tell(builder, document);
  return Json::sax_parse(text.begin(), text.end(), &builder);
}

tl::unexpected<Failure> malformed(std::string_view reason) {
  return failed({.kind = FailureKind::malformed, .what = fmt::format("the answer {}", reason)});
}

} // namespace

Result<Json> parse_bounded(std::string_view text, const JsonBounds& bounds) {
  Builder builder(bounds, nullptr);
  if (!read(text, builder, bounds))
    return failed(builder.failure());
  return builder.take();
}

bool parsable_within(std::string_view text, const JsonBounds& bounds) {
  return json_parsing_cost(text) <= bounds.max_memory;
}

bool look_at(std::string_view text, const ObjectLook& look) {
  if (!parsable_within(text))
    return false;
  simdjson::dom::parser parser;
  element document;
  if (parser.parse(text.data(), text.size()).get(document) != simdjson::SUCCESS)
    return false;
  look(document);
  return true;
}

std::optional<EventHead> read_event_head(std::string_view line) {
  EventHead head;
  const auto text = [](const JsonView& value) { return std::string(value.text()); };
  const bool read = look_at(line, [&](const JsonView& event) {
    const JsonView metadata = event.member("object").member("metadata");
    head = {text(event.member("type")),
            {text(metadata.member("name")), text(metadata.member("uid")), text(metadata.member("resourceVersion"))}};
  });
  return read ? std::optional(std::move(head)) : std::nullopt;
}

Result<ListHead> parse_list(std::string_view text, const ObjectReceiver& receive, const JsonBounds& bounds) {
  Builder builder(bounds, &receive);
  if (!read(text, builder, bounds))
    return failed(builder.failure());
  const Json head = builder.take();
  // An empty list of a Go server may be `null`; a body without `items` is something else with status 200.
  if (!builder.saw_items() && !(head.is_object() && head.contains("items") && head["items"].is_null()))
    return malformed("is not a list");
  ListHead result{text_at(head, "metadata", "resourceVersion"), text_at(head, "metadata", "continue")};
  if (result.resource_version.empty())
    return malformed("is a list without metadata.resourceVersion");
  return result;
}

} // namespace runtime_agent::kubernetes
