/* An address that ends in #print opens the browser's print dialog at once; buttons with data-print: zhibu.js. */
(() => {
  "use strict";
  if (location.hash === "#print") {
    history.replaceState(null, "", location.pathname + location.search);
    window.addEventListener("load", () => window.print());
  }
})();
