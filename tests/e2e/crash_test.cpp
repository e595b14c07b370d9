#include <array>
#include <map>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// Each of the five actors throws at each kind of message that it receives, in the real binary: it alone is started
/// anew, and everything is right again without anybody's help. Source: architecture §3.
namespace runtime_agent::e2e {
namespace {

constexpr std::array actors{"ConfigWatcher", "ConnectionManager", "DirectorFetcher", "ApplicationReconciler",
                            "StatusWriter"};

/// What makes the message come.
enum class Cause {
  next_cycle,          ///< it comes by itself
  changed_data,        ///< in the Director
  resync,              ///< resyncNow
  refresh,             ///< refreshCredentialsNow
  reconnect,           ///< the CompassConnection is deleted; there is a fresh token
  new_token,           ///< the configuration object is changed
  refused_by_director, ///< one handshake with the Director ends in an alert
  revoked,             ///< the certificate is revoked; there is a fresh token
  failing_writes,      ///< writes of Applications fail, and are tried again by a timer
  watches_dropped,     ///< the server ends all watches
  restarted_peer,      ///< `peer` throws, and asks for facts when it is back
};

std::string name_of(Cause cause) {
  constexpr std::array names{"NextCycle",    "ChangedData",       "Resync",  "Refresh",       "Reconnect",
                             "NewToken",     "RefusedByDirector", "Revoked", "FailingWrites", "WatchesDropped",
                             "RestartedPeer"};
  return names.at(static_cast<std::size_t>(cause));
}

struct Crash {
  const char* actor;
  const char* message;
  Cause cause = Cause::next_cycle;
  Rights rights = Rights::own;
  const char* peer = "";
};

class CrashesInSandbox : public EndToEnd, public testing::WithParamInterface<Crash> {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }

  void arm(const std::string& actor, const std::string& message) {
    ASSERT_EQ(world().agent().diagnostics_post("/crash?actor=" + actor + "&message=" + message), "armed\n");
  }
  void wish(const char* field) { world().patch_connection({{"spec", {{field, true}}}}); }

  void bring_about(const Crash& crash) {
    switch (crash.cause) {
    case Cause::next_cycle:
      return;
    case Cause::changed_data:
      return give_applications(2, "changed");
    case Cause::resync:
      return wish("resyncNow");
    case Cause::refresh:
      return wish("refreshCredentialsNow");
    case Cause::reconnect:
      world().configure();
      return world().remove(kubernetes::compass_connections(), "compass-connection");
    case Cause::new_token:
      return world().configure();
    case Cause::refused_by_director:
      return add_fault({{"service", "director"}, {"action", "alert"}});
    case Cause::revoked:
      compass().revoke(world().latest_serial());
      return world().configure();
    case Cause::failing_writes: {
      sandbox::kube::Fault fault;
      fault.verb = "update";
      fault.resource = "applications";
      fault.status = 500;
      fault.skip = 1;  // the edit itself
      fault.times = 0; // until they are cleared
      world().sandbox_server()->faults().add(fault);
      return world().merge(kubernetes::applications(), "mp-app-0001", {{"spec", {{"description", "edited"}}}});
    }
    case Cause::watches_dropped:
      return world().sandbox_server()->close_watches();
    case Cause::restarted_peer:
      return arm(crash.peer, "*");
    }
  }

  std::map<std::string, int> restarts() {
    std::map<std::string, int> restarts;
    for (const char* actor : actors)
      restarts[actor] = world().agent().restarts(actor);
    return restarts;
  }
};

TEST_P(CrashesInSandbox, RestartThatActorAloneAndEverythingIsRightAgain) {
  const Crash& crash = GetParam();
  give_applications(2);
  Variables variables = world().quick_environment(crash.rights);
  const bool cycles_on_demand = crash.cause == Cause::failing_writes; // which would come before the timer
  if (cycles_on_demand)
    variables["APP_CONTROLLER_SYNC_PERIOD"] = "180s";
  synchronise(variables);
  std::map<std::string, int> expected;
  for (const char* actor : actors)
    expected[actor] = actor == std::string(crash.actor) || actor == std::string(crash.peer) ? 1 : 0;

  arm(crash.actor, crash.message);
  bring_about(crash);
  ASSERT_TRUE(comes_true([&] { return world().agent().restarts(crash.actor) == 1; }))
      << world().agent().diagnostics("/actorz");
  world().sandbox_server()->faults().clear();

  give_applications(3, "at the end");
  if (cycles_on_demand)
    wish("resyncNow");
  EXPECT_TRUE(converges());
  EXPECT_TRUE(comes_true([this] { return world().errors() == "\n\n"; }));
  for (const char* wish : {"/spec/resyncNow", "/spec/refreshCredentialsNow"})
    EXPECT_TRUE(comes_true([&] { return world().field(wish) != "true"; })) << wish;
  const bool anew = crash.cause == Cause::reconnect || crash.cause == Cause::revoked;
  EXPECT_TRUE(comes_true([&] { return world().tokens_spent() == (anew ? 2u : 1u); })) << world().tokens_spent();
  const std::size_t certificates = anew || crash.cause == Cause::refresh ? 2 : 1;
  EXPECT_TRUE(comes_true([&] { return compass().certificates().size() == certificates; }));
  EXPECT_TRUE(cycles_on_demand || another_cycle());
  EXPECT_EQ(world().tokens_spent(), anew ? 2u : 1u);
  EXPECT_TRUE(world().agent().running());
  EXPECT_EQ(restarts(), expected);
  EXPECT_FALSE(world().get(kubernetes::secrets("kyma-system"), "cluster-client-certificates-pending"));
}

INSTANTIATE_TEST_SUITE_P(
    Each, CrashesInSandbox,
    testing::Values(
        Crash{"ConfigWatcher", "CallFinished", Cause::new_token}, Crash{"ConfigWatcher", "CallFinished", Cause::resync},
        Crash{"ConfigWatcher", "CallFinished", Cause::reconnect},
        Crash{"ConfigWatcher", "TimerFired", Cause::reconnect, Rights::todays},
        Crash{"ConfigWatcher", "FactsRequested", Cause::restarted_peer, Rights::own, "StatusWriter"},
        Crash{"ConnectionManager", "ConfigurationObserved", Cause::new_token},
        Crash{"ConnectionManager", "ReconnectRequested", Cause::reconnect},
        Crash{"ConnectionManager", "CredentialsRefreshRequested", Cause::refresh},
        Crash{"ConnectionManager", "CertificateRefused", Cause::refused_by_director},
        Crash{"ConnectionManager", "FactsRequested", Cause::restarted_peer, Rights::own, "DirectorFetcher"},
        Crash{"ConnectionManager", "CallFinished"}, //
        Crash{"ConnectionManager", "TimerFired"}, Crash{"DirectorFetcher", "ConnectionReady", Cause::refresh},
        Crash{"DirectorFetcher", "ConnectionLost", Cause::revoked},
        Crash{"DirectorFetcher", "ResyncRequested", Cause::resync},
        Crash{"DirectorFetcher", "DesiredStateApplied", Cause::changed_data},
        Crash{"DirectorFetcher", "FactsRequested", Cause::restarted_peer, Rights::own, "ApplicationReconciler"},
        Crash{"DirectorFetcher", "CallFinished"}, //
        Crash{"DirectorFetcher", "TimerFired"},
        Crash{"ApplicationReconciler", "DesiredStateFetched", Cause::changed_data},
        Crash{"ApplicationReconciler", "FactsRequested", Cause::restarted_peer, Rights::own, "DirectorFetcher"},
        Crash{"ApplicationReconciler", "CallFinished", Cause::changed_data},
        Crash{"ApplicationReconciler", "CallFinished", Cause::watches_dropped},
        Crash{"ApplicationReconciler", "TimerFired", Cause::failing_writes},
        Crash{"StatusWriter", "ConnectionReport", Cause::refresh}, Crash{"StatusWriter", "SynchronizationReport"},
        Crash{"StatusWriter", "CompassConnectionObserved", Cause::resync},
        Crash{"StatusWriter", "CompassConnectionObserved", Cause::reconnect}, //
        Crash{"StatusWriter", "CallFinished"},                                //
        Crash{"StatusWriter", "TimerFired"}),
    [](const auto& parameter) {
      return std::string(parameter.param.actor) + "_" + parameter.param.message + "_" + name_of(parameter.param.cause);
    });

} // namespace
} // namespace runtime_agent::e2e
