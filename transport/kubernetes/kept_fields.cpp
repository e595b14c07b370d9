#include "transport/kubernetes/kept_fields.hpp"

#include <vector>

#include "transport/utf8.hpp"

namespace runtime_agent::kubernetes {
namespace {

constexpr std::size_t longest_manager = 100;
constexpr std::string_view own_manager = "runtime-agent"; // the API server takes it from the User-Agent
constexpr std::size_t fields_named = 5;

bool is_empty(const JsonView& value) {
  bool empty = value.is_null() || (value.is_string() && value.text().empty());
  if (value.is_object() || value.is_array()) {
    empty = true;
    value.for_each_member([&](std::string_view, const JsonView& member) { empty = empty && is_empty(member); });
    value.for_each_element([&](const JsonView&) { empty = false; });
  }
  return empty;
}

bool same_scalar(const JsonView& a, const JsonView& b) {
  if (a.is_string() || b.is_string())
    return a.is_string() && b.is_string() && a.text() == b.text();
  return !b.is_object() && !b.is_array() && a.scalar() == b.scalar();
}

class Comparison {
public:
  explicit Comparison(FieldsNotKept& found) : found_(found) {}

  void compare(const std::string& path, const JsonView& sent, const JsonView& stored) {
    if (is_empty(sent) && is_empty(stored))
      return;
    if (!is_empty(sent) && stored.is_null())
      return note(path, Kept::dropped);
    if (sent.is_object() && stored.is_object())
      sent.for_each_member([&](std::string_view key, const JsonView& value) {
        compare(path.empty() ? std::string(key) : path + "." + std::string(key), value, stored.member(key));
      });
    else if (sent.is_array() && stored.is_array())
      compare_lists(path, sent, stored);
    else if (sent.is_object() || sent.is_array() || !same_scalar(sent, stored))
      note(path, Kept::changed);
  }

private:
  void compare_lists(const std::string& path, const JsonView& sent, const JsonView& stored) {
    const auto elements = [](const JsonView& list) {
      std::vector<JsonView> all;
      list.for_each_element([&](const JsonView& element) { all.push_back(element); });
      return all;
    };
    const auto ours = elements(sent), theirs = elements(stored);
    if (ours.size() != theirs.size())
      return note(path, Kept::changed);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const JsonView* counterpart = &theirs[i];
      const std::string_view id = ours[i].member("id").text();
      for (const JsonView& candidate : theirs)
        if (!id.empty() && candidate.member("id").text() == id)
          counterpart = &candidate;
      compare(path + "[]", ours[i], *counterpart);
    }
  }
  void note(const std::string& path, Kept how) {
    if (found_.size() < fields_at_most)
      found_.emplace(path, how);
  }

  FieldsNotKept& found_;
};

std::string names(const FieldsNotKept& fields, Kept how) {
  std::string text;
  std::size_t named = 0;
  for (const auto& [path, kept] : fields)
    if (kept == how && named++ < fields_named)
      text += (text.empty() ? "" : ", ") + path;
  return named > fields_named ? text + " and others" : text;
}

} // namespace

FieldsNotKept fields_not_kept(const JsonView& sent, const JsonView& stored) {
  FieldsNotKept found;
  Comparison(found).compare("", sent, stored);
  return found;
}

std::string not_kept_text(const FieldsNotKept& fields, const std::string& definition) {
  std::string text;
  if (const auto dropped = names(fields, Kept::dropped); !dropped.empty())
    text = "the API server does not keep " + dropped +
           (definition.empty()
                ? ": a mutating webhook or policy of the cluster takes it away"
                : ": probably an older definition " + definition +
                      " (Helm does not upgrade definitions): kubectl apply -f deploy/chart/runtime-agent/crds");
  if (const auto changed = names(fields, Kept::changed); !changed.empty())
    text += (text.empty() ? "" : "; ") + ("the API server changes " + changed) +
            " as it is written: a mutating webhook or policy of the cluster";
  return text;
}

std::string other_manager(const JsonView& object) {
  std::string manager, latest;
  object.member("metadata").member("managedFields").for_each_element([&](const JsonView& entry) {
    const std::string_view name = entry.member("manager").text(), time = entry.member("time").text();
    if (name.empty() || name == own_manager || time < latest)
      return;
    manager = name;
    latest = time;
  });
  return std::string(utf8_prefix(manager, longest_manager));
}

std::string other_manager_of(Api& api, const Resource& resource, const std::string& name, const CallContext& context) {
  std::string manager;
  if (auto* whole = dynamic_cast<WholeObjects*>(&api)) {
    const auto seen = whole->look_at_whole(
        resource, name, [&](const JsonView& object) { manager = other_manager(object); }, context);
    if (!seen)
      manager.clear();
  }
  return manager;
}

} // namespace runtime_agent::kubernetes
