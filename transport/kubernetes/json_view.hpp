#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

#include "transport/kubernetes/api.hpp"

namespace runtime_agent::kubernetes {

/// Looks at a value of a JSON document, whichever parser has read it: simdjson's documents need not become others to
/// be looked at. Cheap to copy; does not outlive the document. Nothing that may stand in a document makes it throw.
class JsonView {
public:
  /// Null.
  JsonView() = default;
  JsonView(const Json& json) : json_(&json) {}                                // NOLINT(google-explicit-constructor)
  JsonView(simdjson::dom::element element) : element_(element), dom_(true) {} // NOLINT(google-explicit-constructor)

  bool is_null() const { return dom_ ? element_.is_null() : json_ == nullptr || json_->is_null(); }
  bool is_object() const { return dom_ ? element_.is_object() : json_ != nullptr && json_->is_object(); }
  bool is_array() const { return dom_ ? element_.is_array() : json_ != nullptr && json_->is_array(); }
  bool is_string() const { return dom_ ? element_.is_string() : json_ != nullptr && json_->is_string(); }
  /// Empty where it is no text.
  std::string_view text() const {
    if (!is_string())
      return {};
    return dom_ ? element_.get_string().value_unsafe() : std::string_view(json_->get_ref<const std::string&>());
  }
  bool is_true() const {
    return dom_ ? element_.is_bool() && element_.get_bool().value_unsafe() : json_ != nullptr && *json_ == true;
  }
  /// Of a number or a truth value, as nlohmann writes it.
  std::string scalar() const;
  /// The last of that name, or null: where there is none, and where this is no object.
  JsonView member(std::string_view key) const {
    JsonView found;
    for_each_member([&](std::string_view name, const JsonView& value) {
      if (name == key)
        found = value;
    });
    return found;
  }
  /// `take(std::string_view, const JsonView&)`; none where this is no object.
  template <class Take>
  void for_each_member(const Take& take) const {
    if (!is_object())
      return;
    if (dom_) {
      const simdjson::dom::object members = element_.get_object().value_unsafe();
      for (const auto member : members)
        take(member.key, JsonView(member.value));
    } else {
      for (const auto& [key, value] : json_->get_ref<const Json::object_t&>())
        take(std::string_view(key), JsonView(value));
    }
  }
  /// `take(const JsonView&)`; none where this is no list.
  template <class Take>
  void for_each_element(const Take& take) const {
    if (!is_array())
      return;
    if (dom_) {
      const simdjson::dom::array elements = element_.get_array().value_unsafe();
      for (const auto element : elements)
        take(JsonView(element));
    } else {
      for (const Json& element : *json_)
        take(JsonView(element));
    }
  }

private:
  const Json* json_ = nullptr;
  simdjson::dom::element element_;
  bool dom_ = false;
};

} // namespace runtime_agent::kubernetes
