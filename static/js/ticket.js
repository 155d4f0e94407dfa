/* A page open while its deadline comes near keeps a ticket of the last minute: [data-ticket-url] gives a new one,
   [data-ticket-left] are the seconds left when the page was made. Only in the last ten minutes, so that an idle seat
   still signs out. */
(() => {
  "use strict";

  const field = document.querySelector("input[data-ticket-url]");
  if (!field) return;
  // The clock of this machine may be wrong: only the time that passes here counts.
  const within = Number(field.dataset.ticketLeft) * 1000;
  const BEFORE = 10 * 60 * 1000;

  async function renew() {
    const left = within - performance.now();
    if (left <= 0 || left > BEFORE) return;
    try {
      const answer = await fetch(field.dataset.ticketUrl, { headers: { "X-Requested-With": "ticket" } });
      if (answer.ok && answer.headers.get("Content-Type").startsWith("text/plain")) field.value = await answer.text();
    } catch { /* the ticket at hand stays */ }
  }

  setInterval(renew, 45 * 1000);
})();
