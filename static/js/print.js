/* A button with data-print opens the browser's print dialog. */
(() => {
  "use strict";
  for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());
})();
