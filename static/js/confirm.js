/* Ask before what cannot be undone. A form (or an htmx element) with data-confirm opens the dialog of
   templates/components/confirm_dialog.html: it states the effect, and its button repeats the verb.
   data-confirm="effect" data-confirm-title="提交自评？" data-confirm-verb="提交自评"
   data-confirm-reason="退回原因" asks for a sentence, sent as "reason"; data-confirm-danger colours the button.
   window.zhibu.ask({ confirm, confirmTitle, confirmVerb }, then) asks the same from a script. */
(() => {
  "use strict";

  const dialog = document.getElementById("confirm");
  if (!dialog) return;
  const part = (id) => document.getElementById(`confirm-${id}`);
  const yes = dialog.querySelector("[data-confirm-yes]");
  const reason = part("reason");
  let proceed = null;
  let source = null;

  function ask(element, then) {
    const { confirm, confirmTitle, confirmVerb, confirmReason, confirmDanger } = element.dataset;
    part("title").textContent = confirmTitle || `${confirmVerb || "继续"}？`;
    part("text").textContent = confirm;
    yes.textContent = confirmVerb || "继续";
    yes.className = confirmDanger === undefined ? "btn btn-primary" : "btn btn-outline-danger";
    part("reason-row").hidden = !confirmReason;
    part("reason-label").textContent = confirmReason || "";
    part("error").textContent = "";
    reason.value = "";
    source = element;
    proceed = then;
    dialog.showModal();
    (confirmReason ? reason : yes).focus();
  }

  function keepReason(form) {
    let field = form.elements.namedItem("reason");
    if (!field) {
      field = document.createElement("input");
      field.type = "hidden";
      field.name = "reason";
      form.append(field);
    }
    field.value = reason.value.trim();
  }

  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (source.dataset.confirmReason && !reason.value.trim()) {
      part("error").textContent = `请填写${source.dataset.confirmReason}`;
      reason.focus();
      return;
    }
    if (source.dataset.confirmReason && source instanceof HTMLFormElement) keepReason(source);
    const go = proceed;
    dialog.close();
    go?.();
  });
  dialog.querySelector("[data-confirm-no]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { proceed = null; });
  window.zhibu.ask = (words, then) => ask({ dataset: words }, then);

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    const asker = button?.dataset.confirm ? button : form;
    if (!asker.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(asker === button && form.dataset.confirm ? form : asker, () => {
      form.dataset.confirmed = "1";
      if (asker === button && asker.dataset.confirmReason) keepReason(form);
      form.requestSubmit(button || undefined);
      delete form.dataset.confirmed;
    });
  }, true);

  document.addEventListener("htmx:confirm", (event) => {
    const element = event.detail.elt;
    if (!element.dataset.confirm || element instanceof HTMLFormElement) return;
    event.preventDefault();
    ask(element, () => event.detail.issueRequest(true));
  });
})();
