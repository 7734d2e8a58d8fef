/* 按观测填写: one press takes the answer that the observations support; autosave does the rest.
   A link to a field of another page puts the cursor there. */
(() => {
  "use strict";
  const place = location.hash.startsWith("#field-") && document.getElementById(location.hash.slice(1));
  const control = place && place.querySelector("input:not([type=hidden]), select, textarea");
  if (control) {
    place.scrollIntoView({ block: "center" });
    control.focus({ preventScroll: true });
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose-value]");
    if (!button) return;
    const item = button.closest("[data-item-block]");
    const choice = item?.querySelector(`input[type=radio][value="${CSS.escape(button.dataset.chooseValue)}"]`);
    if (!choice) return;
    choice.checked = true;
    choice.dispatchEvent(new Event("change", { bubbles: true }));
    choice.focus();
  });
  document.addEventListener("change", (event) => {
    const hint = event.target.closest("[data-item-block]:not([data-item-block*='/'])")?.querySelector("[data-suggestion]");
    if (hint) hint.hidden = true;
  });
})();
