#include "actors/connection_manager/connection_machine.hpp"

#include <gtest/gtest.h>

/// Single steps; tests/unit/connection_model takes all of them.
namespace runtime_agent::connection_manager {
namespace {

using namespace std::chrono_literals;

class MachineTest : public testing::Test {
protected:
  Action take(Event event) { return advance(state, std::move(event), moment, policy).action; }
  static ConfigurationObserved configured() {
    auto configuration = std::make_shared<ConnectionConfiguration>();
    configuration->connector_url = "https://connector/token";
    configuration->token = Secret("token-1");
    configuration->token_sha256 = "digest";
    return {configuration, std::nullopt};
  }

  Policy policy;
  ConnectionState state{policy};
  Moment moment{Time(1'000h), WallTime(500'000h), 0.5};
};

TEST_F(MachineTest, MakesTheKeyWhileTheConfigurationIsWaitedForAndStoresItWithIt) {
  EXPECT_EQ(take(TimePassed{}), Action::read_record);
  EXPECT_EQ(take(RecordRead{Record{}}), Action::make_key);
  EXPECT_EQ(take(KeyMade{Secret("key")}), Action::wait) << "nothing is written before it is needed";
  EXPECT_EQ(take(configured()), Action::write_pending);
}

TEST_F(MachineTest, BeginsNothingWhileAnActionIsUnderWay) {
  EXPECT_EQ(take(TimePassed{}), Action::read_record);
  EXPECT_EQ(take(configured()), Action::wait);
  EXPECT_EQ(take(TimePassed{}), Action::wait);
}

TEST_F(MachineTest, ReadsTheRecordAgainBeforeItSpendsATokenThatCameLater) {
  take(TimePassed{});
  take(RecordRead{Record{}});
  take(KeyMade{Secret("key")});
  moment.now += 1min;
  take(configured());
  EXPECT_EQ(take(PendingWritten{"7"}), Action::read_record);
  Record record;
  record.pending_version = "7";
  EXPECT_EQ(take(RecordRead{record}), Action::exchange_token);
}

TEST_F(MachineTest, LooksForACertificateOnRecordWhileThereIsNoConfiguration) {
  take(TimePassed{});
  take(RecordRead{Record{}});
  take(KeyMade{Secret("key")});
  moment.now += 4min;
  EXPECT_EQ(take(TimePassed{}), Action::wait);
  moment.now += 1min;
  EXPECT_EQ(take(TimePassed{}), Action::read_record);
}

x509::IdentityPtr identity_at(WallTime time) {
  x509::Identity identity;
  identity.certificate_pem = identity.chain_pem = identity.serial = "certificate";
  identity.ca_pem = "ca";
  identity.key_pem = Secret("key");
  identity.validity = {time, time + 100h};
  return std::make_shared<const x509::Identity>(std::move(identity));
}

TEST_F(MachineTest, DoesNotSayThatTheCaCannotBeStoredOnceItIsFoundThere) {
  const auto identity = identity_at(moment.wall);
  Record record;
  record.certificates_version = "1";
  record.credentials = Credentials{identity, {"runtime", "tenant", "https://connector", "https://director"}, ""};
  take(TimePassed{});
  ASSERT_EQ(take(RecordRead{record}), Action::write_ca);
  take(CaWritten{identity->ca_pem, failed(Failure{.kind = FailureKind::unavailable})}); // carried out all the same
  EXPECT_TRUE(state.storing_ca);
  moment.now += 1min;
  while (state.under_way != Action::write_ca) // whatever else is due
    state.under_way = Action::wait, take(TimePassed{});
  EXPECT_EQ(take(CaWritten{identity->ca_pem, failed(Failure{.kind = FailureKind::conflict})}), Action::read_record);
  record.ca_version = "2";
  record.ca_pem = identity->ca_pem;
  take(RecordRead{record});
  EXPECT_FALSE(state.storing_ca);
}

TEST_F(MachineTest, DoesNotSayThatThePairCannotBeStoredOnceAWatchShowsItThere) {
  const auto identity = identity_at(moment.wall);
  Record record;
  record.certificates_version = "1";
  record.credentials = Credentials{identity, {"runtime", "tenant", "https://connector", "https://director"}, ""};
  record.ca_version = "2";
  record.ca_pem = identity->ca_pem;
  take(TimePassed{});
  take(RecordRead{record});
  const auto until = [&](Action action) { // whatever else is due
    for (int i = 0; i < 20 && state.under_way != action; ++i) {
      state.under_way = Action::wait;
      moment.now += 10s;
      take(TimePassed{});
    }
    ASSERT_EQ(state.under_way, action);
  };
  take(SecretsSeen{.certificates_version = ""}); // deleted
  until(Action::verify_record);
  Record without = record;
  without.certificates_version.clear();
  without.credentials.reset();
  take(RecordVerified{without});
  until(Action::write_certificates);
  take(CertificatesWritten{*record.credentials, failed(Failure{.kind = FailureKind::timeout})}); // and comes late
  EXPECT_TRUE(state.storing);
  take(SecretsSeen{.certificates_version = "7"});
  until(Action::verify_record);
  record.certificates_version = "7";
  take(RecordVerified{record});
  EXPECT_FALSE(state.storing);
}

/// Of a process that stopped while the wish "uid-7" was being served by this certificate.
Pending issued(const x509::IdentityPtr& identity) {
  Pending pending;
  pending.step = Step::issued;
  pending.identity = identity;
  pending.key_pem = Secret("key");
  pending.access = {"runtime", "tenant", "https://connector", "https://director"};
  pending.reconnect_id = "uid-7";
  return pending;
}

TEST_F(MachineTest, DoesNotWantAReconnectThatTheCertificateInUseWasMadeFor) {
  const auto identity = identity_at(moment.wall);
  Record record;
  record.certificates_version = "1";
  record.ca_version = "2";
  record.ca_pem = identity->ca_pem;
  record.pending_version = "3";
  record.pending = issued(identity);
  // Stored by a process that had not heard of the wish, and whose write was late.
  record.credentials = Credentials{identity, record.pending->access, "process-2"};
  take(TimePassed{});
  EXPECT_EQ(take(RecordRead{record}), Action::write_certificates) << "what it has served";
  EXPECT_EQ(state.reconnect_wanted, "");
  EXPECT_EQ(state.current->reconnect_served, "uid-7");
  take(ReconnectRequested{"uid-7"});
  EXPECT_EQ(state.reconnect_wanted, "") << "told again, it is not wanted again";
}

class VerificationTest : public MachineTest {
protected:
  void SetUp() override {
    take(TimePassed{});
    Record record;
    record.certificates_version = "5";
    take(RecordRead{record});
    take(KeyMade{Secret("key")});
  }
};

TEST_F(VerificationTest, FollowsAVersionThatIsNotOnRecord) {
  EXPECT_EQ(take(SecretsSeen{.certificates_version = "5"}), Action::wait);
  EXPECT_EQ(take(SecretsSeen{.ca_version = ""}), Action::wait) << "absent, as it was";
  EXPECT_EQ(take(SecretsSeen{.certificates_version = ""}), Action::verify_record);
}

TEST_F(VerificationTest, IsNotCausedByAnOwnWriteThatIsSeenBeforeItsAnswer) {
  take(configured());
  EXPECT_EQ(state.under_way, Action::write_pending);
  take(SecretsSeen{.ca_version = "8"});
  state.under_way = Action::write_ca;
  EXPECT_NE(take(CaWritten{"ca", "8"}), Action::verify_record);
}

TEST_F(VerificationTest, ComesByItselfEachTenMinutes) {
  state.configuration = configured().configuration; // otherwise the whole record is read more often
  state.pairing_lane.failed_for_long(moment, Failure{});
  moment.now += 9min;
  state.pairing_lane.failed_for_long(moment, Failure{});
  EXPECT_NE(take(TimePassed{}), Action::verify_record);
  state.under_way = Action::wait;
  moment.now += 2min;
  EXPECT_EQ(take(TimePassed{}), Action::verify_record);
  EXPECT_NE(take(RecordVerified{failed(Failure{})}), Action::verify_record) << "a failure is no reason to hurry";
}

} // namespace
} // namespace runtime_agent::connection_manager
