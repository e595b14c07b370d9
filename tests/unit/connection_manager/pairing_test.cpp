#include "actors/connection_manager/pairing.hpp"

#include <gtest/gtest.h>

namespace runtime_agent::connection_manager {
namespace {

using namespace std::chrono_literals;

const Time now = Time(1'000h);
const Time later = now + 40s;

/// A record that has been read, a configuration that is there, nothing put off.
Situation empty() {
  Situation s;
  s.record_read = s.configuration = s.ca_stored = true;
  s.cluster_due = s.ca_due = s.connector_due = s.pairing_due = s.renewal_at = Time::min();
  s.maintain_due = now + 20s;
  s.reread_due = later;
  s.verify_due = later;
  return s;
}

Situation with_certificate(Situation s) {
  s.certificate = s.certificates_stored = s.ca_stored = true;
  return s;
}

Situation with_pending(Situation s, Step step) {
  s.pending = s.pending_stored = s.key_sufficient = true;
  s.step = step;
  s.token_good = step == Step::paired || step == Step::signing;
  return s;
}

Situation with(Situation s, bool Situation::*flag, bool value = true) {
  s.*flag = value;
  return s;
}

Situation with_due(Situation s, Time Situation::*due) {
  s.*due = now;
  return s;
}

struct Row {
  const char* name;
  Situation situation;
  Standing standing;
  Action action;
};

const Situation reconnecting = with(with_certificate(empty()), &Situation::reconnect_wanted);
const Situation connected = with_certificate(empty());

/// The rows of contract §2.1, and what each becomes while it is worked off.
const Row rows[] = {
    {"unread", with(empty(), &Situation::record_read, false), Standing::unread, Action::read_record},
    {"new, without a configuration", with(empty(), &Situation::configuration, false), Standing::unpaired,
     Action::make_key},
    {"key made, without a configuration",
     with(with(with_pending(empty(), Step::preparing), &Situation::pending_stored, false), &Situation::configuration,
          false),
     Standing::unpaired, Action::wait},
    {"new", empty(), Standing::unpaired, Action::make_key},
    {"key made, not stored", with(with_pending(empty(), Step::preparing), &Situation::pending_stored, false),
     Standing::unpaired, Action::write_pending},
    {"key stored", with_pending(empty(), Step::preparing), Standing::unpaired, Action::exchange_token},
    {"key stored, configuration gone", with(with_pending(empty(), Step::preparing), &Situation::configuration, false),
     Standing::unpaired, Action::wait},
    {"paired, not stored", with(with_pending(empty(), Step::paired), &Situation::pending_stored, false),
     Standing::resuming, Action::write_pending},
    {"paired", with_pending(empty(), Step::paired), Standing::resuming, Action::announce_csr},
    {"paired, configuration gone", with(with_pending(empty(), Step::paired), &Situation::configuration, false),
     Standing::resuming, Action::announce_csr},
    {"paired, more bits asked for", with(with_pending(empty(), Step::paired), &Situation::key_sufficient, false),
     Standing::resuming, Action::make_key},
    {"paired, five minutes ago", with(with_pending(empty(), Step::paired), &Situation::token_good, false),
     Standing::unpaired, Action::exchange_token},
    {"paired, for another Runtime", with(with_pending(empty(), Step::paired), &Situation::same_target, false),
     Standing::unpaired, Action::exchange_token},
    {"paired, beside a certificate", with_pending(connected, Step::paired), Standing::resuming, Action::announce_csr},
    {"paired, reconnecting", with_pending(reconnecting, Step::paired), Standing::resuming, Action::announce_csr},
    {"announced, not stored", with(with_pending(empty(), Step::signing), &Situation::pending_stored, false),
     Standing::resuming, Action::write_pending},
    {"announced", with_pending(empty(), Step::signing), Standing::resuming, Action::send_csr},
    {"reply lost, old", with(with_pending(empty(), Step::signing), &Situation::token_good, false), Standing::reply_lost,
     Action::exchange_token},
    {"reply bad", with(with_pending(empty(), Step::signing), &Situation::csr_answered), Standing::reply_lost,
     Action::exchange_token},
    {"reply lost, reconnecting", with(with_pending(reconnecting, Step::signing), &Situation::token_good, false),
     Standing::reply_lost, Action::exchange_token},
    {"announced, beside a certificate", with(with_pending(connected, Step::signing), &Situation::proven),
     Standing::connected, Action::remove_pending},
    {"issued, not stored", with(with_pending(empty(), Step::issued), &Situation::pending_stored, false),
     Standing::issued, Action::write_pending},
    {"issued", with_pending(empty(), Step::issued), Standing::issued, Action::adopt_issued},
    {"issued, beside a good certificate", with_pending(connected, Step::issued), Standing::issued, Action::try_issued},
    {"issued, beside an expired one", with(with_pending(connected, Step::issued), &Situation::expired),
     Standing::issued, Action::adopt_issued},
    {"issued, beside a refused one", with(with_pending(connected, Step::issued), &Situation::refused), Standing::issued,
     Action::adopt_issued},
    {"issued, and refused itself", with(with_pending(connected, Step::issued), &Situation::pending_useless),
     Standing::connected, Action::remove_pending},
    {"adopted, not stored",
     with(with(with_pending(connected, Step::issued), &Situation::pending_in_use), &Situation::certificates_stored,
          false),
     Standing::connected, Action::write_certificates},
    {"adopted, CA not stored",
     with(with(with_pending(connected, Step::issued), &Situation::pending_in_use), &Situation::ca_stored, false),
     Standing::connected, Action::write_ca},
    {"adopted, not used", with(with_pending(connected, Step::issued), &Situation::pending_in_use), Standing::connected,
     Action::wait},
    {"adopted and used",
     with(with(with_pending(connected, Step::issued), &Situation::pending_in_use), &Situation::proven),
     Standing::connected, Action::remove_pending},
    {"connected", connected, Standing::connected, Action::wait},
    {"deleted by a person", reconnecting, Standing::reconnecting, Action::make_key},
    {"deleted by a person, without a configuration", with(reconnecting, &Situation::configuration, false),
     Standing::reconnecting, Action::make_key},
    {"expired by this clock, not asked about yet",
     with(with(connected, &Situation::check_overdue), &Situation::renewal_due), Standing::connected, Action::maintain},
    {"refused, the Secret was deleted",
     with(with(with_pending(connected, Step::preparing), &Situation::certificates_stored, false), &Situation::refused),
     Standing::unpaired, Action::exchange_token},
    {"expired", with(connected, &Situation::expired), Standing::unpaired, Action::make_key},
    {"refused", with(connected, &Situation::refused), Standing::unpaired, Action::make_key},
    {"renewal due", with(connected, &Situation::renewal_due), Standing::connected, Action::renew},
    {"renewal due, refused", with(with(connected, &Situation::renewal_due), &Situation::refused), Standing::unpaired,
     Action::make_key},
    {"renewal due, one waiting", with(with_pending(connected, Step::issued), &Situation::renewal_due), Standing::issued,
     Action::try_issued},
    {"the Secret was deleted", with(connected, &Situation::certificates_stored, false), Standing::connected,
     Action::write_certificates},
    {"the Secrets may have been changed", with_due(connected, &Situation::verify_due), Standing::connected,
     Action::verify_record},
    {"the Secrets may have been changed while there is no certificate", with_due(empty(), &Situation::verify_due),
     Standing::unpaired, Action::verify_record},
    {"today's Secret, CRD lost", with(empty(), &Situation::urls_awaited), Standing::connected, Action::read_record},
};

class PairingTable : public testing::TestWithParam<Row> {};

TEST_P(PairingTable, SaysWhatItMeansAndWhatToDo) {
  const Row& row = GetParam();
  EXPECT_EQ(static_cast<int>(standing(row.situation)), static_cast<int>(row.standing)) << row.name;
  EXPECT_EQ(static_cast<int>(next_action(row.situation, now).action), static_cast<int>(row.action)) << row.name;
}

INSTANTIATE_TEST_SUITE_P(Rows, PairingTable, testing::ValuesIn(rows));

TEST(NextAction, WaitsForTheFirstThatWillBeDue) {
  Situation s = reconnecting;
  s.pairing_due = later;
  const Next next = next_action(s, now);
  EXPECT_EQ(next.action, Action::wait);
  EXPECT_EQ(next.due, s.maintain_due);
}

TEST(NextAction, MaintainsTheOldCertificateWhileANewOneIsPutOff) {
  Situation s = reconnecting;
  s.pairing_due = later;
  s.maintain_due = now;
  EXPECT_EQ(next_action(s, now).action, Action::maintain);
}

TEST(NextAction, HonoursRetryAfterInEveryRequestToTheConnector) {
  for (const auto& row : rows) {
    Situation s = row.situation;
    s.maintain_due = now;
    s.connector_due = later;
    const Action action = next_action(s, now).action;
    for (const Action request :
         {Action::exchange_token, Action::send_csr, Action::try_issued, Action::renew, Action::maintain})
      EXPECT_NE(action, request) << row.name;
  }
}

TEST(NextAction, RisksNothingWhileTheClusterCannotBeWritten) {
  for (const Step step : {Step::preparing, Step::paired, Step::signing, Step::issued}) {
    Situation s = with(with_pending(empty(), step), &Situation::pending_stored, false);
    s.cluster_due = later;
    const Next next = next_action(s, now);
    EXPECT_EQ(next.action, Action::wait);
    EXPECT_EQ(next.due, later);
  }
}

TEST(NextAction, AsksAboutALostCertificateAgain) {
  const Situation waiting = with(with_pending(connected, Step::preparing), &Situation::configuration, false);
  for (const auto lost : {&Situation::refused, &Situation::expired}) {
    Situation s = with(waiting, lost);
    EXPECT_EQ(next_action(s, now).action, Action::wait);
    s.maintain_due = now;
    EXPECT_EQ(next_action(s, now).action, Action::maintain);
  }
}

TEST(NextAction, AlwaysEndsInAnActionOrInAWait) {
  // Every combination of the flags: none may be an action that changes nothing and is due again at once, which for
  // the two without a request would be a loop.
  bool Situation::*const flags[] = {
      &Situation::certificate,      &Situation::expired,         &Situation::refused,        &Situation::proven,
      &Situation::reconnect_wanted, &Situation::pending_useless, &Situation::pending_in_use, &Situation::key_sufficient,
      &Situation::token_good,       &Situation::csr_answered,    &Situation::same_target,    &Situation::configuration};
  for (unsigned bits = 0; bits < (1u << std::size(flags)); ++bits)
    for (const Step step : {Step::preparing, Step::paired, Step::signing, Step::issued}) {
      Situation s = with_pending(empty(), step);
      for (std::size_t i = 0; i < std::size(flags); ++i)
        s.*flags[i] = (bits >> i) & 1;
      const Action action = next_action(s, now).action;
      ASSERT_TRUE(!(action == Action::announce_csr) ||
                  (step == Step::paired && s.token_good && s.key_sufficient && !s.csr_answered));
      ASSERT_TRUE(!(action == Action::adopt_issued) ||
                  (step == Step::issued && !s.pending_in_use && !s.pending_useless));
      ASSERT_TRUE(!(action == Action::send_csr || action == Action::announce_csr) || (s.token_good && s.same_target));
      ASSERT_TRUE(!(action == Action::exchange_token) || (s.configuration && s.key_sufficient));
    }
}

TEST(TokenSpent, ByAnyAnswerAndByALostOne) {
  const auto failure = [](FailureKind kind, int status, bool maybe) {
    Failure f;
    f.kind = kind;
    f.http_status = status;
    f.maybe_processed = maybe;
    return f;
  };
  EXPECT_TRUE(token_spent(failure(FailureKind::unauthorized, 401, false)));
  EXPECT_TRUE(token_spent(failure(FailureKind::refused, 200, false)));
  EXPECT_TRUE(token_spent(failure(FailureKind::malformed, 200, false)));
  EXPECT_TRUE(token_spent(failure(FailureKind::unavailable, 500, false)));
  EXPECT_TRUE(token_spent(failure(FailureKind::timeout, 0, true)));
  EXPECT_TRUE(token_spent(failure(FailureKind::network, 0, true)));
  EXPECT_FALSE(token_spent(failure(FailureKind::network, 0, false)));
  EXPECT_FALSE(token_spent(failure(FailureKind::timeout, 0, false)));
  EXPECT_FALSE(token_spent(failure(FailureKind::tls, 0, false)));
  EXPECT_FALSE(token_spent(failure(FailureKind::unavailable, 0, false)));
  EXPECT_FALSE(token_spent(failure(FailureKind::rate_limited, 429, false)));
}

} // namespace
} // namespace runtime_agent::connection_manager
