// A list longer than its box moves one row each two seconds and stands still under the pointer or the focus.

const STEP = 2_000;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const rolling = new Set();

export function roll(list) {
  if (getComputedStyle(list).overflowY === "visible") return;
  let held = false;
  for (const [name, value] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) {
    list.addEventListener(name, () => { held = value; });
  }
  rolling.add({ list, held: () => held });
}

setInterval(() => {
  for (const entry of rolling) {
    const { list, held } = entry;
    if (!list.isConnected) { rolling.delete(entry); continue; }
    if (held() || still.matches || document.hidden || list.scrollHeight <= list.clientHeight + 2) continue;
    const end = list.scrollTop + list.clientHeight >= list.scrollHeight - 2;
    const next = end ? 0 : list.scrollTop + (list.firstElementChild?.getBoundingClientRect().height ?? 0);
    list.scrollTo({ top: next, behavior: "smooth" });
  }
}, STEP);
