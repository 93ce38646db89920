// The home's sections go stale when a line of theirs is written; they are fetched together, at most every two seconds,
// and never while somebody types in one of them.
import "./draft.js";

const PAUSE = 2000, AT_LEAST = 60_000;
const desk = document.getElementById("watchdesk");
const stale = new Set();
let timer = 0, last = performance.now();

const sections = () => [...desk.querySelectorAll("[data-part]")];
const hears = (section, noun) => section.dataset.hears === "*" || section.dataset.hears.split(" ").includes(noun);
const typing = section => section.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");

function plan() {
  if (timer) return;
  timer = setTimeout(fetchStale, Math.max(150, PAUSE - (performance.now() - last)));
}

function fetchStale() {
  timer = 0;
  const free = [...stale].filter(name => !typing(document.getElementById(`part-${name}`)));
  if (!free.length || document.hidden) return;
  free.forEach(name => stale.delete(name));
  last = performance.now();
  htmx.ajax("GET", `${desk.dataset.some}?of=${free.join(",")}`, { swap: "none", source: desk });
}

document.addEventListener("line", event => {
  const noun = event.detail.verb.split(".")[0];
  for (const section of sections()) if (hears(section, noun)) stale.add(section.dataset.part);
  plan();
});
desk.addEventListener("focusout", () => stale.size && plan());
document.addEventListener("visibilitychange", () => stale.size && plan());
setInterval(() => { for (const section of sections()) stale.add(section.dataset.part); plan(); }, AT_LEAST);
