#include <memory>
#include <string>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "actors/application_reconciler/desired_objects.hpp"
#include "transport/compass/make_clients.hpp"

/// From the Director's bytes to what the cluster has to hold.
namespace runtime_agent {
namespace {

std::string definition(int application, int number) {
  return fmt::format(R"({{"id":"{0:08x}-0000-4000-8000-{1:012x}","name":"Definition {1}","description":"{2}",)"
                     R"("targetURL":"https://backend-{0}.example.com/api/{1}","group":null,"version":null}})",
                     application, number, std::string(400, 'd'));
}

std::string application(int number) {
  std::string definitions;
  for (int i = 0; i < 4; ++i)
    definitions += (i > 0 ? "," : "") + definition(number, i);
  constexpr auto page =
      R"({{"data":[{}],"pageInfo":{{"startCursor":"a","endCursor":"b","hasNextPage":false}},"totalCount":{}}})";
  const std::string bundle = fmt::format(
      R"({{"id":"{0:08x}-0000-4000-8000-00000000000b","name":"Bundle {0}","description":"a bundle",)"
      R"("instanceAuthRequestInputSchema":null,"defaultInstanceAuth":{{"credential":{{"__typename":"BasicCredentialData",)"
      R"("username":"user","password":"password"}},"additionalHeaders":null,"additionalQueryParams":null,"requestAuth":null}},)"
      R"("apiDefinitions":{1},"eventDefinitions":{2}}})",
      number, fmt::format(page, definitions, 4), fmt::format(page, "", 0));
  return fmt::format(R"({{"id":"{0:08x}-0000-4000-8000-000000000000","name":"Application {0}","providerName":null,)"
                     R"("description":"an application","labels":{{}},"auths":[{{"id":"auth-{0}"}}],"bundles":{1}}})",
                     number, fmt::format(page, bundle, 1));
}

/// Answers every query with one page, as long as it is asked for.
class OnePage : public http::Client {
public:
  explicit OnePage(int applications) {
    std::string list;
    for (int i = 0; i < applications; ++i)
      list += (i > 0 ? "," : "") + application(i);
    page_ = fmt::format(
        R"({{"data":{{"applicationsForRuntime":{{"data":[{}],"pageInfo":{{"startCursor":"a","endCursor":"b",)"
        R"("hasNextPage":false}},"totalCount":{}}},"runtime":{{"labels":{{"isNormalized":"true"}}}}}}}})",
        list, applications);
  }
  Result<http::Response> send(const http::Request&, const CallContext&) override {
    return http::Response{200, {{"Content-Type", "application/json"}}, page_};
  }
  Result<http::Response> stream(const http::Request& request, const CallContext& context,
                                std::chrono::steady_clock::duration, const http::DataReceiver&) override {
    return send(request, context);
  }
  void drop_idle_connections() override {}
  std::size_t bytes() const { return page_.size(); }

private:
  std::string page_;
};

compass::RuntimeDataPtr fetch(const std::shared_ptr<OnePage>& server, benchmark::State& state) {
  compass::ClientSettings settings;
  settings.page_size = 200;
  settings.make_http = [server](http::ClientOptions) { return server; };
  const auto director = compass::make_director_client(std::move(settings));
  const compass::DirectorAccess access{"https://director.example.com/graphql", "tenant", "runtime",
                                       std::make_shared<x509::Identity>()};
  auto data = director->fetch(access, CallContext{});
  if (!data) {
    state.SkipWithError(data.error().text().c_str());
    return nullptr;
  }
  return *data;
}

application_reconciler::MappingSettings mapping() {
  application_reconciler::MappingSettings settings;
  settings.central_gateway_url = "http://gateway";
  return settings;
}

/// About 5 MB, from the bytes to the digests of all that the cluster has to hold.
void parse_and_map_a_page(benchmark::State& state) {
  const auto server = std::make_shared<OnePage>(1650);
  for (auto _ : state) {
    const auto data = fetch(server, state);
    if (!data)
      return;
    benchmark::DoNotOptimize(application_reconciler::desired_objects(data, mapping()));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(server->bytes()) * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(parse_and_map_a_page)->Unit(benchmark::kMillisecond);

void fetch_a_page(benchmark::State& state) {
  const auto server = std::make_shared<OnePage>(static_cast<int>(state.range(0)));
  for (auto _ : state)
    if (!fetch(server, state))
      return;
  state.SetBytesProcessed(static_cast<std::int64_t>(server->bytes()) * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(fetch_a_page)->Arg(200)->Arg(2000)->Unit(benchmark::kMillisecond);

void map_to_desired_objects(benchmark::State& state) {
  const auto data = fetch(std::make_shared<OnePage>(static_cast<int>(state.range(0))), state);
  for (auto _ : state)
    benchmark::DoNotOptimize(application_reconciler::desired_objects(data, mapping()));
  state.SetItemsProcessed(state.range(0) * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(map_to_desired_objects)->Arg(1000)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace runtime_agent
