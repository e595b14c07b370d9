#include <gmock/gmock.h>

#include "app/pages/cycle.hpp"
#include "tests/unit/app_pages/example.hpp"

/// The pages from given facts: documents, escaping, formats.
namespace runtime_agent::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using tests::example;

const Page& page_at(const std::string& path) {
  for (const Page& page : pages())
    if (page.path == path)
      return page;
  throw std::logic_error(path);
}

std::string rendered(const std::string& path, PageFormat format, const Query& query = {}) {
  return render_page(page_at(path), example(), query, format).body;
}

std::string rendered_cycle(PageFormat format) {
  return rendered("/tracez", format, {{"id", tests::cycle_with_a_restart().trace.uuid()}});
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++found;
  return found;
}

TEST(Html, EscapesEverythingButMarkup) {
  EXPECT_EQ(html("<b title=\"{}\">{}</b>", "a\"b", "<script>").text(), "<b title=\"a&quot;b\">&lt;script&gt;</b>");
  EXPECT_EQ(html("{}", html("<i>{}</i>", 'x' == 'x')).text(), "<i>true</i>");
  EXPECT_EQ(html("{}", Json("a&b'")).text(), "a&amp;b&#39;");
  EXPECT_EQ(html("{}", Json(nullptr)).text(), "null");
}

TEST(Html, LeavesNoControlCharactersAndNoDirectionMarks) {
  EXPECT_EQ(escaped("a\x01\xe2\x80\xae"
                    "b"),
            "a\xef\xbf\xbd\xef\xbf\xbd"
            "b");
}

class EveryPage : public testing::TestWithParam<const char*> {};

TEST_P(EveryPage, EscapesNamesAndTextsThatComeFromOutside) {
  const std::string body = rendered(GetParam(), PageFormat::html);
  EXPECT_THAT(body, AllOf(Not(HasSubstr("<script")), Not(HasSubstr(tests::hostile))));
}

TEST_P(EveryPage, LoadsNothingFromElsewhereAndHasNoScriptAndNoInlineStyle) {
  const std::string body = rendered(GetParam(), PageFormat::html);
  for (const char* forbidden : {"<script", "style=\"", "onclick", "src=\"http", "<link rel=\"stylesheet\" href=\"http"})
    EXPECT_EQ(body.find(forbidden), std::string::npos) << forbidden;
}

TEST_P(EveryPage, IsOneDocumentInThreeForms) {
  EXPECT_TRUE(Json::parse(rendered(GetParam(), PageFormat::json), nullptr, false).is_object());
  EXPECT_THAT(rendered(GetParam(), PageFormat::html), HasSubstr("</html>"));
  EXPECT_THAT(rendered(GetParam(), PageFormat::text), Not(HasSubstr("<html")));
}

TEST_P(EveryPage, ClosesWhatItOpens) {
  const std::string body = rendered(GetParam(), PageFormat::html);
  for (const char* element :
       {"ul", "li", "table", "section", "dl", "svg", "main", "a", "span", "div", "p", "td", "tr"}) {
    const std::string name = element;
    EXPECT_EQ(count(body, "<" + name + " ") + count(body, "<" + name + ">"), count(body, "</" + name + ">")) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryPage,
                         testing::Values("/", "/actorz", "/tracez", "/applicationz", "/configz", "/logz"));

TEST(OverviewPage, SaysTheStateAndWhatIsWrong) {
  const Json document = Json::parse(rendered("/", PageFormat::json));
  EXPECT_EQ(document["state"], "ResourceApplicationFailed");
  EXPECT_EQ(document["ready"], true);
  EXPECT_EQ(document["applications"]["byState"]["applied"], 5);
  EXPECT_EQ(document["cycles"]["failed"], 2);
  EXPECT_EQ(document["problems"][0]["part"], "Application");
}

TEST(ApplicationsPage, ShowsTheWrongOnesFirst) {
  const Json document = Json::parse(rendered("/applicationz", PageFormat::json));
  EXPECT_EQ(document["applications"][0]["name"], tests::hostile);
  EXPECT_EQ(document["applications"][0]["state"], "refused");
  EXPECT_EQ(document["applications"].size(), 6u);
  EXPECT_EQ(Json::parse(rendered("/applicationz", PageFormat::json, {{"state", "applied"}}))["applications"].size(),
            5u);
}

TEST(TracesPage, GroupsCyclesByBeginLatencyAndOutcome) {
  const Json document = Json::parse(rendered("/tracez", PageFormat::json));
  ASSERT_EQ(document["groups"].size(), 1u);
  EXPECT_EQ(document["groups"][0]["counts"], Json({0, 2, 1, 1, 0}));
  EXPECT_EQ(document["groups"][0]["failed"], 2);
}

struct Filter {
  Query query;
  std::size_t matching;
};
class TracesFilter : public testing::TestWithParam<Filter> {};

TEST_P(TracesFilter, ChoosesCycles) {
  EXPECT_EQ(Json::parse(rendered("/tracez", PageFormat::json, GetParam().query))["matching"], GetParam().matching);
}

INSTANTIATE_TEST_SUITE_P(Queries, TracesFilter,
                         testing::Values(Filter{{}, 4}, Filter{{{"outcome", "failed"}}, 2},
                                         Filter{{{"outcome", "threw"}}, 1}, Filter{{{"outcome", "ok"}}, 2},
                                         Filter{{{"bucket", "3"}}, 1}, Filter{{{"root", "another"}}, 0},
                                         Filter{{{"process", "previous"}}, 1}));

TEST(TracesPage, KnowsOneCycleOfThePreviousProcess) {
  const Json document = Json::parse(
      rendered("/tracez", PageFormat::json, {{"process", "previous"}, {"id", tests::failed_cycle().trace.uuid()}}));
  EXPECT_EQ(document["cycle"]["outcome"], "failed");
  EXPECT_THAT(rendered("/tracez", PageFormat::html, {{"process", "previous"}}), HasSubstr("exit code 4"));
}

TEST(TracesPage, RefusesAnIdThatIsNone) {
  EXPECT_EQ(render_page(page_at("/tracez"), example(), {{"id", "<x>"}}, PageFormat::json).status, 400);
  EXPECT_EQ(
      render_page(page_at("/tracez"), example(), {{"id", "00000000-0000-4000-8000-000000000009"}}, PageFormat::html)
          .status,
      404);
}

TEST(SequenceChart, DrawsFiveLifelinesARestartAndItsRequests) {
  const std::string body = rendered_cycle(PageFormat::html);
  const std::string chart = body.substr(body.find("<svg class=\"chart wide\""));
  const std::string wide = chart.substr(0, chart.find("</svg>"));
  EXPECT_EQ(count(wide, "class=\"life\""), 5u);
  EXPECT_EQ(count(wide, "bad restart"), 1u);
  EXPECT_EQ(count(wide, "net request"), 3u);
  EXPECT_EQ(count(wide, "bad message"), 1u);
  EXPECT_THAT(wide, AllOf(HasSubstr("DesiredStateFetched"), HasSubstr("queued 400 µs, handled 200 µs")));
}

TEST(SequenceChart, SaysWhatItLeavesOut) {
  supervision::Cycle cycle = tests::quiet_cycle(7);
  while (cycle.spans.size() < rows_in_chart + 10) {
    cycle.spans.push_back(cycle.spans.back());
    cycle.spans.back().record.span = 1000 + cycle.spans.size();
  }
  EXPECT_THAT(sequence_chart(cycle_document(cycle)).text(), HasSubstr("first 200 of 210 spans"));
}

TEST(CycleText, IndentsWhatWasCaused) {
  const std::string text = rendered_cycle(PageFormat::text);
  EXPECT_THAT(text,
              AllOf(HasSubstr("\n  DirectorFetcher: timer synchronize  300 µs\n"),
                    HasSubstr("\n    DirectorFetcher: call fetch from the Director"), HasSubstr("threw: exception")));
}

struct Wanted {
  const char* format;
  const char* accept;
  PageFormat result;
};
class Format : public testing::TestWithParam<Wanted> {};

TEST_P(Format, FollowsTheQueryAndThenTheAcceptHeader) {
  const Query query = GetParam().format[0] ? Query{{"format", GetParam().format}} : Query{};
  EXPECT_EQ(format_of(query, GetParam().accept), GetParam().result);
}

INSTANTIATE_TEST_SUITE_P(Requests, Format,
                         testing::Values(Wanted{"", "*/*", PageFormat::text}, Wanted{"", "", PageFormat::text},
                                         Wanted{"", "text/html,application/xml;q=0.9,*/*;q=0.8", PageFormat::html},
                                         Wanted{"", "application/json", PageFormat::json},
                                         Wanted{"json", "text/html", PageFormat::json},
                                         Wanted{"html", "*/*", PageFormat::html},
                                         Wanted{"text", "text/html", PageFormat::text}));

} // namespace
} // namespace runtime_agent::app
