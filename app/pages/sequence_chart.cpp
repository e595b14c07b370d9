#include <algorithm>
#include <array>
#include <map>

#include "app/pages/cycle.hpp"
#include "app/pages/page.hpp"
#include "app/presentation/quantities.hpp"
#include "app/presentation/text_table.hpp"

namespace runtime_agent::app {
namespace {

struct Lane {
  const char* name;
  const char* shown;
  const char* abbreviation;
};
constexpr std::array lanes = {
    Lane{"ConfigWatcher", "ConfigWatcher", "Config"}, Lane{"ConnectionManager", "ConnectionManager", "Connect"},
    Lane{"DirectorFetcher", "DirectorFetcher", "Fetcher"},
    Lane{"ApplicationReconciler", "ApplicationReconciler", "Reconc."}, Lane{"StatusWriter", "StatusWriter", "Status"}};
constexpr std::size_t outside = lanes.size(); // Connector, Director, Kubernetes
constexpr std::size_t nowhere = outside + 1;  // begins with a person, a timer, or a process that starts

/// Sizes in units of the drawing: pixels where it is shown at its own width.
struct Layout {
  const char* name; ///< class
  double width;
  double first;        ///< x of the first lifeline
  double step;         ///< between lifelines
  double row;          ///< height of a span
  double head;         ///< height of the actors' names
  std::size_t longest; ///< characters of a label
  bool abbreviated;
};
constexpr Layout wide{"wide", 1100, 128, 172, 34, 44, 44, false};
constexpr Layout narrow{"narrow", 360, 34, 58, 44, 34, 40, true};

std::size_t lane_of(const std::string& actor) {
  for (std::size_t i = 0; i < lanes.size(); ++i)
    if (actor == lanes[i].name)
      return i;
  return nowhere;
}

std::string number(double value) {
  return fmt::format("{:.1f}", value);
}

std::string cut(const std::string& label, std::size_t longest) {
  std::string text = printable(label);
  if (display_width(text) <= longest)
    return text;
  std::size_t bytes = 0;
  for (std::size_t characters = 0; bytes < text.size(); ++bytes)
    if ((static_cast<unsigned char>(text[bytes]) & 0xc0) != 0x80 && characters++ == longest - 1)
      break;
  return text.substr(0, bytes) + "…";
}

/// A span with the lifelines that it touches.
struct Row {
  const Json* span;
  std::size_t from;
  std::size_t to;
};

/// The actor for which a request was made: that of the call above it.
std::size_t caller_of(const Json& span, const std::map<std::string, const Json*>& by_id) {
  const Json* at = &span;
  for (int steps = 0; steps < 100 && at != nullptr; ++steps) {
    const std::size_t lane =
        lane_of((*at)[(*at)["kind"] == "call" ? "sender" : "receiver"].get_ref<const std::string&>());
    if (lane != nowhere)
      return lane;
    const auto above = (*at)["parent"].is_string() ? by_id.find((*at)["parent"].get<std::string>()) : by_id.end();
    at = above == by_id.end() ? nullptr : above->second;
  }
  return nowhere;
}

std::vector<Row> rows_of(const Json& cycle) {
  std::map<std::string, const Json*> by_id;
  for (const Json& span : cycle["spans"])
    by_id.emplace(span["span"].get<std::string>(), &span);
  std::vector<Row> rows;
  for (const Json& span : cycle["spans"]) {
    const auto kind = span["kind"].get<std::string>();
    const std::size_t receiver = lane_of(span["receiver"].get_ref<const std::string&>());
    if (kind == "request")
      rows.push_back({&span, caller_of(span, by_id), outside});
    else if (kind == "call")
      rows.push_back({&span, lane_of(span["sender"].get_ref<const std::string&>()), nowhere});
    else if (kind == "message")
      rows.push_back({&span, lane_of(span["sender"].get_ref<const std::string&>()), receiver});
    else
      rows.push_back({&span, receiver, nowhere});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return (*a.span)["startedSeconds"].get<double>() < (*b.span)["startedSeconds"].get<double>();
  });
  return rows;
}

std::string label_of(const Json& span) {
  const auto kind = span["kind"].get<std::string>();
  auto name = span["name"].get<std::string>();
  if (kind == "request")
    return span["receiver"].get<std::string>() + ": " + name;
  if (kind == "message")
    return name;
  if (kind == "start")
    return "starts";
  return kind == "restart" ? "down until its restart" : kind + " " + name;
}

std::string times_of(const Json& span) {
  const double waited = span["waitedSeconds"].get<double>();
  std::string text = duration_text(span["durationSeconds"].get<double>());
  if (span["kind"] == "message" || span["kind"] == "answer" || span["kind"] == "event" || span["kind"] == "timer")
    text = "queued " + duration_text(waited) + ", handled " + text;
  if (span["status"] != 0)
    text += " · " + span["status"].dump();
  if (span["bytesReceived"] != 0)
    text += " · " + bytes_text(span["bytesReceived"].get<std::uint64_t>());
  if (span["outcome"] != "ok") {
    text = "✕ " + span["outcome"].get<std::string>() +
           (span["detail"] == "" ? "" : ": " + span["detail"].get<std::string>()) + " · " + text;
  }
  return text;
}

class Chart {
public:
  Chart(const Layout& layout, const std::vector<Row>& rows, std::size_t shown)
      : layout_(layout), rows_(rows), shown_(shown),
        height_(layout.head + static_cast<double>(shown) * layout.row + 16) {}

  Markup draw() {
    lifelines();
    for (std::size_t i = 0; i < shown_; ++i)
      row(rows_[i], layout_.head + (static_cast<double>(i) + 0.5) * layout_.row + 6);
    return html(
        R"(<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-label="Sequence chart: {} spans; the tree below says the same in words">{}</svg>)",
        layout_.name, number(layout_.width), number(height_), shown_, parts_);
  }

private:
  double x(std::size_t lane) const { return layout_.first + static_cast<double>(lane) * layout_.step; }

  void lifelines() {
    for (std::size_t i = 0; i <= outside; ++i) {
      const char* name = i == outside          ? (layout_.abbreviated ? "outside" : "Compass, Kubernetes")
                         : layout_.abbreviated ? lanes[i].abbreviation
                                               : lanes[i].shown;
      parts_ +=
          html(R"(<line class="life{}" x1="{}" y1="{}" x2="{}" y2="{}"/><text class="lane" x="{}" y="{}">{}</text>)",
               i == outside ? " far" : "", number(x(i)), number(layout_.head - 10), number(x(i)), number(height_ - 4),
               number(x(i)), number(layout_.head - 18), name);
    }
  }

  void row(const Row& row, double y) {
    const Json& span = *row.span;
    const auto kind = span["kind"].get<std::string>();
    const std::string_view tone = span["outcome"] == "ok" ? (kind == "restart"   ? "bad"
                                                             : kind == "request" ? "net"
                                                                                 : "ok")
                                                          : (span["outcome"] == "dropped" ? "warn" : "bad");
    Markup content = html("<title>{} – {}</title>", span_title(span), times_of(span));
    if (!layout_.abbreviated)
      content += html(R"(<text class="offset" x="4" y="{}">+{}</text>)", number(y + 4),
                      duration_text(std::max(span["startedSeconds"].get<double>(), 0.0)));
    const std::size_t at = kind == "message" ? row.to : row.from;
    if (kind == "request" || (kind == "message" && row.from != nowhere && row.from != row.to))
      content += arrow(x(row.from == nowhere ? 0 : row.from), x(row.to == nowhere ? 0 : row.to), y);
    if (kind == "request")
      content += html(R"(<circle class="dot" cx="{}" cy="{}" r="4"/>)", number(x(outside)), number(y));
    else if (at != nowhere)
      content += bar(x(at), y, kind);
    content += words(row, kind, y);
    parts_ += html(R"(<g class="{} {}">{}</g>
)",
                   tone, kind, content);
  }

  static Markup arrow(double from, double to, double y) {
    const double direction = to > from ? -1 : 1;
    const double tip = to + direction * 6;
    return html(R"(<path class="arrow" d="M{} {}H{}"/><path class="tip" d="M{} {}l{} -4v8z"/>)", number(from),
                number(y), number(tip), number(tip + direction * -1), number(y), number(direction * 8));
  }

  Markup bar(double at, double y, const std::string& kind) const {
    const double height = layout_.row * (kind == "restart" ? 0.9 : 0.56);
    return html(R"(<rect class="bar" x="{}" y="{}" width="10" height="{}" rx="3"/>)", number(at - 5),
                number(y - height / 2), number(height));
  }

  /// Two lines: what it is above the row's middle, how long it took below. They stand beside the lifelines, on the side
  /// where there is room.
  Markup words(const Row& row, const std::string& kind, double y) const {
    const std::string label = cut(label_of(*row.span), layout_.longest);
    const std::string times = cut(times_of(*row.span), layout_.longest + 12);
    const bool between = kind == "request" || (kind == "message" && row.from != nowhere && row.from != row.to);
    const std::size_t left =
        between ? std::min(row.from == nowhere ? 0 : row.from, row.to) : (kind == "message" ? row.to : row.from);
    double at = x(left == nowhere ? 0 : left) + 12;
    const char* anchor = "start";
    const double needed =
        static_cast<double>(std::max(display_width(label), display_width(times))) * (layout_.abbreviated ? 5.4 : 6.3);
    if (at + needed > layout_.width - 4) {
      at = layout_.abbreviated || between ? layout_.width - 6 : x(left) - 12;
      anchor = "end";
    }
    return html(
        R"(<text class="label" x="{}" y="{}" text-anchor="{}">{}</text><text class="times" x="{}" y="{}" text-anchor="{}">{}</text>)",
        number(at), number(y - 4), anchor, label, number(at), number(y + 12), anchor, times);
  }

  const Layout& layout_;
  const std::vector<Row>& rows_;
  const std::size_t shown_;
  const double height_;
  Markup parts_;
};

} // namespace

Markup sequence_chart(const Json& cycle) {
  const std::vector<Row> rows = rows_of(cycle);
  const std::size_t shown = std::min(rows.size(), rows_in_chart);
  Markup more;
  if (shown < rows.size())
    more = html(R"(<p class="quiet">The chart shows the first {} of {} spans; the tree below has all.</p>)", shown,
                rows.size());
  return html(R"(<figure class="sequence">{}{}</figure>{})", Chart(wide, rows, shown).draw(),
              Chart(narrow, rows, shown).draw(), more);
}

} // namespace runtime_agent::app
