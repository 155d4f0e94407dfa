/* The voter's pages. The code of a QR code stands behind # in the address, which no browser sends to a server: it is
   put into the field and taken out of the address, so that it stays in no history. A form is sent once. */
(() => {
  "use strict";

  const field = document.querySelector("[data-ballot-code]");

  function take() {
    if (location.hash.length < 2) return;
    if (!field) {
      location.assign(`${location.pathname}?next${location.hash}`); /* the thanks of the one before are still shown */
      return;
    }
    let code = location.hash.slice(1);
    try {
      code = decodeURIComponent(code);
    } catch {
      /* a broken escape: shown as it is, for the voter to compare with the slip */
    }
    history.replaceState(null, "", location.pathname);
    field.value = code.slice(0, field.maxLength);
    document.querySelector("[data-ballot-hint]").textContent = "已从二维码读入，不用输入。";
    document.querySelector("[data-ballot] button").focus();
  }
  window.addEventListener("hashchange", take);
  take();

  for (const form of document.querySelectorAll("[data-ballot]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "1";
    });
  }
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-ballot]")) delete form.dataset.sent;
  });
})();
