#include "actors/connection_manager/connection_manager_calls.hpp"
#include "actors/connection_manager/failure_texts.hpp"
#include "actors/connection_manager/secret_objects.hpp"
#include "actors/supervision/log.hpp"

/// The record in the cluster and what is in memory, brought together. Source: contract §2.1.
namespace runtime_agent::connection_manager {

void ConnectionManager::read_record() {
  start<Record>(
      {"read the credentials on record", 2 * cluster_limit},
      [cluster = cluster_](const CallContext& context) { return cluster.read(CredentialRecord::Parts::all, context); },
      &ConnectionManager::record_came);
}

void ConnectionManager::record_came(Result<Record> record) {
  if (!record) {
    store_failed(cluster_lane_, storing_, std::move(record.error()));
    return settle();
  }
  storing_.reset();
  if (record->urls || !record->credentials || !record->credentials->access.connector_url.empty())
    cluster_lane_.succeeded();
  else // asked again until there is a CompassConnection, or its CRD
    cluster_lane_.failed(now(), {});
  const auto pending = record->pending;
  merge_record(std::move(*record));
  if (!pending_ && pending) {
    pending_ = pending;
    pending_stored_ = true;
    // A reconnect that was under way is wanted until it has been served.
    if (current_ && !pending->for_renewal && reconnect_wanted_.empty() &&
        pending->reconnect_id != current_->reconnect_served)
      reconnect_wanted_ = pending->reconnect_id;
  } else if (pending_) {
    pending_stored_ = false; // memory is ahead of whatever is there
  }
  record_read_ = loaded_ = true;
  notice_lost_reply();
  notice_missing_configuration();
  settle();
}

void ConnectionManager::merge_record(Record record) {
  std::string pending_version = std::move(record_.pending_version);
  const bool whole = !record_read_;
  record_ = std::move(record);
  if (!whole)
    record_.pending_version = std::move(pending_version);
  if (record_.problem)
    log::warning("the certificate on record cannot be used", {{"error", record_.problem->text()}});
  if (!record_.credentials)
    return;
  // What is in memory is what was stored last, or is still to be stored; but a younger certificate is somebody else's
  // work that was done while this process was asleep.
  if (!current_ || record_.credentials->identity->validity.not_before > current_->identity->validity.not_before)
    take(*record_.credentials);
  complete_access();
}

void ConnectionManager::take(Credentials credentials) {
  if (credentials.reconnect_served == reconnect_wanted_)
    reconnect_wanted_.clear();
  current_ = std::move(credentials);
  refused_ = proven_ = false;
  renewal_jitter_ = fraction(random());
  complete_access();
}

void ConnectionManager::complete_access() {
  if (!current_)
    return;
  auto& access = current_->access;
  if (access.connector_url.empty() && record_.urls) {
    access.connector_url = record_.urls->certificate_secured_connector_url;
    access.director_url = record_.urls->director_url;
  }
  if ((access.runtime_id.empty() || access.tenant.empty()) && configuration_) {
    access.runtime_id = configuration_->runtime_id;
    access.tenant = configuration_->tenant;
  }
  // The CA Secret is the other write of a pair; the pending Secret still knows what it was to hold.
  if (current_->identity->ca_pem.empty() && record_.pending && record_.pending->step == Step::issued &&
      record_.pending->issued.certificate_pem == current_->identity->certificate_pem) {
    const auto& issued = record_.pending->issued;
    if (auto identity =
            x509::make_identity(issued.certificate_pem, issued.chain_pem, current_->identity->key_pem, issued.ca_pem))
      current_->identity = std::move(*identity);
  }
}

void ConnectionManager::change_pending(Pending pending) {
  pending_ = std::move(pending);
  pending_stored_ = false;
  pending_useless_ = false;
}

void ConnectionManager::write_pending() {
  pending_stored_ = true; // unless it is changed meanwhile
  start<std::string>(
      {"write the pending Secret", cluster_limit},
      [cluster = cluster_, pending = *pending_, version = record_.pending_version](const CallContext& context) {
        return cluster.write_pending(pending, version, context);
      },
      &ConnectionManager::pending_written);
}

void ConnectionManager::pending_written(Result<std::string> version) {
  if (!version) {
    pending_stored_ = false;
    store_failed(cluster_lane_, storing_, std::move(version.error()));
    return settle();
  }
  record_.pending_version = std::move(*version);
  cluster_lane_.succeeded();
  storing_.reset();
  settle();
}

void ConnectionManager::write_certificates() {
  writing_credentials_ = current_;
  start<std::string>(
      {"write the certificates Secret", cluster_limit},
      [cluster = cluster_, credentials = *current_, version = record_.certificates_version](
          const CallContext& context) { return cluster.write_certificates(credentials, version, context); },
      &ConnectionManager::certificates_written);
}

void ConnectionManager::certificates_written(Result<std::string> version) {
  const auto written = std::exchange(writing_credentials_, std::nullopt);
  if (!version) {
    store_failed(cluster_lane_, storing_, std::move(version.error()));
    return settle();
  }
  record_.certificates_version = std::move(*version);
  record_.credentials = written;
  record_.problem.reset();
  cluster_lane_.succeeded();
  storing_.reset();
  settle();
}

void ConnectionManager::write_ca() {
  writing_credentials_ = current_;
  start<std::string>(
      {"write the CA Secret", cluster_limit},
      [cluster = cluster_, ca_pem = current_->identity->ca_pem,
       version = record_.ca_version](const CallContext& context) { return cluster.write_ca(ca_pem, version, context); },
      &ConnectionManager::ca_written);
}

void ConnectionManager::ca_written(Result<std::string> version) {
  const auto written = std::exchange(writing_credentials_, std::nullopt);
  if (!version) {
    store_failed(ca_lane_, storing_ca_, std::move(version.error()));
    return settle();
  }
  record_.ca_version = std::move(*version);
  record_.ca_pem = written->identity->ca_pem;
  ca_lane_.succeeded();
  storing_ca_.reset();
  settle();
}

void ConnectionManager::remove_pending() {
  start<void>(
      {"remove the pending Secret", cluster_limit},
      [cluster = cluster_, version = record_.pending_version](const CallContext& context) {
        return cluster.remove_pending(version, context);
      },
      &ConnectionManager::pending_removed);
}

void ConnectionManager::pending_removed(Result<void> removed) {
  if (!removed) {
    store_failed(cluster_lane_, storing_, std::move(removed.error()));
    return settle();
  }
  record_.pending_version.clear();
  record_.pending.reset();
  pending_.reset();
  pending_stored_ = pending_useless_ = csr_answered_ = false;
  cluster_lane_.succeeded();
  storing_.reset();
  settle();
}

void ConnectionManager::store_failed(Lane& lane, std::optional<Failure>& problem, Failure failure) {
  const auto delay = lane.failed(now(), failure);
  if (failure.kind == FailureKind::conflict) { // nothing is wrong: what is there now decides
    record_read_ = false;
    return;
  }
  if (!problem || problem->what != failure.what)
    log::warning("the credentials on record cannot be read or written", {{"error", failure.text()}});
  problem = trying_again(std::move(failure), delay);
}

} // namespace runtime_agent::connection_manager
