#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/refusal.hpp"

namespace runtime_agent::sandbox::kube {

struct Stored;

/// "app=x,tier!=y,zone in (a,b),!gone"
class LabelSelector {
public:
  static Answer<LabelSelector> parse(const std::string& text);
  bool matches(const std::map<std::string, std::string>& labels) const;
  bool empty() const { return requirements_.empty(); }

private:
  struct Requirement {
    std::string key;
    enum class Operator { in, not_in, exists, absent } op;
    std::vector<std::string> values;
  };
  std::vector<Requirement> requirements_;
};

/// "metadata.name=x,metadata.namespace!=y"; Events and Secrets have a few fields more.
class FieldSelector {
public:
  static Answer<FieldSelector> parse(const std::string& text, const ResourceType& type);
  bool matches(const Stored& object) const;
  bool empty() const { return requirements_.empty(); }

private:
  struct Requirement {
    std::string field;
    std::string value;
    bool equal;
  };
  std::vector<Requirement> requirements_;
};

/// Both of a list's or watch's selectors.
struct Selection {
  LabelSelector labels;
  FieldSelector fields;
  bool empty() const { return labels.empty() && fields.empty(); }
  bool matches(const Stored& object) const;
};

} // namespace runtime_agent::sandbox::kube
