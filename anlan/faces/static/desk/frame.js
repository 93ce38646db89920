// The desk's frame: says when the live feed is lost, and passes journal lines on as "line" events of the document.
import { live } from "../live.js";
import { parts } from "./clock.js";

const sign = document.getElementById("pulse");
if (sign) {
  live(sign.dataset.url, {
    open: () => { sign.className = "feed"; sign.textContent = "实时"; },
    lost: () => { sign.className = "feed lost"; sign.textContent = "连接断开,数据可能不是最新"; },
    events: {
      line: line => document.dispatchEvent(new CustomEvent("line", { detail: line })),
      clock: clock => document.dispatchEvent(new CustomEvent("clock", { detail: clock })),
    },
  });
}
// What a printed page carries at its head: its title, and when it was printed.
document.documentElement.style.setProperty("--title", JSON.stringify(document.title.replace(/[\\"\n]/g, " ")));
addEventListener("beforeprint", () => {
  const { day, clock } = parts(Date.now());
  for (const time of document.querySelectorAll("[data-printed]")) time.textContent = `${day} ${clock}`;
});
document.addEventListener("click", event => {
  if (event.target.closest("a.menu") && location.hash === "#side") { event.preventDefault(); location.hash = "#main"; }
  for (const menu of document.querySelectorAll("details.person[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("click", event => { if (event.target.closest("[data-print]")) print(); });
document.addEventListener("keydown", event => {
  if (event.key === "Escape") document.querySelectorAll("details.person[open]").forEach(menu => { menu.open = false; });
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing) {
    const box = document.querySelector("main input[type=search], main input[name=q]");
    if (box) { event.preventDefault(); box.focus(); }
  }
});
