#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/unit/graphql/fake_http_client.hpp"
#include "transport/compass/make_clients.hpp"

namespace runtime_agent::compass::test {

using nlohmann::json;

/// One request as the fake understood it.
struct Asked {
  std::string operation;
  json variables;
  http::Request request;
};

/// A Director that pages lists of any length, and may be made to answer wrongly.
class FakeDirector {
public:
  json labels = json::object();
  json applications = json::array(); ///< nested lists are plain arrays
  /// Called with every answer before it is sent; `number` counts from 1.
  std::function<void(int number, const Asked&, json& answer)> spoil;
  std::vector<Asked> asked;
  std::vector<http::ClientOptions> made; ///< of the HTTP clients

  ClientSettings settings() {
    ClientSettings settings;
    settings.make_http = [this](http::ClientOptions options) {
      made.push_back(std::move(options));
      clients.push_back(std::make_shared<http::test::FakeClient>(
          [this](const http::Request& request, const CallContext&) { return answer(request); }));
      return clients.back();
    };
    return settings;
  }
  std::vector<std::shared_ptr<http::test::FakeClient>> clients;

  int count(const std::string& operation) const {
    return static_cast<int>(
        std::count_if(asked.begin(), asked.end(), [&](const Asked& a) { return a.operation == operation; }));
  }

private:
  Result<http::Response> answer(const http::Request& request) {
    const auto body = json::parse(request.body);
    asked.push_back({body["operationName"], body["variables"], request});
    json answer{{"data", data(asked.back())}};
    if (spoil)
      spoil(static_cast<int>(asked.size()), asked.back(), answer);
    auto text = answer.dump();
    if (text.size() > request.max_response_bytes)
      return failed({.kind = FailureKind::too_large, .what = "too large"});
    return http::Response{200, {}, std::move(text)};
  }

  json data(const Asked& call) {
    const auto& v = call.variables;
    if (call.operation == "runtime")
      return {{"runtime", {{"labels", labels}}}};
    if (call.operation == "setRuntimeLabel")
      return {{"setRuntimeLabel", {{"key", v["key"]}}}};
    if (call.operation == "applicationsForRuntime")
      return {{"applicationsForRuntime", with_pages(applications, v)}};
    const auto& application = find(applications, v["application"]);
    if (call.operation == "bundlesOfApplication")
      return {{"application", {{"bundles", with_pages(application["bundles"], v)}}}};
    const auto& bundle = find(application["bundles"], v["bundle"]);
    const std::string list = call.operation == "apiDefinitionsOfBundle" ? "apiDefinitions" : "eventDefinitions";
    return {{"application", {{"bundle", {{list, with_pages(bundle[list], v)}}}}}};
  }

  static const json& find(const json& items, const json& id) {
    return *std::find_if(items.begin(), items.end(), [&](const json& item) { return item["id"] == id; });
  }

  /// A page of `items` from the cursor on, and the first pages of what is nested in each.
  static json with_pages(const json& items, const json& variables) {
    auto result = page(items, variables.contains("after") ? variables["after"].get<std::string>() : "",
                       variables["first"].get<std::size_t>());
    for (auto& item : result["data"])
      for (const char* list : {"bundles", "apiDefinitions", "eventDefinitions"})
        if (item.contains(list) && item[list].is_array())
          item[list] = with_pages(item[list], {{"first", variables["nested"]}, {"nested", variables["nested"]}});
    return result;
  }

  static json page(const json& items, const std::string& after, std::size_t first) {
    const std::size_t begin = after.empty() ? 0 : std::stoul(after.substr(6)); // "after:17"
    const auto end = std::min(items.size(), begin + first);
    json data = json::array();
    for (auto i = begin; i < end; ++i)
      data.push_back(items[i]);
    return {{"data", std::move(data)},
            {"pageInfo", {{"endCursor", "after:" + std::to_string(end)}, {"hasNextPage", end < items.size()}}},
            {"totalCount", items.size()}};
  }
};

inline json definition(const std::string& id) {
  return {{"id", id}, {"name", id}, {"targetURL", "https://backend.example/" + id}};
}

inline json definitions(const std::string& prefix, int count) {
  json list = json::array();
  for (int i = 0; i < count; ++i)
    list.push_back(definition(prefix + std::to_string(i)));
  return list;
}

inline json bundle(const std::string& id, int apis = 0, int events = 0) {
  return {{"id", id},
          {"name", "bundle " + id},
          {"apiDefinitions", definitions(id + "-api-", apis)},
          {"eventDefinitions", definitions(id + "-event-", events)}};
}

inline json application(const std::string& id, int bundles = 0) {
  json list = json::array();
  for (int i = 0; i < bundles; ++i)
    list.push_back(bundle(id + "-bundle-" + std::to_string(i)));
  return {{"id", id}, {"name", "application " + id}, {"auths", json::array()}, {"bundles", std::move(list)}};
}

inline json applications(int count) {
  json list = json::array();
  for (int i = 0; i < count; ++i)
    list.push_back(application("app-" + std::to_string(i)));
  return list;
}

inline const DirectorAccess access{"https://compass.example/director/graphql", "tenant", "runtime-1", nullptr};

inline Result<RuntimeDataPtr> fetch_with(ClientSettings settings) {
  CallContext context;
  context.request_id = "runtime-1_uuid";
  return make_director_client(std::move(settings))->fetch(access, context);
}
inline Result<RuntimeDataPtr> fetch(FakeDirector& director) {
  return fetch_with(director.settings());
}

inline Failure failure_of(FakeDirector& director) {
  const auto data = fetch(director);
  return data ? Failure{.kind = FailureKind::internal, .what = "it succeeded"} : data.error();
}

} // namespace runtime_agent::compass::test
