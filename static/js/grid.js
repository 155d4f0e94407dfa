/* The scoring grid: branches down, sections or criteria across, a dock with the items of the cell in hand.
   Every field that saves itself carries data-score and
     data-url       where {value, version} is posted; the answer is JSON
                      200 {value, version, saved_at, parts: {element id: HTML}, row: {id, blank, flag}}
                      409 {message, value, version}   somebody saved first: their value is shown, ours is kept in the message
                      422 {message}                   not taken, with the reason
     data-version   the version of the stored score
     data-self      the branch's own score, for the key =
     data-max, data-step, data-row, data-col
   A cell with data-dock-url fills #dock when it gets the focus. Keys: Enter down, Tab right, arrow keys a step up or down,
   = copies the self score, Esc takes back. Cells that are sums are read-only; Enter, F2 or a figure goes to the dock,
   and Enter on its last item to the next cell. */
(() => {
  "use strict";

  const PAUSE = 600;
  const timers = new WeakMap();
  const lines = new WeakMap();
  const account = document.body.dataset.account || "";
  const keyOf = (field) => `zhibu:score:${account}:${field.dataset.url}`;
  const isText = (field) => field instanceof HTMLTextAreaElement;
  const stored = (field) => field.dataset.stored ?? field.defaultValue;
  const changed = (field) => field.value.trim() !== stored(field);

  function remember(field) {
    try { localStorage.setItem(keyOf(field), JSON.stringify({ value: field.value, version: field.dataset.version || "" })); } catch { /* the page holds it */ }
  }
  function forget(field) { try { localStorage.removeItem(keyOf(field)); } catch { /* barred */ } }

  function look(field, name) {
    const cell = field.closest("td") || field.parentElement;
    cell.classList.remove("is-saving", "is-bad", "is-unsaved");
    if (name) cell.classList.add(name);
  }

  function say(kind, text) {
    document.querySelectorAll("[data-save-state]").forEach((out) => {
      const line = document.createElement("span");
      line.className = `state state-${kind}`;
      line.textContent = text;
      out.replaceChildren(line);
    });
  }

  function fault(field) {
    return isText(field) ? "" : window.zhibuSteps.fault(field);
  }

  function refuse(field, message) {
    look(field, "is-bad");
    field.setAttribute("aria-invalid", "true");
    field.title = message;
    say("bad", `${field.getAttribute("aria-label") || ""} ${message}`.trim());
    window.zhibu.announce(`${field.getAttribute("aria-label") || ""} ${message}`);
  }

  function put(parts) {
    for (const [id, html] of Object.entries(parts || {})) {
      const place = document.getElementById(id);
      if (place && !place.contains(document.activeElement)) place.innerHTML = html;
    }
  }

  function mark(row) {
    const line = row && document.getElementById(row.id);
    if (!line) return;
    line.dataset.blank = row.blank ? "1" : "";
    line.dataset.flag = row.flag ? "1" : "";
    count();
  }

  function accept(field, body) {
    if (body.value !== undefined && document.activeElement !== field) field.value = body.value;
    if (body.version !== undefined) field.dataset.version = body.version;
    field.dataset.stored = body.value === undefined ? field.value.trim() : String(body.value);
    field.removeAttribute("aria-invalid");
    field.removeAttribute("title");
    field.classList.toggle("blank", field.dataset.stored === "");
    look(field, "");
    forget(field);
    put(body.parts);
    mark(body.row);
    say("ok", `已自动保存 ${body.saved_at || ""}`.trim());
  }

  async function save(field) {
    window.clearTimeout(timers.get(field));
    if (!changed(field)) { look(field, ""); forget(field); return; }
    const message = fault(field);
    if (message) { refuse(field, message); return; }
    if (lines.get(field)) { lines.set(field, "again"); return; }
    lines.set(field, "busy");
    look(field, "is-saving");
    remember(field);
    const sent = field.value.trim();
    const { status, body } = await window.zhibu.post(field.dataset.url, new URLSearchParams({ value: sent, version: field.dataset.version || "" }));
    const again = lines.get(field) === "again" || field.value.trim() !== sent;
    lines.delete(field);
    if (status === 200) accept(field, body);
    else if (status === 409) {
      const mine = field.value;
      accept(field, { value: body.value, version: body.version, parts: body.parts, row: body.row });
      field.value = body.value ?? "";
      refuse(field, `${body.message}您填的是 ${mine}，如仍要改请重新填写。`);
      window.zhibu.toast(`${body.message}您填的是 ${mine}。`, "bad");
      return;
    } else if (status === 422) refuse(field, body.message || "没有保存，请核对");
    else {
      look(field, "is-unsaved");
      say("warn", status === 401 ? "登录已过期，分数留在本页，重新登录后自动补存" : "未保存，网络断开；联网后自动补存");
      if (status >= 400 && status !== 401) window.zhibu.toast(body.message || "没有保存，请稍后再试。", "bad");
      return;
    }
    if (again && status === 200) save(field);
  }

  function soon(field) {
    window.clearTimeout(timers.get(field));
    timers.set(field, window.setTimeout(() => save(field), PAUSE));
  }

  /* ---- moving about ---- */
  function below(field) {
    const group = field.closest("[data-grid]");
    const column = [...group.querySelectorAll(`[data-col="${CSS.escape(field.dataset.col || "")}"]`)].filter((f) => !f.closest("tr")?.hidden && !f.disabled);
    return column[column.indexOf(field) + 1];
  }

  function set(field, value) {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    soon(field);
  }

  function intoDock() {
    document.querySelector("#dock [data-score]:not([readonly])")?.focus();
  }

  /* The next cell of the grid once the last item in the dock is done: the next section, then the next branch. */
  function afterDock(field) {
    if (!field.closest("#dock")) return null;
    const cells = [...document.querySelectorAll(".score-grid [data-dock-url]")].filter((f) => !f.closest("tr").hidden);
    return cells[cells.findIndex((f) => f.dataset.inHand !== undefined) + 1];
  }

  function key(event) {
    const field = event.target;
    if (!(field instanceof HTMLInputElement) || !field.closest("[data-grid]") || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (field.readOnly && (event.key === "F2" || event.key === "Enter") && field.dataset.dockUrl) { event.preventDefault(); intoDock(); return; }
    /* A figure typed into a sum belongs to its first item: the key lands there. */
    if (field.readOnly && field.dataset.dockUrl && /^[0-9０-９.]$/.test(event.key)) { intoDock(); return; }
    switch (event.key) {
      case "Enter": {
        event.preventDefault();
        const next = below(field);
        if (next) { next.focus(); next.select(); } else { save(field); afterDock(field)?.focus(); }
        break;
      }
      case "ArrowUp":
      case "ArrowDown":
        event.preventDefault();
        if (field.readOnly) { if (event.key === "ArrowDown") below(field)?.focus(); break; }
        window.zhibuSteps.move(field, event.key === "ArrowUp" ? 1 : -1);
        soon(field);
        break;
      case "=":
      case "＝":
        event.preventDefault();
        if (!field.readOnly && field.dataset.self) set(field, field.dataset.self);
        break;
      case "Escape":
        if (changed(field)) { event.preventDefault(); window.clearTimeout(timers.get(field)); field.value = stored(field); field.removeAttribute("aria-invalid"); look(field, ""); forget(field); }
        else if (field.dataset.before !== undefined && field.dataset.before !== field.value) { event.preventDefault(); set(field, field.dataset.before); }
        else if (field.closest("#dock")) document.querySelector(".score-grid [data-in-hand]")?.focus();
        break;
      default:
    }
  }

  function take(field) {
    field.dataset.before = field.value;
    field.dataset.stored ??= field.defaultValue;
    if (field instanceof HTMLInputElement && !field.readOnly) field.select();
    if (!field.closest(".score-grid")) return;
    document.querySelectorAll(".score-grid tr.active").forEach((line) => line.classList.remove("active"));
    document.querySelectorAll(".score-grid [data-in-hand]").forEach((one) => delete one.dataset.inHand);
    field.closest("tr").classList.add("active");
    field.dataset.inHand = "";
    const dock = document.getElementById("dock");
    if (!field.dataset.dockUrl || !dock || dock.dataset.shown === field.dataset.dockUrl) return;
    dock.dataset.shown = field.dataset.dockUrl;
    window.htmx.ajax("GET", field.dataset.dockUrl, { target: "#dock", swap: "innerHTML" }).then(() => { dock.hidden = false; });
  }

  /* ---- 全部 / 未评 / 有差异 ---- */
  function count() {
    const rows = [...document.querySelectorAll(".score-grid tr[data-branch]")];
    const numbers = { all: rows.length, blank: rows.filter((r) => r.dataset.blank).length, flag: rows.filter((r) => r.dataset.flag).length };
    document.querySelectorAll("[data-grid-filter]").forEach((button) => {
      const out = button.querySelector("[data-count]");
      if (out) out.textContent = String(numbers[button.dataset.gridFilter]);
    });
  }

  function filter(button) {
    const kind = button.dataset.gridFilter;
    document.querySelectorAll("[data-grid-filter]").forEach((one) => {
      one.classList.toggle("active", one === button);
      one.setAttribute("aria-pressed", String(one === button));
    });
    document.querySelectorAll(".score-grid tr[data-branch]").forEach((line) => { line.hidden = kind !== "all" && !line.dataset[kind]; });
    document.querySelectorAll(".score-grid tr.group").forEach((head) => {
      let line = head.nextElementSibling;
      let any = false;
      while (line && !line.classList.contains("group")) { any ||= !line.hidden; line = line.nextElementSibling; }
      head.hidden = !any;
    });
  }

  document.addEventListener("keydown", key);
  document.addEventListener("focusin", (event) => { if (event.target.matches?.("[data-score], [data-dock-url]")) take(event.target); });
  document.addEventListener("focusout", (event) => { if (event.target.matches?.("[data-score]")) save(event.target); });
  document.addEventListener("change", (event) => { if (event.target.matches?.("[data-score]")) save(event.target); });
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.matches?.("textarea[data-score]")) soon(field);
    if (field.matches?.("input[data-score]")) field.classList.toggle("blank", field.value.trim() === "");
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-grid-filter]");
    if (button) filter(button);
  });
  const pending = () => [...document.querySelectorAll("[data-score]")].filter((field) => changed(field) && !fault(field));
  document.addEventListener("zhibu:retry", () => pending().forEach(save));
  window.addEventListener("beforeunload", (event) => { if (pending().length) event.preventDefault(); });

  /* What could not be sent last time is put back, if nobody has saved in between. */
  function recover(root) {
    root.querySelectorAll("[data-score]").forEach((field) => {
      field.dataset.stored ??= field.defaultValue;
      let kept = null;
      try { kept = JSON.parse(localStorage.getItem(keyOf(field)) || "null"); } catch { kept = null; }
      if (!kept) return;
      if (kept.version === (field.dataset.version || "") && kept.value !== field.value) { field.value = kept.value; save(field); } else forget(field);
    });
  }
  document.addEventListener("htmx:afterSettle", (event) => recover(event.detail.target));
  /* Who comes for one branch (?unit=) gets its dock at once: a reason is written there. */
  const arrive = () => document.querySelector(".score-grid tr.active [data-dock-url]")?.focus();
  function start() { recover(document); count(); arrive(); }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
