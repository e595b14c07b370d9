#include "tests/sandbox/kubernetes/api_request.hpp"

#include <algorithm>

namespace runtime_agent::sandbox::kube {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

template <class Use>
void for_each_part(std::string_view text, char separator, Use use) {
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end > 0)
      use(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string verb_of(const ApiRequest& request) {
  const bool one = !request.name.empty();
  if (request.method == "GET")
    return request.truthy("watch") ? "watch" : one ? "get" : "list";
  if (request.method == "POST")
    return "create";
  if (request.method == "PUT")
    return "update";
  if (request.method == "PATCH")
    return "patch";
  return one ? "delete" : "deletecollection";
}

/// /namespaces/NS/RESOURCE/NAME/SUBRESOURCE, of which /namespaces/NS alone is the Namespace itself.
void read_resource(ApiRequest& request, std::vector<std::string> rest) {
  if (rest.size() >= 3 && rest[0] == "namespaces" && rest[2] != "status" && rest[2] != "finalize") {
    request.namespace_ = rest[1];
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  request.of_resource = true;
  request.plural = rest[0];
  request.name = rest.size() > 1 ? rest[1] : "";
  request.subresource = rest.size() > 2 ? rest[2] : "";
  request.verb = verb_of(request);
}

} // namespace

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' && plus_is_space ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string ApiRequest::parameter(const std::string& wanted) const {
  const auto found = query.find(wanted);
  return found == query.end() ? std::string() : found->second;
}

bool ApiRequest::truthy(const std::string& wanted) const {
  const auto value = parameter(wanted);
  return value == "true" || value == "1" || value == "True" || value == "t";
}

Attributes ApiRequest::attributes() const {
  if (!of_resource)
    return {verb, "", path, "", ""};
  return {verb, group, subresource.empty() ? plural : plural + "/" + subresource, namespace_, name};
}

ApiRequest parse_request(std::string method, const std::string& target) {
  ApiRequest request;
  request.method = std::move(method);
  const auto question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  for_each_part(request.path, '/',
                [&](std::string_view part) { request.segments.push_back(percent_decoded(part, false)); });
  for_each_part(std::string_view(target).substr(std::min(question + 1, target.size())), '&',
                [&](std::string_view part) {
                  const auto equal = std::min(part.find('='), part.size());
                  request.query.emplace(percent_decoded(part.substr(0, equal), true),
                                        percent_decoded(part.substr(std::min(equal + 1, part.size())), true));
                });
  const auto& at = request.segments;
  if (at.size() >= 3 && at[0] == "api" && at[1] == "v1") {
    request.version = at[1];
    read_resource(request, {at.begin() + 2, at.end()});
  } else if (at.size() >= 4 && at[0] == "apis") {
    request.group = at[1];
    request.version = at[2];
    read_resource(request, {at.begin() + 3, at.end()});
  } else {
    request.verb = request.method;
    std::transform(request.verb.begin(), request.verb.end(), request.verb.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  }
  return request;
}

} // namespace runtime_agent::sandbox::kube
