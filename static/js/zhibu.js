/* What every page does: announcements, toasts, the sign-in notice, double submission, links to faulty fields.
   Other files use the helpers in window.zhibu. */
(() => {
  "use strict";

  const live = () => document.getElementById("live");

  /* Say one line to the screen reader. */
  function announce(text) {
    const line = live();
    if (!line) return;
    line.textContent = "";
    window.setTimeout(() => { line.textContent = text; }, 50);
  }

  /* Show a toast; kind is "", "warn" or "bad". Errors stay, the rest leave after eight seconds. */
  function toast(text, kind = "") {
    const box = document.getElementById("toasts");
    if (!box) return;
    const line = document.createElement("div");
    line.className = kind ? `toast-line is-${kind}` : "toast-line";
    line.setAttribute("role", kind === "bad" ? "alert" : "status");
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "close";
    close.dataset.close = "";
    close.setAttribute("aria-label", "关闭提示");
    close.textContent = "×";
    line.append(words, close);
    box.append(line);
    if (kind !== "bad") fade(line);
  }

  function fade(line) {
    let timer = window.setTimeout(() => line.remove(), 8000);
    line.addEventListener("mouseenter", () => window.clearTimeout(timer));
    line.addEventListener("mouseleave", () => { timer = window.setTimeout(() => line.remove(), 3000); });
  }

  function csrf() {
    const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
    if (cookie) return cookie.slice("csrftoken=".length);
    try {
      return JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";
    } catch {
      return "";
    }
  }

  function signedOut() {
    const notice = document.getElementById("signin-notice");
    if (notice) notice.hidden = false;
  }

  function signedIn() {
    const notice = document.getElementById("signin-notice");
    if (notice) notice.hidden = true;
  }

  /* POST JSON or form data; resolves to {status, body}. Status 0 means that the network is away. */
  async function post(url, data) {
    const isForm = data instanceof URLSearchParams || data instanceof FormData;
    const headers = { "X-CSRFToken": csrf(), Accept: "application/json" };
    if (!isForm) headers["Content-Type"] = "application/json";
    try {
      const answer = await fetch(url, {
        method: "POST", headers, body: isForm ? data : JSON.stringify(data), credentials: "same-origin", redirect: "error",
      });
      if (answer.status === 401) signedOut(); else if (answer.ok) signedIn();
      const text = await answer.text();
      let body;
      try { body = JSON.parse(text); } catch { body = { message: text }; }
      return { status: answer.status, body };
    } catch {
      return { status: 0, body: {} };
    }
  }

  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close]");
    if (close) close.closest(".toast-line")?.remove();
  });

  /* A page that was left signed in elsewhere: ask again when the person comes back to it. */
  window.addEventListener("focus", () => document.dispatchEvent(new CustomEvent("zhibu:retry")));
  window.addEventListener("online", () => document.dispatchEvent(new CustomEvent("zhibu:retry")));

  /* htmx: keep the text, say what happened. */
  document.addEventListener("htmx:responseError", (event) => {
    const { status, responseText } = event.detail.xhr;
    if (status === 401) { signedOut(); announce("登录已过期，填写的内容还在这一页。"); return; }
    const short = responseText && responseText.length < 200 && !responseText.includes("<") ? responseText : "";
    toast(short || (status >= 500 ? "系统没能完成这次操作，请稍后再试。" : "没有完成，请刷新页面后再试。"), "bad");
  });
  document.addEventListener("htmx:sendError", () => toast("没连上网，请检查网络后再试。填写的内容还在这一页。", "bad"));
  document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-CSRFToken"] = csrf(); });
  document.addEventListener("htmx:afterSwap", (event) => {
    const said = event.detail.target?.getAttribute?.("data-announce");
    if (said) announce(said);
  });
  document.addEventListener("zhibu:toast", (event) => toast(event.detail.value || "", event.detail.kind || ""));

  function refresh(id) {
    const target = `#${id}`;
    if (id && document.querySelector(target)) window.htmx?.ajax("GET", window.location.href, { target, select: target, swap: "outerHTML" });
  }

  /* One click, one submission: the server refuses the second one too, this only keeps the button calm.
     A button with data-download is answered with a file: the page stays, and so must its other buttons; what the page
     says of the form is fetched anew a little later. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (event.submitter?.dataset.download !== undefined) {
      for (const wait of [3000, 10000]) window.setTimeout(() => refresh(form.id), wait);
      return;
    }
    form.dataset.sent = "1";
    window.setTimeout(() => { delete form.dataset.sent; }, 5000);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; }));

  /* A select or box that sends its form by itself, such as the page size. */
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-autosubmit]")) event.target.form?.requestSubmit();
  });

  /* Filters left blank do not clutter the address. */
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form.filterbar")) return;
    const blank = [...event.target.elements].filter((field) => field.name && field.value === "" && !field.disabled);
    blank.forEach((field) => { field.disabled = true; });
    window.setTimeout(() => blank.forEach((field) => { field.disabled = false; }));
  });

  /* More filters on a phone. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-more-filters]");
    if (!button) return;
    const bar = button.closest(".filterbar");
    const open = bar.classList.toggle("is-open");
    button.setAttribute("aria-expanded", String(open));
  });

  /* Tick boxes of a list: all of this page, and how many. */
  function recount(form) {
    const boxes = [...form.querySelectorAll("tbody input[type=checkbox]")];
    const picked = boxes.filter((box) => box.checked);
    const all = form.querySelector("[data-pick-all]");
    if (all) { all.checked = boxes.length > 0 && picked.length === boxes.length; all.indeterminate = picked.length > 0 && !all.checked; }
    boxes.forEach((box) => box.closest("tr")?.setAttribute("aria-selected", String(box.checked)));
    form.querySelectorAll(".bulkbar button").forEach((button) => { button.disabled = picked.length === 0; });
    const count = form.querySelector("[data-picked]");
    if (count) count.textContent = String(picked.length);
  }
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-bulk]");
    if (!form) return;
    if (event.target.matches("[data-pick-all]")) form.querySelectorAll("tbody input[type=checkbox]").forEach((box) => { box.checked = event.target.checked; });
    if (event.target.matches("input[type=checkbox]")) recount(form);
  });

  /* Tables wider than their place say so. */
  function tellWide() {
    document.querySelectorAll(".table-scroll").forEach((box) => {
      box.toggleAttribute("data-wide", box.scrollWidth > box.clientWidth + 1);
    });
  }
  window.addEventListener("resize", tellWide);
  document.addEventListener("htmx:afterSettle", tellWide);
  document.addEventListener("toggle", tellWide, true);

  /* htmx notes the address for a history this product does not use: it may say whom a page is about. */
  document.addEventListener("DOMContentLoaded", () => { try { sessionStorage.removeItem("htmx-current-path-for-history"); } catch { /* barred */ } });

  function start() {
    tellWide();
    document.querySelectorAll(".toast-line[data-fades]").forEach(fade);
    document.querySelector("[data-error-summary]")?.focus();
    /* What was opened by a button is not opened again by coming back or reloading: the address is that of the closed page. */
    const closed = document.querySelector("[data-closed-at]")?.dataset.closedAt;
    if (closed) window.history.replaceState(null, "", closed);
    document.querySelectorAll("[data-bulk]").forEach(recount);
    document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
    document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
      await navigator.clipboard?.writeText(button.dataset.copy);
      toast("已复制");
    }));
  }

  window.zhibu = { announce, toast, post, csrf, signedOut };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
