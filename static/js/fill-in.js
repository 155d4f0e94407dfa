/* Texts that go into a field at one tap: [data-fill-ins="<id of the field>"] holds buttons with data-fill-in="<text>".
   Each adds a line, once; the form hears of it like of typing. */
(() => {
  "use strict";

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill-in]");
    const field = button && document.getElementById(button.closest("[data-fill-ins]").dataset.fillIns);
    if (!field) return;
    const text = button.dataset.fillIn;
    const lines = field.value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (!lines.includes(text)) field.value = [...lines, text].join("\n");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    button.disabled = true;
    window.zhibu?.announce?.("已加入措施");
  });
})();
