#include "tests/sandbox/kubernetes/yaml.hpp"

#include <stdexcept>

#include <yaml-cpp/yaml.h>

namespace runtime_agent::sandbox::kube {
namespace {

using Json = nlohmann::json;

/// A scalar without quotes may be null, a boolean or a number; yaml-cpp marks quoted ones by the tag "!".
Json scalar(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() == "!")
    return text;
  if (text == "true" || text == "false")
    return text == "true";
  if (text == "null" || text == "~" || text.empty())
    return nullptr;
  if (auto number = Json::parse(text, nullptr, false); number.is_number())
    return number;
  return text;
}

Json convert(const YAML::Node& node) {
  if (node.IsMap()) {
    auto object = Json::object();
    for (const auto& field : node)
      object[field.first.Scalar()] = convert(field.second);
    return object;
  }
  if (node.IsSequence()) {
    auto list = Json::array();
    for (const auto& entry : node)
      list.push_back(convert(entry));
    return list;
  }
  return node.IsScalar() ? scalar(node) : Json(nullptr);
}

} // namespace

Json json_of_yaml(const std::string& yaml) {
  try {
    return convert(YAML::Load(yaml));
  } catch (const YAML::Exception& error) {
    throw std::invalid_argument(std::string("not YAML: ") + error.what());
  }
}

} // namespace runtime_agent::sandbox::kube
