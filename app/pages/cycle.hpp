#pragma once

#include "actors/supervision/span.hpp"
#include "app/pages/html.hpp"

/// One cycle: as a document, as a tree, as a sequence chart.
namespace runtime_agent::app {

/// {id, root, started, durationSeconds, outcome, leftOut, retained, spans: […]}; spans in the order of the tree, each
/// with its `depth`, and with times in seconds since the cycle's begin.
Json cycle_document(const supervision::Cycle& cycle);

/// "DirectorFetcher: timer synchronize".
std::string span_title(const Json& span);
/// One line a span, indented by what caused it.
std::string cycle_text(const Json& cycle);
Markup cycle_tree(const Json& cycle);

/// Lifelines of the five actors and of what lies outside, from left to right, a row a span in the order of time.
/// Twice: for wide and for narrow windows; the style sheet shows one. At most `rows_in_chart` spans.
Markup sequence_chart(const Json& cycle);
inline constexpr std::size_t rows_in_chart = 200;

} // namespace runtime_agent::app
