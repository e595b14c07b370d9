#include "app/pages/page.hpp"

namespace runtime_agent::app {

// One column that grows into a grid; tables become cards below 760 px, so that nothing needs sideways scrolling.
// Colours are variables, dark ones by the reader's preference; each status says its word as well.
const char* const style_sheet = R"css(
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --ink: #18202b; --quiet: #586375; --line: #dce1e8; --head: #10243e; --head-ink: #eef3fa;
  --accent: #0a5fb4; --ok: #11683a; --ok-bg: #dcf3e5; --warn: #8a4b00; --warn-bg: #fdeccf; --bad: #b01224; --bad-bg: #fde1e3;
  --idle: #465063; --idle-bg: #e8ebf0; --net: #6a3fb5; --shade: 0 1px 2px rgb(16 24 40 / .06), 0 1px 8px rgb(16 24 40 / .04);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f141b; --card: #18202a; --ink: #e6ebf2; --quiet: #9aa7b8; --line: #2b3644; --head: #0a1018; --head-ink: #e6ebf2;
    --accent: #78b4f5; --ok: #79d9a0; --ok-bg: #12351f; --warn: #f5c069; --warn-bg: #3d2a08; --bad: #ff9aa2; --bad-bg: #47151b;
    --idle: #b3bfcd; --idle-bg: #2a3442; --net: #bfa3f5; --shade: none;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: .06em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
code { font: .9em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.inside { width: min(100%, 1440px); margin: 0 auto; padding: 0 clamp(12px, 2.4vw, 32px); }
.skip { position: absolute; left: -999px; } .skip:focus { left: 8px; top: 8px; background: var(--card); padding: .4rem .8rem; z-index: 2; }
header { background: var(--head); color: var(--head-ink); }
header .inside { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem 1.6rem; padding-top: .55rem; padding-bottom: .55rem; }
header a { color: inherit; text-decoration: none; }
.brand { font-weight: 650; display: inline-flex; align-items: center; gap: .55rem; letter-spacing: .01em; }
nav { display: flex; flex-wrap: wrap; gap: .1rem .25rem; }
nav a { padding: .3rem .7rem; border-radius: 6px; color: #b9c7da; }
nav a:hover { background: rgb(255 255 255 / .09); color: #fff; }
nav a[aria-current] { background: rgb(255 255 255 / .15); color: #fff; font-weight: 600; }
main { padding-bottom: 4rem !important; }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0 1.5rem; margin: 1.3rem 0 .6rem; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.08rem; margin: 0 0 .6rem; }
.aside { margin: 0; color: var(--quiet); font-size: .875rem; } .aside a { margin-right: .8rem; }
.lead { color: var(--quiet); max-width: 76ch; margin: 0 0 1.1rem; }
.quiet { color: var(--quiet); font-weight: 400; } h2 .quiet { font-size: .875rem; }
section { margin: 1.9rem 0 0; }
.hero { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .7rem; margin: 0 0 1rem; } .hero .pill { font-size: 1rem; padding: .25rem .85rem; }
.pill { display: inline-block; padding: .05rem .6rem; border-radius: 99px; font-size: .84rem; font-weight: 600; line-height: 1.5;
  background: var(--idle-bg); color: var(--idle); }
.pill.ok { background: var(--ok-bg); color: var(--ok); } .pill.warn { background: var(--warn-bg); color: var(--warn); }
.pill.bad { background: var(--bad-bg); color: var(--bad); }
.pill.ok::before { content: "\2713\00a0"; } .pill.bad::before { content: "\2715\00a0"; } .pill.warn::before { content: "!\00a0"; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 215px), 1fr)); gap: .8rem; }
.tile { display: flex; flex-direction: column; gap: .1rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .85rem 1rem; color: inherit; text-decoration: none; box-shadow: var(--shade); }
.tile:hover { border-color: var(--accent); }
.tile .label { color: var(--quiet); font-size: .875rem; } .tile .value { font-size: 1.5rem; font-weight: 620; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile .detail { font-size: .875rem; color: var(--quiet); }
meter { width: 4.2rem; height: .8rem; vertical-align: -.08rem; }
.notice { border: 1px solid var(--line); border-left: 4px solid var(--idle); background: var(--card); border-radius: 8px; padding: .65rem .9rem; margin: 0 0 1rem; }
.notice.ok { border-left-color: var(--ok); } .notice.bad { border-left-color: var(--bad); }
.problems { list-style: none; margin: 0; padding: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.problems li { padding: .55rem .95rem; } .problems li + li { border-top: 1px solid var(--line); }
.problems a { font-weight: 600; margin-right: .4rem; }
.facts, .numbers { display: flex; flex-wrap: wrap; gap: .5rem 1.8rem; margin: 0; }
dt { color: var(--quiet); font-size: .82rem; } dd { margin: 0; font-variant-numeric: tabular-nums; }
.facts { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1rem; }
.tree .root { margin: 0; display: inline-block; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .5rem 1rem; }
.tree ul { list-style: none; margin: 0 0 0 1.1rem; padding: 0; }
.tree li { position: relative; padding: .8rem 0 0 1.4rem; border-left: 2px solid var(--line); }
.tree li:last-child { border-left-color: transparent; }
.tree li::before { content: ""; position: absolute; left: -2px; top: 0; width: 1.4rem; height: 2.2rem; border: solid var(--line); border-width: 0 0 2px 2px; border-bottom-left-radius: 9px; }
article { position: relative; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1rem; box-shadow: var(--shade); }
article h2 { display: flex; flex-wrap: wrap; gap: .3rem .7rem; align-items: center; }
@media (min-width: 900px) { article { display: grid; grid-template-columns: minmax(19rem, 25rem) 1fr; align-items: center; } article h2 { margin: 0; } article p { grid-column: 1 / -1; } }
article p { margin: .6rem 0 0; font-size: .93rem; }
.cause { color: var(--bad); } .warn-text { color: var(--warn); font-weight: 650; } .bad-text { color: var(--bad); font-weight: 650; }
.filters { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0 0 1rem; }
.filters a { border: 1px solid var(--line); background: var(--card); border-radius: 99px; padding: .15rem .8rem; text-decoration: none; font-size: .93rem; }
.filters a[aria-current] { border-color: var(--accent); font-weight: 650; }
table { width: 100%; border-collapse: separate; border-spacing: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; font-size: .95rem; }
th, td { text-align: left; padding: .5rem .9rem; vertical-align: top; font-weight: 400; }
thead th { color: var(--quiet); font-size: .82rem; font-weight: 600; overflow-wrap: normal; } tbody tr > * { border-top: 1px solid var(--line); }
tbody th { font-weight: 600; min-width: 12ch; } .under { display: block; font-weight: 400; color: var(--quiet); font-size: .875rem; }
td time, td .pill { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; } .none { color: var(--quiet); }
@media (max-width: 760px) {
  table.stack, .stack tbody, .stack tr, .stack th, .stack td { display: block; border: 0; }
  .stack thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .stack { background: none; border: 0; }
  .stack tr { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .5rem .9rem; margin-bottom: .6rem; }
  .stack th, .stack td { padding: .12rem 0; text-align: left; border: 0 !important; }
  .stack td[data-label]::before { content: attr(data-label); display: inline-block; width: 7.2rem; color: var(--quiet); font-size: .875rem; }
  .buckets td.none { display: none; }
}
.spans, .spans ul { list-style: none; margin: 0; padding: 0; }
.spans { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .6rem 1rem .8rem; font-size: .93rem; }
.spans ul { padding-left: clamp(5px, 1.1vw, 18px); margin-left: 3px; border-left: 1px solid var(--line); }
.span { position: relative; display: flex; flex-wrap: wrap; gap: 0 .8rem; padding: .2rem 0 .28rem; }
.span .when { color: var(--quiet); font-variant-numeric: tabular-nums; } .span.wrong .what { color: var(--bad); font-weight: 600; }
.waterfall { position: absolute; left: 0; bottom: 0; width: 100%; height: 3px; } .waterfall rect { fill: var(--accent); opacity: .5; }
.waterfall .bad { fill: var(--bad); opacity: 1; } .waterfall .warn { fill: var(--warn); opacity: 1; }
.sequence { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .6rem; }
.chart { display: block; width: 100%; height: auto; margin: 0 auto; font-family: inherit; }
.chart.wide { max-width: 1300px; } .chart.narrow { display: none; max-width: 560px; }
@media (max-width: 760px) { .sequence { padding: .3rem .1rem; } .chart.wide { display: none; } .chart.narrow { display: block; } }
.chart text { fill: var(--ink); font-size: 12px; } .chart .lane { text-anchor: middle; font-weight: 650; font-size: 12.5px; }
.chart.narrow .lane { font-size: 10.5px; } .chart.narrow text.label { font-size: 10.5px; } .chart.narrow text.times { font-size: 9.5px; }
.chart .times, .chart .offset { fill: var(--quiet); font-size: 10.5px; }
.chart .life { stroke: var(--line); stroke-width: 2; } .chart .far { stroke-dasharray: 3 5; }
.chart .bar { fill: var(--accent); stroke: var(--card); } .chart .call .bar { fill: var(--card); stroke: var(--accent); stroke-dasharray: 3 2; }
.chart .arrow { stroke: var(--accent); stroke-width: 1.5; fill: none; } .chart .tip { fill: var(--accent); }
.chart .net .arrow { stroke: var(--net); stroke-dasharray: 5 3; } .chart .net .tip, .chart .net .dot { fill: var(--net); }
.chart .bad .arrow { stroke: var(--bad); stroke-width: 2; } .chart .bad .tip, .chart .bad .dot, .chart .bad .bar { fill: var(--bad); stroke: var(--bad); }
.chart .bad .label, .chart .bad .times { fill: var(--bad); font-weight: 650; } .chart .warn .times { fill: var(--warn); }
.chart .restart .bar { fill: var(--bad-bg); stroke: var(--bad); stroke-dasharray: 4 3; }
.chart .label, .chart .times { paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
.choices ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem; max-width: 640px; }
.choices li { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .6rem .9rem; }
button { font: inherit; font-weight: 600; min-width: 6.5rem; padding: .3rem .9rem; border-radius: 7px; border: 1px solid var(--accent); background: none; color: var(--accent); cursor: pointer; }
button[aria-pressed="true"] { background: var(--accent); color: var(--card); }
)css";

const char* const icon =
    R"svg(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#2f7fd6"/><g fill="none" stroke="#fff" stroke-width="1.8"><path d="M6.5 7.5h11M6.5 12h7m-7 4.5h11"/></g><g fill="#fff"><circle cx="6.5" cy="7.5" r="2"/><circle cx="13.5" cy="12" r="2"/><circle cx="17.5" cy="16.5" r="2"/></g></svg>)svg";

} // namespace runtime_agent::app
