#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/support/certificates.hpp"
#include "transport/compass/clients.hpp"

namespace runtime_agent::tests {

/// A Connector that spends tokens before it answers, as Compass does, and signs with a CA of its own.
class FakeConnector : public compass::ConnectorClient {
public:
  struct Request {
    std::string what; ///< "exchange" "sign" with a token; "check" "renew" with a certificate
    std::string url;
    std::string credential; ///< the token, or the certificate's serial
    std::string request_id;
  };
  using Hook = std::function<std::optional<Failure>(const Request&)>;

  explicit FakeConnector(std::function<WallTime()> clock) : clock_(std::move(clock)) {}

  std::set<std::string> tokens;  ///< one-time tokens that are still good
  std::set<std::string> revoked; ///< serials
  std::chrono::seconds validity{90 * 24 * 3600};
  std::chrono::seconds clock_ahead{0}; ///< of the Connector's clock
  std::string subject = "O=Org,OU=Region\\, One,CN=runtime";
  std::string key_algorithm = "rsa4096";
  compass::ManagementPlaneInfo management{"https://director/graphql", "https://connector/secured"};
  bool sign_another_key = false;
  bool keeps_connections = false; ///< a certificate that was good in the handshake is good while the connection lasts
  Hook refuse;                    ///< instead of processing
  Hook lose;                      ///< after processing, instead of the answer
  std::vector<Request> requests;
  test::CertificateAuthority authority{"Compass CA"};

  std::size_t count(const std::string& what) const {
    std::size_t number = 0;
    for (const auto& request : requests)
      number += request.what == what;
    return number;
  }

  Result<compass::ConnectorConfiguration> configuration(const std::string& url, const Secret& token,
                                                        const CallContext& context) override {
    return process<compass::ConnectorConfiguration>({"exchange", url, token.reveal(), context.request_id},
                                                    [&]() -> Result<compass::ConnectorConfiguration> {
                                                      if (tokens.erase(token.reveal()) == 0)
                                                        return failed(unauthorized("Connector, configuration"));
                                                      auto answer = configuration_data();
                                                      answer.token = Secret("second-" + std::to_string(++second_));
                                                      second_tokens_[answer.token.reveal()] = clock_();
                                                      return answer;
                                                    });
  }
  Result<compass::SignedCertificate> sign(const std::string& url, const Secret& token, const std::string& csr,
                                          const CallContext& context) override {
    return process<compass::SignedCertificate>(
        {"sign", url, token.reveal(), context.request_id}, [&]() -> Result<compass::SignedCertificate> {
          const auto issued = second_tokens_.extract(token.reveal());
          if (!issued || clock_() - issued.mapped() >= std::chrono::minutes(5))
            return failed(unauthorized("Connector, signCertificateSigningRequest"));
          return signed_certificate(csr);
        });
  }
  Result<compass::ConnectorConfiguration> configuration(const std::string& url, const x509::IdentityPtr& identity,
                                                        const CallContext& context) override {
    return process<compass::ConnectorConfiguration>({"check", url, identity->serial, context.request_id},
                                                    [&]() -> Result<compass::ConnectorConfiguration> {
                                                      if (!good(*identity) && !admitted_.contains(identity->serial))
                                                        return failed(refused_certificate());
                                                      if (keeps_connections)
                                                        admitted_.insert(identity->serial);
                                                      return configuration_data();
                                                    });
  }
  Result<compass::SignedCertificate> sign(const std::string& url, const x509::IdentityPtr& identity,
                                          const std::string& csr, const CallContext& context) override {
    return process<compass::SignedCertificate>({"renew", url, identity->serial, context.request_id},
                                               [&]() -> Result<compass::SignedCertificate> {
                                                 if (!good(*identity))
                                                   return failed(refused_certificate());
                                                 return signed_certificate(csr);
                                               });
  }
  void drop_idle_connections() override { admitted_.clear(); }

  static Failure failure(FailureKind kind, int status = 0) {
    Failure failure;
    failure.kind = kind;
    failure.where = "Connector";
    failure.what = std::string(to_string(kind));
    failure.http_status = status;
    return failure;
  }

private:
  template <class T>
  Result<T> process(const Request& request, const std::function<Result<T>()>& what) {
    requests.push_back(request);
    if (refuse)
      if (auto refusal = refuse(request))
        return failed(std::move(*refusal));
    auto result = what();
    if (lose)
      if (auto loss = lose(request))
        return failed(std::move(*loss));
    return result;
  }
  static Failure unauthorized(const std::string& where) {
    Failure failure = FakeConnector::failure(FailureKind::unauthorized, 200);
    failure.where = where;
    failure.what = "Unauthorized [reason=token]";
    return failure;
  }
  static Failure refused_certificate() { return failure(FailureKind::certificate_refused); }
  bool good(const x509::Identity& identity) const {
    return !revoked.contains(identity.serial) && identity.validity.not_after > clock_() + clock_ahead;
  }
  compass::ConnectorConfiguration configuration_data() const {
    compass::ConnectorConfiguration data;
    data.signing = {subject, key_algorithm};
    data.management = management;
    return data;
  }
  Result<compass::SignedCertificate> signed_certificate(const std::string& csr) {
    const auto begins = clock_() + clock_ahead;
    const test::CertificateSpec spec{begins, begins + validity, false};
    const std::string client =
        sign_another_key ? authority.issue_pem(*test::make_rsa_key(), spec) : authority.sign_pem(csr, spec);
    if (client.empty())
      return failed(failure(FailureKind::refused, 200));
    return compass::SignedCertificate{client + authority.pem(), authority.pem(), client};
  }

  std::function<WallTime()> clock_;
  std::map<std::string, WallTime> second_tokens_;
  std::set<std::string> admitted_; ///< serials of the connections that are open
  int second_ = 0;
};

} // namespace runtime_agent::tests
