#include <cstdlib>
#include <iostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/connection_model/explorer.hpp"

/// The machine of actors/connection_manager/connection_machine.hpp, explored exhaustively.
namespace runtime_agent::connection_model {
namespace {

using connection_manager::AfterExpiry;
using connection_manager::PendingWritten;
using connection_manager::RecordRead;
using connection_manager::TokenExchanged;
using testing::HasSubstr;

/// Without a configuration, and with a good token.
std::vector<WorldModel> beginnings(Sabotage sabotage = nullptr) {
  return {WorldModel("", sabotage), WorldModel("t0", sabotage)};
}

#if defined(__SANITIZE_ADDRESS__)
constexpr unsigned ordinary = 1; // a tenth of the speed
#else
constexpr unsigned ordinary = 2;
#endif

unsigned most_disturbances() {
  if (const char* asked = std::getenv("RUNTIME_AGENT_DISTURBANCES"))
    return static_cast<unsigned>(std::atoi(asked));
  return std::getenv("RUNTIME_AGENT_LONG") != nullptr ? ordinary + 1 : ordinary;
}

TEST(ConnectionModel, HoldsItsInvariantsAndSettlesFromEveryState) {
  const Exploration found = explore(beginnings(), most_disturbances());
  std::cout << "connection model: " << found.states << " states, " << found.transitions << " transitions, depth "
            << found.depth << ", all with up to " << most_disturbances() << " disturbances\n";
  EXPECT_EQ(found.violation, "");
  EXPECT_GT(found.states, 1'000u);
}

struct Mutant {
  const char* name;
  Sabotage sabotage;
  unsigned disturbances; ///< that it takes to show
  const char* found;
};

const Mutant mutants[] = {
    {"DoesNotAnnounceTheCsr",
     [](ConnectionState& state, Event& event, const Moment&) {
       if (std::holds_alternative<PendingWritten>(event) && state.pending->step == Step::paired)
         state.pending->step = Step::signing;
     },
     0, "the CSR is sent before it is on record"},
    {"ForgetsWhatIsPendingAtItsStart",
     [](ConnectionState&, Event& event, const Moment&) {
       if (auto* read = std::get_if<RecordRead>(&event); read != nullptr && read->record)
         read->record->pending.reset();
     },
     1, "a token is spent although"},
    {"TakesAnOldClocksWordForIt",
     [](ConnectionState& state, Event&, const Moment& moment) {
       if (state.current && state.current->identity->validity.not_after <= moment.wall)
         state.after_expiry = AfterExpiry::failed;
     },
     2, "a token is spent although the certificate in use is good"},
    {"DoesNotNoticeARefusal", [](ConnectionState& state, Event&, const Moment&) { state.refused = false; }, 1,
     "the ordinary course never settles"},
    {"ForgetsWhatAServiceRefuses",
     [](ConnectionState& state, Event&, const Moment&) {
       state.connector_refuses.reset();
       state.director_refuses.reset();
     },
     1, "the ordinary course never settles"},
    {"TakesASpentTokenForARateLimit",
     [](ConnectionState&, Event& event, const Moment&) {
       if (auto* exchanged = std::get_if<TokenExchanged>(&event); exchanged != nullptr && !exchanged->answer)
         exchanged->answer.error().kind = FailureKind::rate_limited;
     },
     1, "it does not say that the token is spent"},
    {"ForgetsAWishWithTheNextEvent",
     [](ConnectionState& state, Event&, const Moment&) { state.reconnect_wanted.clear(); }, 1,
     "the ordinary course never settles"},
};

class ConnectionMutants : public testing::TestWithParam<Mutant> {};

TEST_P(ConnectionMutants, AreFound) {
  const Exploration found = explore(beginnings(GetParam().sabotage), GetParam().disturbances);
  EXPECT_THAT(found.violation, HasSubstr(GetParam().found));
}

INSTANTIATE_TEST_SUITE_P(Machine, ConnectionMutants, testing::ValuesIn(mutants),
                         [](const auto& instance) { return std::string(instance.param.name); });

} // namespace
} // namespace runtime_agent::connection_model
