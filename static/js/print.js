/* A button with data-print opens the browser's print dialog; an address that ends in #print opens it at once. */
(() => {
  "use strict";
  for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());
  if (location.hash === "#print") {
    history.replaceState(null, "", location.pathname + location.search);
    window.addEventListener("load", () => window.print());
  }
})();
