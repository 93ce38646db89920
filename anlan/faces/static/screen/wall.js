// The wall: asks for its state once, then listens. Everything drawn comes from state.json and the live feed.
import { live } from "../live.js";
import { band, pace, follow } from "./clock.js";
import { card, counters, panels } from "./panels.js";
import { Feed } from "./feed.js";
import { Chart } from "./map.js";
import { tips } from "./tips.js";

const { base } = document.body.dataset;
const $ = id => document.getElementById(id);
const feed = new Feed($("feed"), $("axis"), pace);
const chart = new Chart($("map"), { legend: $("legend"), themes: $("themes"), drawer: $("drawer"), button: $("layers"), base });
let seen = null, refused = false;

function show(state) {
  seen = state;
  document.body.classList.toggle("eventful", state.state === "event");
  band(state);
  counters($("strip-left"), $("strip-right"), state.strip, state.as_of);
  card($("event"), state.event);
  panels(state);
  if (state.feed) feed.fill(state.feed);
  chart.show(state);
  document.body.classList.add("ready");
}

function lost() {
  const at = seen ? `数据截至 ${seen.as_of.slice(5, 10)} ${seen.as_of.slice(11, 19)}` : "尚未取得数据";
  $("lost").textContent = refused ? `登录已失效,请重新登录 · ${at}` : `连接断开,正在重连 · ${at}`;
  $("lost").hidden = false;
  document.body.classList.add("cut");
}

function found() {
  $("lost").hidden = true;
  document.body.classList.remove("cut");
}

async function ask() {
  const answer = await fetch(`${base}/screen/state.json`, { headers: { Accept: "application/json" } });
  refused = answer.status === 401 || answer.status === 403 || answer.redirected;
  if (!answer.ok || answer.redirected) throw new Error(`state.json ${answer.status}`);
  show(await answer.json());
  found();
}

const again = () => ask().catch(fault => { console.warn(fault); lost(); });

live(`${base}/live/?watch=screen`, {
  open: again, lost,
  state: state => { show(state); found(); },
  events: { line: item => feed.add(item), clock: now => pace.set(now) },
});
again();
follow();
tips($("tip"));

const full = () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen());
$("full").addEventListener("click", full);
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  if (event.key === "f" || event.key === "F") full();
  if (event.key === "l" || event.key === "L") chart.drawer();
  if (event.key === "Escape") chart.close();
});
