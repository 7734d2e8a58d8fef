/* The reviewer's keyboard: j/k walk the items, r goes to the remark of the current one. */
(() => {
  "use strict";
  const rows = [...document.querySelectorAll("[data-review-row]")];
  let at = rows.findIndex((row) => `#${row.id}` === location.hash);
  const go = (step) => {
    at = Math.max(0, Math.min(rows.length - 1, at + step));
    rows[at]?.focus();
    rows[at]?.scrollIntoView({ block: "center" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "r") rows[at]?.querySelector("[data-remark]")?.focus();
    else return;
    event.preventDefault();
  });
})();
