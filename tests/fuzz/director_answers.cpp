#include <string>

#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/graphql/fake_http_client.hpp"
#include "transport/compass/make_clients.hpp"

/// Whatever the Director answers, a fetch ends: with data or with a Failure that says what is wrong.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace runtime_agent;
  const std::string answer(fuzz::text_of(data, size));
  int requests = 0;
  compass::ClientSettings settings;
  settings.make_http = [&](http::ClientOptions) {
    return std::make_shared<http::test::FakeClient>(
        [&](const http::Request&, const CallContext&) -> Result<http::Response> {
          fuzz::require(++requests < 10'000);
          return http::Response{200, {}, answer};
        });
  };
  const auto fetched = compass::make_director_client(std::move(settings))
                           ->fetch({"https://compass.example/director/graphql", "tenant", "runtime", nullptr}, {});
  if (!fetched)
    fuzz::require(!fetched.error().what.empty());
  return 0;
}
