// The title band: the world's time at its pace, its mark, its state, who is on duty, which signals are up.
import { Pace, parts, run } from "../desk/clock.js";
import { SIGNAL, fill, node } from "./draw.js";

export const pace = new Pace({ now: 0, speed: 0 });
const $ = id => document.getElementById(id);
let known = false;

export function band(state) {
  const { world } = state;
  if (!known || world.speed <= 1 || world.paused) pace.set(world);  // a replay tells its time by itself, a state may be older
  known = true;
  for (const kind of ["actual", "exercise", "replay"]) document.body.classList.toggle(kind, world.kind === kind);
  $("title").textContent = world.kind === "actual" ? "青岛市应急指挥一张图" : world.title;
  const mark = world.mark || { exercise: "【演练】", replay: "【回放】历史重演,序列为重建 / 合成" }[world.kind] || "";
  const [, short = "", rest = ""] = mark.match(/^(【.*?】[^::,,]*)[::,,]?(.*)$/) ?? [null, mark];
  $("mark").textContent = short;
  $("mark").dataset.tip = mark;
  $("mark-note").textContent = rest;
  $("pace").textContent = world.paused ? "已暂停" : world.speed !== 1 ? `${world.speed} 倍速` : "";
  const level = state.level ?? state.event?.level;
  $("state").textContent = state.state_word;
  $("state").className = state.level || /应急响应/.test(state.state_word) ? `badge level-${level}` : "plain";
  signals(state.signals);
  duty(state.duty);
}

function signals(rows) {
  fill($("signals"), rows.length
    ? rows.slice(0, 3).map(s => node("a", { class: `badge level-${SIGNAL[s.colour] ?? s.colour}`, href: s.href }, s.text))
    : [node("span", { class: "none" }, "预警信号 无")]);
  if (rows.length > 3) $("signals").append(node("span", { class: "soft" }, `等 ${rows.length} 个`));
}

function duty(rows) {
  const name = row => node("span", {}, [node("i", {}, row.label), node("b", {}, row.name), row.phone ? node("a", { href: `tel:${row.phone}` }, row.phone) : ""]);
  fill($("duty"), rows.length ? rows.slice(0, 3).map(name) : [node("span", {}, [node("i", {}, "值班"), node("b", { class: "unset" }, "未配置")])]);
}

export function follow() {
  run(pace);
  const beat = () => {
    if (!known) return;
    const at = parts(pace.now());
    $("time").textContent = at.time;
    $("day").textContent = `${at.day} ${at.weekday}`;
  };
  beat();
  setInterval(beat, 250);
}
