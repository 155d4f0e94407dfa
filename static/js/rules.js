// The rule editor is drawn anew when a row is added or another kind is chosen. What somebody typed while the answer was
// on its way is put back; rows that were moved or taken away change their names, so there the answer stands.
(function () {
  "use strict";

  const FORM = "rule-editor";
  let sent = null;
  let typed = null;

  function values(form) {
    const found = new Map();
    for (const field of form.elements) {
      if (!field.name || field.type === "hidden" || field.type === "submit") continue;
      found.set(field.name, field.type === "checkbox" ? field.checked : field.value);
    }
    return found;
  }

  function redraws(event) {
    return event.detail.target && event.detail.target.id === FORM;
  }

  document.addEventListener("htmx:beforeRequest", function (event) {
    if (!redraws(event)) return;
    const doing = String(event.detail.requestConfig.parameters.do || "");
    sent = doing === "again" || doing.startsWith("add:") ? values(document.getElementById(FORM)) : null;
  });

  document.addEventListener("htmx:beforeSwap", function (event) {
    if (!redraws(event) || !sent) return;
    const now = values(document.getElementById(FORM));
    typed = new Map([...now].filter(([name, value]) => sent.has(name) && sent.get(name) !== value));
    sent = null;
  });

  document.addEventListener("htmx:afterSettle", function () {
    if (!typed) return;
    const form = document.getElementById(FORM);
    const kept = typed;
    typed = null;
    if (!form || !kept.size) return;
    for (const field of form.elements) {
      if (!kept.has(field.name)) continue;
      if (field.type === "checkbox") field.checked = kept.get(field.name);
      else field.value = kept.get(field.name);
    }
    form.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
