// One tip for the whole wall, at the pointer or at the focused number.

export function tips(tip) {
  const show = at => {
    const host = at.target.closest?.("[data-tip]");
    tip.hidden = !host;
    if (!host) return;
    tip.textContent = host.dataset.tip;
    const box = host.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - own.width / 2), innerWidth - own.width - 8);
    const above = box.top - own.height - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  };
  document.addEventListener("pointerover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("focusout", () => { tip.hidden = true; });
}
