#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/pages/html.hpp"
#include "app/pages/sources.hpp"

/// The diagnostics pages: each makes a JSON document from facts, and HTML and text from that document.
namespace runtime_agent::app {

using Query = std::map<std::string, std::string>;

/// A page's document, and the HTTP status that goes with it.
struct PageModel {
  int status = 200;
  Json document;
};

struct Page {
  std::string path;
  std::string title;
  bool in_navigation = true;
  PageModel (*model)(const PageSources&, const Query&);
  Markup (*body)(const Json& document); ///< what stands below the navigation
  std::string (*text)(const Json& document);
};

/// In the order of the navigation.
const std::vector<Page>& pages();

enum class PageFormat { html, json, text };
/// By `?format=`, else by the Accept header; text for what asks for nothing special, as curl does.
PageFormat format_of(const Query& query, const std::string& accept);

struct RenderedPage {
  int status = 200;
  std::string body;
  std::string content_type;
};
RenderedPage render_page(const Page& page, const PageSources& sources, const Query& query, PageFormat format);
/// A refusal in the same three forms. `message` is a sentence.
RenderedPage render_problem(int status, const std::string& message, PageFormat format);

/// The one style sheet, served as /style.css.
extern const char* const style_sheet;
/// Served as /icon.svg.
extern const char* const icon;
/// No script, nothing from elsewhere, no framing, forms to ourselves only.
inline constexpr const char* content_security_policy =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

// What several pages and the command line use.

/// A word with a colour; the word says it all, the colour repeats it. `kind`: ok, warn, bad, idle.
Markup pill(std::string_view text, std::string_view kind);
/// Of a span, a cycle, an actor or an Application.
std::string_view kind_of(std::string_view state);
/// "12 s ago", with the exact time in its title; a dash where there is none.
Markup ago(const Json& timestamp, const Json& now);
std::string ago_text(const Json& timestamp, const Json& now);
Json timestamp_or_null(const std::optional<WallTime>& time);

PageModel overview_model(const PageSources&, const Query&);
Markup overview_body(const Json&);
std::string overview_text(const Json&);
PageModel actors_model(const PageSources&, const Query&);
Markup actors_body(const Json&);
std::string actors_text(const Json&);
PageModel traces_model(const PageSources&, const Query&);
Markup traces_body(const Json&);
std::string traces_text(const Json&);
PageModel applications_model(const PageSources&, const Query&);
Markup applications_body(const Json&);
std::string applications_text(const Json&);
PageModel configuration_model(const PageSources&, const Query&);
Markup configuration_body(const Json&);
std::string configuration_text(const Json&);
PageModel log_model(const PageSources&, const Query&);
Markup log_body(const Json&);
std::string log_text(const Json&);

} // namespace runtime_agent::app
