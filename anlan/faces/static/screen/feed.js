// What happened, newest first: a time axis of marks and a row of lines. A new line pulses once.
import { badge, fill, link, node } from "./draw.js";
import { parts } from "../desk/clock.js";

const KEEP = 60, SHOWN = 12;

export class Feed {
  constructor(list, axis, pace) { Object.assign(this, { list, axis, pace, items: [], fresh: new Set() }); }

  fill(items) {
    const known = new Map(this.items.map(item => [item.id, item]));
    for (const item of items) known.set(item.id, item);
    this.take([...known.values()]);
  }

  add(item) {
    if (this.items.some(old => old.id === item.id)) return;
    this.fresh.add(item.id);
    this.take([item, ...this.items]);
  }

  take(items) {
    this.items = items.sort((a, b) => b.id - a.id).slice(0, KEEP);
    const said = this.items.map(item => item.id).join();
    if (said !== this.said) this.draw();
    this.said = said;
    this.mark();
  }

  draw() {
    fill(this.list, this.items.length ? this.items.slice(0, SHOWN).map(item => this.row(item)) : [node("li", { class: "none" }, "暂无动态")]);
    this.fresh.clear();
  }

  row(item) {
    return node("li", { class: this.fresh.has(item.id) ? "fresh" : "" }, link(item.href, { "data-tip": `${item.at.slice(0, 10)} ${item.at.slice(11, 19)}${item.who ? ` ${item.who}` : ""}\n${item.text}` }, [
      node("time", {}, item.at.slice(11, 16)), badge(item.level), node("span", { class: "text" }, item.text),
    ]));
  }

  mark() {
    const times = this.items.map(item => Date.parse(item.at)), now = this.pace.now();
    const from = Math.min(now - 3_600_000, ...times), width = now - from || 1;
    const marks = this.items.map((item, i) => link(item.href, { tabindex: "-1", class: item.level ? `level-${item.level}` : "", style: `left:${Math.min(100, (times[i] - from) / width * 100)}%`, "data-tip": `${item.at.slice(11, 16)} ${item.text}` }));
    const ticks = [0, .25, .5, .75].map(share => node("span", { style: `left:${share * 100}%` }, width > 86_400_000 ? parts(from + width * share).stamp : parts(from + width * share).clock));
    fill(this.axis, [...ticks, ...marks]);
  }
}
