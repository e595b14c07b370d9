#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include "messages/applications.hpp"
#include "messages/configuration.hpp"
#include "messages/connection.hpp"
#include "messages/status.hpp"
#include "messages/supervision.hpp"

/// The one type-id block, and the five actors' protocols: for each message a sentence, then the signature.

CAF_BEGIN_TYPE_ID_BLOCK(runtime_agent, first_custom_type_id)
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::ConfigurationObserved))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::ReconnectRequested))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::CredentialsRefreshRequested))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::ResyncRequested))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::FactsRequested))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::ConnectionReady))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::ConnectionLost))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::CertificateRefused))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::DesiredStateFetched))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::DesiredStateApplied))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::ConnectionReport))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::SynchronizationReport))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::CompassConnectionObserved))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::ChildStartRequested))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::ChildStopRequested))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::CallFinished))
CAF_ADD_TYPE_ID(runtime_agent, (runtime_agent::Ping))
CAF_END_TYPE_ID_BLOCK(runtime_agent)

// Messages stay within the process, so none is ever serialised; this is CAF's word for that.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::ConfigurationObserved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::ReconnectRequested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::CredentialsRefreshRequested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::ResyncRequested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::FactsRequested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::ConnectionReady)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::ConnectionLost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::CertificateRefused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::DesiredStateFetched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::DesiredStateApplied)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::ConnectionReport)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::SynchronizationReport)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::CompassConnectionObserved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::ChildStartRequested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::ChildStopRequested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::CallFinished)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(runtime_agent::Ping)

namespace runtime_agent {

using ConfigWatcherActor = caf::typed_actor<
    // A peer has just started: tell the configuration and the CompassConnection as they are.
    caf::reacts_to<FactsRequested>>;

using ConnectionManagerActor = caf::typed_actor<
    // The configuration object as it is; looked at only while a token is needed (§1.1).
    caf::reacts_to<ConfigurationObserved>,
    // Reconnect with the configuration's token (§1.2).
    caf::reacts_to<ReconnectRequested>,
    // Renew the certificate now (§1.2).
    caf::reacts_to<CredentialsRefreshRequested>,
    // Compass refused the certificate: check whether it is still accepted (§5.4).
    caf::reacts_to<CertificateRefused>,
    // A peer has just started: tell the connection as it is.
    caf::reacts_to<FactsRequested>>;

using DirectorFetcherActor = caf::typed_actor<
    // Fetch with this connection from now on (§3).
    caf::reacts_to<ConnectionReady>,
    // There is no usable certificate: do not fetch.
    caf::reacts_to<ConnectionLost>,
    // Synchronize now (§1.2).
    caf::reacts_to<ResyncRequested>,
    // The cluster is reconciled, possibly with failures: set the Runtime's labels (§3), report, fetch again where asked
    // to confirm.
    caf::reacts_to<DesiredStateApplied>,
    // A peer has just started: tell the last complete state.
    caf::reacts_to<FactsRequested>>;

using ApplicationReconcilerActor = caf::typed_actor<
    // Reconcile the cluster with this state; replaces one that has not been started (§5.2).
    caf::reacts_to<DesiredStateFetched>,
    // A peer has just started: tell how the last state was applied.
    caf::reacts_to<FactsRequested>>;

using StatusWriterActor = caf::typed_actor<
    // The connection's part of the status (§5.4).
    caf::reacts_to<ConnectionReport>,
    // The synchronization's part of the status (§5.4).
    caf::reacts_to<SynchronizationReport>,
    // The CompassConnection as it is in the cluster.
    caf::reacts_to<CompassConnectionObserved>>;

/// The five addresses, each a Slot's: good for the process's whole life.
struct Peers {
  ConfigWatcherActor config_watcher;
  ConnectionManagerActor connection_manager;
  DirectorFetcherActor director_fetcher;
  ApplicationReconcilerActor application_reconciler;
  StatusWriterActor status_writer;
};

} // namespace runtime_agent
