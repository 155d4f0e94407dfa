/* Look for an account while its name is typed: [data-account-search] in a form asks the form's own page, which
   answers with whom it found. Only hidden fields and the search go along, never a text of the form. Without script
   the button 查找 does the same. */
(() => {
  "use strict";

  for (const box of document.querySelectorAll("[data-account-search]")) {
    const form = box.closest("form");
    const field = box.querySelector("input[type=search]");
    const told = document.getElementById(`${field.id}_told`);
    const button = box.querySelector("button[name=find]");
    const was = box.querySelector("input[type=hidden]");
    let timer = 0;
    let asked = 0;

    const ticked = () => box.querySelector("input[type=radio]:checked");

    async function find() {
      clearTimeout(timer);
      const mine = ++asked;
      const chosen = ticked()?.value;
      const body = new FormData();
      for (const hidden of form.querySelectorAll("input[type=hidden]")) body.set(hidden.name, hidden.value);
      if (chosen) body.set(box.querySelector("input[type=radio]").name, chosen);
      body.set(field.name, field.value);
      body.set("find", "only");
      try {
        const answer = await fetch(form.getAttribute("action") || location.href, { method: "POST", body, credentials: "same-origin" });
        if (!answer.ok) throw new Error(String(answer.status));
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const found = page.getElementById(`${field.id}_found`);
        if (!found) throw new Error("none");
        if (mine !== asked) return;
        if (ticked()?.value !== chosen) { find(); return; }
        found.querySelector("[autofocus]")?.removeAttribute("autofocus");
        document.getElementById(found.id).replaceWith(found);
        told.textContent = page.getElementById(told.id).textContent;
        was.value = field.value.trim();
      } catch {
        if (mine === asked) told.textContent = "没有查到，可能断线或登录已过期。请再点“查找”。";
      }
    }

    button.type = "button";
    button.addEventListener("click", find);
    field.addEventListener("input", (event) => {
      if (event.isComposing) return;
      clearTimeout(timer);
      timer = setTimeout(find, 300);
    });
    field.addEventListener("compositionend", () => { clearTimeout(timer); timer = setTimeout(find, 300); });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); find(); }
    });
  }
})();
