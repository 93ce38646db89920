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
    const panel = state.panels[host.dataset.slot];
    host.hidden = !panel;
    if (!panel) continue;
    host.classList.toggle("old", stale(panel.as_of));
    const time = host.querySelector("header small");
    const note = head(panel);
    const { as_of, ...content } = panel;
    if (!changed(host, content)) { if (time) time.textContent = note; continue; }
    host.dataset.kind = panel.kind;
    fill(host, [
      node("header", {}, [node("h2", {}, link(panel.href, {}, panel.title)), node("small", { "data-tip": note }, note)]),
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

function table({ columns = [], rows, as_of }) {
  const said = rows.map(row => row.cells.map(cell => today(String(cell ?? "—"), as_of)));
  const badged = rows.some((row, i) => row.level && !said[i].some(isLevel));
  const wants = columns.map((name, c) => Math.max(wide(name), ...said.map(cells => wide(cells[c] ?? ""))) + (badged && c === 0 ? 3 : 0));
  const firm = columns.map((_, c) => said.every(cells => isFigure(cells[c] ?? "—")));
  const cell = (text, row, c) => node("span", { role: "cell", title: String(row.cells[c]) }, [
    badged && c === 0 ? badge(row.level) : "",
    isLevel(text) && row.level ? badge(row.level) : node("span", { class: isFigure(text) ? "" : "text" }, text),
  ]);
  return node("div", { class: "grid", role: "table", style: `--tracks:${shares(wants, firm).map(w => `minmax(0,${w}fr)`).join(" ")}` }, [
    node("div", { class: "head", role: "row" }, columns.map(name => node("span", { role: "columnheader" }, name))),
    node("div", { class: "roll", role: "rowgroup" }, rows.map((row, i) => link(row.href, { class: `row${row.late ? " late" : ""}`, role: "row" }, said[i].map((text, c) => cell(text, row, c))))),
  ]);
}

const isLevel = text => /^[ⅠⅡⅢⅣ]级$/.test(text);
const wide = text => [...String(text)].reduce((sum, sign) => sum + (sign.charCodeAt(0) > 255 ? 1 : sign === "m" ? .9 : .54), 0);

// The day is said once, in the panel's head: a row of the same day needs only the hour, one of the same month its day.
function today(text, at) {
  const [, month, day, hour] = text.match(/^(\d\d)-(\d\d) (\d\d:\d\d)$/) ?? [];
  if (!at || month !== at.slice(5, 7)) return text;
  return day === at.slice(8, 10) ? hour : `${Number(day)}日${hour}`;
}

const isFigure = text => /^[\d.:\-—]+(日[\d:]+| ?[a-zA-Z/%³²]*)$/.test(text);

// Columns of words give up width from the widest down until the row fits; figures are never cut.
function shares(wants, firm) {
  const room = 22.4 - .53 * (wants.length - 1), got = [...wants];
  while (got.reduce((a, b) => a + b, 0) > room) {
    const most = got.indexOf(Math.max(...got.filter((_, i) => !firm[i])));
    if (most < 0 || got[most] <= 3) break;
    got[most] -= .25;
  }
  return got.map(w => Math.round(w * 100) / 100);
}

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

const counted = n => link(n.href, { "data-tip": `${n.label}\n口径 ${n.definition}` }, [n.label, " ", node("b", {}, String(n.value)), ` ${n.unit}`]);

const fact = row => (row.numbers
  ? node("dd", { class: "numbers" }, row.numbers.map(counted))
  : node("dd", { title: row.value }, link(row.href, {}, row.value || "—")));

export function card(host, event) {
  host.hidden = !event;
  if (!event || !changed(host, event)) return;
  const clocks = event.clocks.map(c => node("li", {}, [node("span", {}, c.label), c.due ? node("time", { class: "clock", "data-due": c.due, "data-done": c.done }) : node("span", { class: "none" }, "无时限")]));
  const late = event.late.map(l => node("li", {}, link(l.href, {}, [node("span", {}, l.text), l.since ? node("time", { class: "clock late", "data-due": l.since }) : ""])));
  fill(host, [
    node("header", {}, [badge(event.level), node("h2", {}, link(event.href, {}, event.title)), node("span", { class: "state now" }, event.state)]),
    node("dl", {}, event.rows.map(r => node("div", {}, [node("dt", {}, r.label), fact(r)]))),
    node("div", { class: "due" }, [
      node("section", { class: late.length ? "overdue" : "" }, [node("h3", {}, event.overdue.value ? counted(event.overdue) : "没有迟的事"), node("ul", {}, late)]),
      clocks.length ? node("section", {}, [node("h3", {}, "时限"), node("ul", {}, clocks)]) : "",
    ]),
  ]);
}
