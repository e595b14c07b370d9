#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/status_writer/connection_status.hpp"
#include "transport/kubernetes/kept_fields.hpp"

/// The requests of one write of the CompassConnection. Blocking: for I/O threads. Source: contract §5.4.
namespace runtime_agent::status_writer {

struct ConnectionWrite {
  Facts facts;
  std::shared_ptr<const kubernetes::Json> object; ///< as it was seen; null: to be created
  std::string absence_id;                         ///< for one that is created
  kubernetes::FieldsNotKept not_kept;             ///< by the last write
  bool again_at_conflict = true; ///< reads it again, at most five times; false: whoever else writes it is too fast
};

struct WrittenConnection {
  kubernetes::Json sent;
  kubernetes::Json stored;  ///< what the answer kept of it
  bool was_in_line = false; ///< nothing was sent: both are the object as it is
};

/// Creates the object, or brings it in line; sends nothing where it is.
Result<WrittenConnection> write_connection(kubernetes::Api& api, const ConnectionWrite& write,
                                           const CallContext& context);

/// Of what was sent in `spec` and `status`, what is not there; but for the fields that today's definition drops and
/// that nobody misses.
kubernetes::FieldsNotKept connection_not_kept(const kubernetes::Json& sent, const kubernetes::Json& stored);

/// Brings `object` in line as apply_facts does, as if the fields that the last write (`sent`, null: there was none)
/// could not put there were there as they were sent.
Change change_needed(kubernetes::Json& object, const Facts& facts, const kubernetes::FieldsNotKept& not_kept,
                     const kubernetes::Json* sent);

/// What the facts say that is not in what was sent last; a wish in `object` that has been served is news as well.
Change news(const kubernetes::Json& sent, const kubernetes::Json& object, const Facts& facts);

} // namespace runtime_agent::status_writer
