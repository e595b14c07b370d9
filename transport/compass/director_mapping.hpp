#pragma once

#include <vector>

#include <simdjson.h>

#include "transport/compass/answer_reader.hpp"
#include "transport/compass/paging.hpp"
#include "transport/compass/types.hpp"

/// The Director's answers as the types have them. Source: contract §3.
namespace runtime_agent::compass {

/// A list within a list that goes on on further pages.
struct UnfinishedList {
  enum class Kind { bundles, api_definitions, event_definitions };
  Kind kind = Kind::bundles;
  std::size_t application = 0; ///< index in the Applications read so far
  std::size_t bundle = 0;      ///< index in the Application's bundles; not for `bundles`
  PageProgress progress;
};

/// Reads a page of Applications (`data.applicationsForRuntime`) and appends to both lists.
void read_applications(simdjson::dom::element page, const Place& place, Verdict& verdict, PageProgress& progress,
                       std::vector<Application>& applications, std::vector<UnfinishedList>& unfinished);

/// Reads a further page of bundles into the Application at `list.application`.
void read_bundles(simdjson::dom::element page, const Place& place, Verdict& verdict, UnfinishedList& list,
                  std::vector<Application>& applications, std::vector<UnfinishedList>& unfinished);

/// Reads a further page of API or event definitions into the bundle that `list` names.
void read_definitions(simdjson::dom::element page, const Place& place, Verdict& verdict, UnfinishedList& list,
                      std::vector<Application>& applications);

/// `labels` of a Runtime: an object or null.
RuntimeLabels read_labels(simdjson::dom::element runtime, const Place& place, Verdict& verdict);

} // namespace runtime_agent::compass
