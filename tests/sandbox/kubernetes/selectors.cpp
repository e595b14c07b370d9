#include "tests/sandbox/kubernetes/selectors.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tests/sandbox/kubernetes/resource_type.hpp"
#include "tests/sandbox/kubernetes/store.hpp"

namespace runtime_agent::sandbox::kube {
namespace {

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

/// Splits at commas outside of parentheses.
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  for (char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && depth == 0) {
      parts.push_back(trimmed(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!trimmed(part).empty() || !parts.empty())
    parts.push_back(trimmed(part));
  return parts;
}

bool is_token(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || std::strchr("-_./", c); });
}

} // namespace

Answer<LabelSelector> LabelSelector::parse(const std::string& text) {
  using Operator = Requirement::Operator;
  LabelSelector selector;
  for (const auto& part : split(text)) {
    Requirement requirement{"", Operator::exists, {}};
    if (const auto set = part.find('('); set != std::string::npos && part.back() == ')') {
      auto head = trimmed(std::string_view(part).substr(0, set));
      const auto space = head.find_last_of(' ');
      const auto word = space == std::string::npos ? std::string() : head.substr(space + 1);
      if (word != "in" && word != "notin")
        return bad_request(
            fmt::format("unable to parse requirement: found '{}', expected: in, notin, =, ==, !=, gt, lt", word));
      requirement.op = word == "in" ? Operator::in : Operator::not_in;
      requirement.key = trimmed(std::string_view(head).substr(0, space));
      requirement.values = split(part.substr(set + 1, part.size() - set - 2));
    } else if (const auto equal = part.find('='); equal != std::string::npos) {
      const bool negated = equal > 0 && part[equal - 1] == '!';
      requirement.op = negated ? Operator::not_in : Operator::in;
      requirement.key = trimmed(std::string_view(part).substr(0, negated ? equal - 1 : equal));
      const bool twice = equal + 1 < part.size() && part[equal + 1] == '=';
      requirement.values = {trimmed(std::string_view(part).substr(equal + (twice ? 2 : 1)))};
    } else {
      const bool absent = !part.empty() && part.front() == '!';
      requirement.op = absent ? Operator::absent : Operator::exists;
      requirement.key = trimmed(std::string_view(part).substr(absent ? 1 : 0));
    }
    if (requirement.key.empty() || !is_token(requirement.key))
      return bad_request(fmt::format(
          "unable to parse requirement: found '{}', expected: !, identifier, or 'end of string'", requirement.key));
    for (const auto& value : requirement.values)
      if (!is_token(value))
        return bad_request(
            fmt::format("unable to parse requirement: found '{}', expected: identifier", value.substr(0, 1)));
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

bool LabelSelector::matches(const std::map<std::string, std::string>& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
    const auto found = labels.find(requirement.key);
    const bool there = found != labels.end();
    const bool listed = there && std::find(requirement.values.begin(), requirement.values.end(), found->second) !=
                                     requirement.values.end();
    switch (requirement.op) {
    case Requirement::Operator::in:
      return listed;
    case Requirement::Operator::not_in:
      return !listed;
    case Requirement::Operator::exists:
      return there;
    case Requirement::Operator::absent:
      return !there;
    }
    return false;
  });
}

Answer<FieldSelector> FieldSelector::parse(const std::string& text, const ResourceType& type) {
  FieldSelector selector;
  for (const auto& part : split(text)) {
    const auto equal = part.find('=');
    if (equal == std::string::npos)
      return bad_request(fmt::format("invalid selector: '{}'; can't understand '{}'", text, part));
    const bool negated = equal > 0 && part[equal - 1] == '!';
    const bool twice = equal + 1 < part.size() && part[equal + 1] == '=';
    Requirement requirement{part.substr(0, negated ? equal - 1 : equal), part.substr(equal + (twice ? 2 : 1)),
                            !negated};
    const bool common =
        requirement.field == "metadata.name" || (requirement.field == "metadata.namespace" && type.namespaced);
    const bool special = type.kind == "Event" || (type.kind == "Secret" && requirement.field == "type") ||
                         (type.kind == "Namespace" && requirement.field == "status.phase");
    if (!common && !special)
      return bad_request(fmt::format("field label not supported: {}", requirement.field));
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

bool FieldSelector::matches(const Stored& object) const {
  Json parsed;
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
    std::string value;
    if (requirement.field == "metadata.name") {
      value = object.name;
    } else if (requirement.field == "metadata.namespace") {
      value = object.namespace_;
    } else {
      if (parsed.is_null())
        parsed = Json::parse(object.body);
      auto path = "/" + requirement.field;
      std::replace(path.begin(), path.end(), '.', '/');
      const auto found = parsed.value(Json::json_pointer(path), Json(""));
      value = found.is_string() ? found.get<std::string>() : found.dump();
    }
    return (value == requirement.value) == requirement.equal;
  });
}

bool Selection::matches(const Stored& object) const {
  return labels.matches(object.labels) && fields.matches(object);
}

} // namespace runtime_agent::sandbox::kube
