#include "transport/compass/client_cache.hpp"

#include <gtest/gtest.h>

namespace runtime_agent::compass {
namespace {

class SilentClient : public http::Client {
public:
  Result<http::Response> send(const http::Request&, const CallContext&) override { return failed({}); }
  Result<http::Response> stream(const http::Request&, const CallContext&, std::chrono::steady_clock::duration,
                                const http::DataReceiver&) override {
    return failed({});
  }
  void drop_idle_connections() override {}
};

class ClientCacheTest : public testing::Test {
protected:
  ClientCacheTest() {
    settings_.make_http = [this](const http::ClientOptions&) {
      ++made_;
      return std::make_shared<SilentClient>();
    };
    cache_.emplace(settings_, "connector");
  }
  static x509::IdentityPtr identity() { return std::make_shared<const x509::Identity>(); }
  void use(const x509::IdentityPtr& identity) { ASSERT_TRUE(cache_->endpoint("https://compass", identity, "test")); }

  ClientSettings settings_;
  int made_ = 0;
  std::optional<ClientCache> cache_;
};

TEST_F(ClientCacheTest, KeepsTheClientOfTheOldCertificateWhileTheNewOneIsTried) {
  const auto old = identity(), fresh = identity();
  use(old);
  use(fresh);
  use(old);
  EXPECT_EQ(made_, 2);
}

TEST_F(ClientCacheTest, LetsGoOfAKeyThatHasBeenReplaced) {
  auto old = identity();
  const std::weak_ptr<const x509::Identity> retired = old;
  use(std::exchange(old, nullptr));
  const auto fresh = identity();
  use(fresh);
  EXPECT_FALSE(retired.expired());
  use(fresh);
  EXPECT_TRUE(retired.expired());
}

TEST_F(ClientCacheTest, KeepsTheClientWithoutACertificate) {
  const auto present = identity();
  use(nullptr);
  use(present);
  use(present);
  use(nullptr);
  EXPECT_EQ(made_, 2);
}

} // namespace
} // namespace runtime_agent::compass
