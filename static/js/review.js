/* The reviewer's keyboard: j/k walk the items, r goes to the remark of the current one. */
(() => {
  "use strict";
  // Rows folded away cannot take the focus; the fold may open at any time, so they are asked anew.
  const shown = () =>
    [...document.querySelectorAll("[data-review-row]")].filter((row) => row.getClientRects().length);
  let current = document.getElementById(location.hash.slice(1));
  const go = (step) => {
    const rows = shown();
    const at = rows.indexOf(current);
    current = rows[Math.max(0, Math.min(rows.length - 1, at + step))] ?? null;
    current?.focus();
    current?.scrollIntoView({ block: "center" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "r") current?.querySelector("[data-remark]")?.focus();
    else return;
    event.preventDefault();
  });
})();
