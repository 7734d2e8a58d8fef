/* 按观测填写: one press takes the answer that the observations support; autosave does the rest. */
(() => {
  "use strict";
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
