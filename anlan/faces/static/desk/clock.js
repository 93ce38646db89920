// Clocks that run at the pace of the page's world: <time data-due>, <time data-since>, <time data-clock>.

const HOLD = 2500;

export class Pace {
  constructor({ now, speed = 1, paused = false }) { this.set({ now, speed, paused }); }

  set({ now, speed = 1, paused = false }) {
    this.start = new Date(now).getTime();
    this.speed = paused ? 0 : Number(speed);
    this.mark = performance.now();
  }

  // A fast world's clock waits for news: it may be held up, and then it has not run on.
  now() {
    const gone = performance.now() - this.mark;
    return this.start + (this.speed > 1 ? Math.min(gone, HOLD) : gone) * this.speed;
  }
}

export function span(ms) {
  const s = Math.floor(Math.abs(ms) / 1000), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  if (h >= 24) return `${Math.floor(h / 24)}天${h % 24}小时`;
  if (h) return `${h}小时${String(m).padStart(2, "0")}分`;
  return `${m}分${String(s % 60).padStart(2, "0")}秒`;
}

export const SOON = 10 * 60_000;

export function paint(time, now) {
  const { due, since, done } = time.dataset;
  if (since) { set(time, span(now - Date.parse(since))); return; }
  const left = Date.parse(due) - (done ? Date.parse(done) : now);
  const late = left < 0;
  set(time, done ? (late ? `逾期 ${span(left)}` : "按时") : `${late ? "超" : "剩"} ${span(left)}`);
  time.classList.toggle("late", late);
  time.classList.toggle("soon", !done && !late && left < SOON);
  time.classList.toggle("done", Boolean(done) && !late);
}

function set(node, text) { if (node.textContent !== text) node.textContent = text; }

const shanghai = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Asia/Shanghai", year: "numeric", month: "numeric", day: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const weekday = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", weekday: "long" });

export function parts(ms) {
  const p = Object.fromEntries(shanghai.formatToParts(ms).map(({ type, value }) => [type, value]));
  return {
    day: `${p.year}年${p.month}月${p.day}日`, weekday: weekday.format(ms),
    time: `${p.hour}:${p.minute}:${p.second}`, stamp: `${p.month.padStart(2, "0")}-${p.day.padStart(2, "0")} ${p.hour}:${p.minute}`,
    clock: `${p.hour}:${p.minute}`,
  };
}

export function run(pace, root = document) {
  const beat = () => {
    const now = pace.now();
    for (const time of root.querySelectorAll("time[data-due], time[data-since]")) paint(time, now);
    for (const time of root.querySelectorAll("time[data-clock]")) {
      const at = parts(now);
      set(time, `${at.day} ${at.weekday} ${at.time}`);
    }
  };
  beat();
  return setInterval(beat, 1000);
}

const { now, speed, paused } = document.body.dataset;
if (now) {
  const pace = new Pace({ now, speed: speed || 1, paused: paused === "true" });
  document.addEventListener("clock", ({ detail }) => pace.set(detail));
  run(pace);
}
