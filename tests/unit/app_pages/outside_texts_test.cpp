#include <functional>

#include <gtest/gtest.h>

#include "actors/status_writer/connection_status.hpp"
#include "actors/supervision/log.hpp"
#include "app/pages/page.hpp"
#include "tests/unit/app_pages/example.hpp"
#include "transport/code_point.hpp"
#include "transport/kubernetes/events.hpp"
#include "transport/printable.hpp"

/// Every place where people see texts that come from outside, and one text that is as bad as it can be.
namespace runtime_agent::app {
namespace {

namespace outside {

using nlohmann::ordered_json;

// ESC, CSI of both spellings, BEL, CR, line end, DEL, C1, marks of direction, what takes no place, and no UTF-8.
const std::string bad = "a\x1b[2Jb\x07"
                        "c\rd\ne\x7f"
                        "f\xc2\x9b"
                        "1mg\xe2\x80\xaah\xe2\x80\xaei\xe2\x81\xa6j\xe2\x81\xa9k\xe2\x80\x8bl\xef\xbb\xbfm\xff\xfen";

Failure failure() {
  return {.where = "Director", .what = bad, .request_id = "runtime_1"};
}

/// All texts of a document that people and their tools show, one a line.
std::string texts_of(const ordered_json& value) {
  if (value.is_string())
    return value.get<std::string>() + "\n";
  std::string texts;
  if (value.is_structured())
    for (const auto& [key, child] : value.items())
      texts += (value.is_object() ? key + "\n" : "") + texts_of(child);
  return texts;
}

ordered_json status_with(const std::function<void(status_writer::Facts&)>& change) {
  status_writer::Facts facts;
  facts.connection.emplace();
  facts.connection->connected = true;
  facts.connection->connector_url = facts.connection->director_url = bad;
  change(facts);
  return status_writer::new_object(facts, "");
}

std::string event() {
  kubernetes::EventCorrelator correlator({});
  const auto now = std::chrono::steady_clock::time_point(std::chrono::hours(1));
  const kubernetes::EventNote note{{"v1", "Application", "mp-a", "uid"}, true, "ApplicationFailed", bad};
  std::string texts;
  for (int i = 0; i < 2; ++i) // made, and counted up
    if (const auto write = correlator.correlate(note, now, {}))
      texts += texts_of(write->object) + texts_of(write->patch);
  return texts;
}

/// What another program has written into a trace file or a ring.
std::string trace(PageFormat format, const Query& query) {
  supervision::Cycle cycle;
  cycle.trace.trace_id = {1};
  supervision::Span span;
  span.record.trace = cycle.trace.trace_id;
  span.record.span = 1;
  span.sender = span.receiver = span.name = span.detail = bad;
  cycle.spans = {span};
  auto sources = tests::example();
  sources.cycles = [cycle] { return std::vector{cycle}; };
  sources.cycle = [cycle](const TraceContext&) { return cycle; };
  for (const Page& page : pages())
    if (page.path == std::string("/tracez"))
      return render_page(page, sources, query, format).body;
  return {};
}

std::string log_line(log::Format format) {
  return log::render(format, log::Level::warning, bad, {{"plain", bad}, {bad, "x y " + bad}}, "now", "trace");
}

Query one_cycle() {
  TraceContext context;
  context.trace_id = {1};
  return {{"id", context.uuid()}};
}

constexpr auto replace = ordered_json::error_handler_t::replace;

struct Sink {
  const char* name;
  std::function<std::string()> shown;
};

const Sink sinks[] = {
    {"log, text", [] { return log_line(log::Format::text); }},
    {"log, JSON", [] { return log_line(log::Format::json); }},
    {"status, connecting",
     [] { return texts_of(status_with([](auto& facts) { facts.connection->connecting = failure(); })); }},
    {"status, maintaining",
     [] { return texts_of(status_with([](auto& facts) { facts.connection->maintaining = failure(); })); }},
    {"status, fetching",
     [] { return texts_of(status_with([](auto& facts) { facts.synchronization.emplace().fetching = failure(); })); }},
    {"status, labelling",
     [] { return texts_of(status_with([](auto& facts) { facts.synchronization.emplace().labelling = failure(); })); }},
    {"status, problems of Applications",
     [] {
       return texts_of(status_with([](auto& facts) {
         auto applied = std::make_shared<DesiredStateApplied>();
         applied->problems = {{bad, bad}};
         facts.synchronization.emplace().applied = applied;
       }));
     }},
    {"Event", event},
    {"page, text", [] { return render_problem(404, bad, PageFormat::text).body; }},
    {"page, JSON", [] { return render_problem(404, bad, PageFormat::json).body; }},
    {"page, HTML", [] { return render_problem(404, bad, PageFormat::html).body; }},
    {"cycles, text", [] { return trace(PageFormat::text, {}); }},
    {"cycles, JSON", [] { return trace(PageFormat::json, {}); }},
    {"cycles, HTML", [] { return trace(PageFormat::html, {}); }},
    {"one cycle, text", [] { return trace(PageFormat::text, one_cycle()); }},
    {"one cycle, JSON", [] { return trace(PageFormat::json, one_cycle()); }},
    {"one cycle, HTML", [] { return trace(PageFormat::html, one_cycle()); }},
    {"terminal, text", [] { return printable_lines(bad); }},
    {"terminal, JSON",
     [] {
       return printable_json(ordered_json{{"text", bad}}.dump(2, ' ', false, replace));
     }},
};

bool harmless(std::uint32_t c) {
  const bool control = (c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0);
  return !control && !(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069) && c != 0x200b && c != 0xfeff;
}

} // namespace outside

TEST(TextsFromOutside, AreHarmlessWhereverTheyAreShown) {
  for (const auto& sink : outside::sinks) {
    const std::string shown = sink.shown();
    EXPECT_NE(shown.find("[2J"), std::string::npos) << sink.name << ": the text is not there at all:\n" << shown;
    for (std::string_view rest = shown; !rest.empty();) {
      const auto point = first_code_point(rest);
      ASSERT_TRUE(point) << sink.name << ": no UTF-8";
      ASSERT_TRUE(outside::harmless(point->value)) << sink.name << ": U+" << std::hex << point->value;
      rest.remove_prefix(point->length);
    }
  }
}

TEST(TextsFromOutside, MakeNoSecondLineOfTheLog) {
  for (const auto format : {log::Format::text, log::Format::json})
    EXPECT_EQ(outside::log_line(format).find('\n'), std::string::npos);
  EXPECT_TRUE(nlohmann::json::accept(outside::log_line(log::Format::json)));
}

} // namespace
} // namespace runtime_agent::app
