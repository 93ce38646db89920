// Six panels, the counters and the event card. A part is redrawn only when its data changed, so scrolling is not lost.
import { badge, fill, link, node, number, stamp } from "./draw.js";
import { pace } from "./clock.js";
import { lines } from "./charts.js";
import { roll } from "./roll.js";

const STALE = 15 * 60_000;
const drawn = new WeakMap();

function changed(host, data) {
  const said = JSON.stringify(data);
  if (drawn.get(host) === said) return false;
  drawn.set(host, said);
  return true;
}

const stale = at => Boolean(at) && pace.now() - Date.parse(at) > STALE * Math.max(1, pace.speed);

export function counters(left, right, strip, at) {
  if (!changed(left, strip)) return;
  const half = Math.ceil(strip.length / 2), made = strip.map(row => number(row, { at }));
  fill(left, made.slice(0, half));
  fill(right, made.slice(half));
}

export function panels(state) {
  for (const host of document.querySelectorAll("[data-slot]")) {
    const panel = state.panels.find(p => p.slot === host.dataset.slot);
    host.hidden = !panel;
    if (!panel) continue;
    host.classList.toggle("old", stale(panel.as_of));
    const time = host.querySelector("header small");
    const note = head(panel);
    const { as_of, ...content } = panel;
    if (!changed(host, content)) { if (time) time.textContent = note; continue; }
    host.dataset.kind = panel.kind;
    fill(host, [
      node("header", {}, [node("h2", {}, link(panel.href, {}, panel.title)), node("small", {}, note)]),
      node("div", { class: "body" }, KINDS[panel.kind](panel)),
    ]);
    host.querySelectorAll(".roll").forEach(roll);
    if (panel.kind === "line" && panel.line.series.length) lines(host.querySelector(".plot"), panel.line);
  }
}

const head = panel => (panel.as_of ? `截至 ${stamp(panel.as_of)}${panel.source ? ` ${panel.source}` : ""}` : "无数据时间");
const empty = panel => [node("p", { class: "empty" }, panel.empty || "无")];

const KINDS = {
  numbers: panel => panel.numbers?.length
    ? [node("div", { class: `figures n${Math.min(panel.numbers.length, 6)}` }, panel.numbers.map(row => number(row, { source: panel.source, at: panel.as_of })))]
    : empty(panel),
  table: panel => panel.rows?.length ? [table(panel)] : empty(panel),
  bars: panel => panel.bars?.length ? [node("ul", { class: "bars roll" }, panel.bars.map(bar))] : empty(panel),
  steps: panel => panel.rows?.length ? [node("ol", { class: "steps roll" }, panel.rows.map(step))] : empty(panel),
  line: panel => panel.line?.series.length ? [node("div", { class: "plot" })] : empty(panel),
};

function table({ columns = [], rows }) {
  const cells = row => row.cells.map((cell, i) => node("span", { role: "cell", title: cell }, i === 0 ? [badge(/级$/.test(row.cells[1]) ? null : row.level), node("span", { class: "text" }, String(cell))] : mark(cell, row)));
  const widths = columns.map((_, i) => Math.max(...[columns[i], ...rows.map(r => String(r.cells[i] ?? ""))].map(wide)));
  const grid = `grid-template-columns:${widths.map((w, i) => (i === 0 ? `minmax(0,${Math.min(w + 4, 18)}fr)` : w > 9 ? `minmax(0,${Math.min(w, 18)}fr)` : "auto")).join(" ")}`;
  return node("div", { class: "grid", role: "table", style: grid }, [
    node("div", { class: "head", role: "row" }, columns.map(c => node("span", { role: "columnheader" }, c))),
    node("div", { class: "roll", role: "rowgroup" }, rows.map(row => link(row.href, { class: `row${row.late ? " late" : ""}`, role: "row" }, cells(row)))),
  ]);
}

const wide = text => [...String(text)].reduce((sum, sign) => sum + (sign.charCodeAt(0) > 255 ? 2 : 1.1), 0) / 2;
const mark = (cell, row) => (/^[ⅠⅡⅢⅣ]级$/.test(cell) && row.level ? badge(row.level) : String(cell));

function bar(row) {
  const share = row.total ? Math.min(1, row.value / row.total) : 0;
  const said = row.total ? [node("b", {}, String(row.value)), node("small", {}, ` / ${row.total}`)] : [node("b", {}, String(row.value))];
  return node("li", {}, link(row.href, { "data-tip": `${row.label}\n${row.value}${row.total ? ` / ${row.total}(${Math.round(share * 100)}%)` : ""}` }, [
    node("span", {}, row.label), node("i", {}, node("u", { style: `width:${share * 100}%` })), node("p", {}, said),
  ]));
}

function step(row) {
  const [what, ...rest] = row.cells;
  return node("li", { class: `${row.late ? "late" : ""}${row.done ? " done" : ""}` }, link(row.href, {}, [
    node("p", {}, [badge(row.level), node("span", { class: "text" }, what), row.late ? node("em", {}, "超时") : ""]), node("small", {}, rest.filter(Boolean).join(" · ")),
  ]));
}

export function card(host, event) {
  host.hidden = !event;
  if (!event || !changed(host, event)) return;
  const clocks = event.clocks.map(c => node("li", {}, [node("span", {}, c.label), c.due ? node("time", { class: "clock", "data-due": c.due, "data-done": c.done }) : node("span", { class: "none" }, "无时限")]));
  const late = event.late.map(l => node("li", {}, link(l.href, {}, [node("span", {}, l.text), l.since ? node("time", { class: "clock late", "data-due": l.since }) : ""])));
  fill(host, [
    node("header", {}, [badge(event.level), node("h2", {}, link(event.href, {}, event.title)), node("span", { class: "state now" }, event.state)]),
    node("dl", {}, event.rows.map(r => node("div", {}, [node("dt", {}, r.label), node("dd", { title: r.value }, r.value || "—")]))),
    node("div", { class: "due" }, [
      node("section", { class: late.length ? "overdue" : "" }, [node("h3", {}, late.length ? `迟了 ${late.length} 件` : "没有迟的事"), node("ul", {}, late)]),
      clocks.length ? node("section", {}, [node("h3", {}, "时限"), node("ul", {}, clocks)]) : "",
    ]),
  ]);
}
