/* Narrow a long list of tick boxes by what is typed: input[data-narrow] in a form .takers. What is ticked stays
   in sight. Without script the whole list is shown. */
(() => {
  "use strict";

  const field = document.querySelector("[data-narrow]");
  const form = field?.closest("form");
  if (!form) return;
  const told = form.querySelector("[data-narrow-told]");
  const lines = [...form.querySelectorAll("input[name=takers], input[name=tutor]")].map((box) => ({ box, line: box.closest("label").parentElement, text: box.closest("label").textContent.toLowerCase() }));

  function narrow() {
    const words = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    for (const { box, line, text } of lines) line.hidden = !box.checked && !words.every((word) => text.includes(word));
    const shown = lines.filter(({ line }) => !line.hidden).length;
    const ticked = lines.filter(({ box }) => box.checked && box.value).length;
    told.textContent = `列出 ${shown} 人，已选 ${ticked} 人`;
  }
  field.closest("[data-narrow-row]").hidden = false;
  field.addEventListener("input", narrow);
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  form.addEventListener("change", narrow);
  narrow();
})();
