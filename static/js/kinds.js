/* A form whose fields depend on a choice: form[data-kinds] has radios named "kind" and rows with
   data-for-kinds="<values that ask for this row>". Without script all rows are shown. */
(() => {
  "use strict";

  function draw(form) {
    const chosen = form.querySelector("[name=kind]:checked")?.value;
    form.querySelectorAll("[data-for-kinds]").forEach((row) => {
      row.hidden = !row.dataset.forKinds.split(" ").includes(chosen);
    });
  }

  document.querySelectorAll("form[data-kinds]").forEach((form) => {
    form.addEventListener("change", () => draw(form));
    draw(form);
  });
})();
