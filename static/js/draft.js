/* Nothing typed is lost. A form with
     data-draft-url        where a draft is posted as JSON {sequence, base_version, data}; the answer is {taken, sequence, saved_at}
     data-draft-sequence   the sequence of the draft the server holds (0: none)
     data-draft-version    the version of the record the page shows
     data-draft-local=off  (confidential text) keeps no copy in the browser
   saves itself a moment after typing. Where the page holds <script type="application/json" data-draft-data> with
   {saved_at, data}, the person chooses between it and what the page shows. [data-save-state] says where things stand.
   Text that could not be sent stays in the page and in the browser, and is sent again when the network or the session is back. */
(() => {
  "use strict";

  const WAIT = 1200;
  const RETRY = 15000;
  const account = document.body.dataset.account || "";

  function values(form) {
    const data = {};
    for (const [name, value] of new FormData(form)) {
      if (name === "csrfmiddlewaretoken" || value instanceof File) continue;
      if (name in data) data[name] = [].concat(data[name], value); else data[name] = value;
    }
    return data;
  }

  function fill(form, data) {
    for (const [name, value] of Object.entries(data)) {
      const wanted = [].concat(value).map(String);
      form.querySelectorAll(`[name="${CSS.escape(name)}"]`).forEach((field) => {
        if (field.type === "hidden" || field.type === "file") return;
        if (field.type === "checkbox" || field.type === "radio") field.checked = wanted.includes(field.value);
        else if (field instanceof HTMLSelectElement && field.multiple) [...field.options].forEach((o) => { o.selected = wanted.includes(o.value); });
        else field.value = wanted[0] ?? "";
      });
    }
    form.dispatchEvent(new CustomEvent("zhibu:restored", { bubbles: true }));
  }

  function watch(form) {
    const url = form.dataset.draftUrl;
    const store = form.dataset.draftLocal === "off" ? null : `zhibu:draft:${account}:${url}`;
    const outs = () => document.querySelectorAll("[data-save-state]");
    let sequence = Number(form.dataset.draftSequence || 0);
    let timer = 0;
    let sent = JSON.stringify(values(form));
    let busy = false;
    let again = false;
    let leaving = false;

    function say(kind, text) {
      outs().forEach((out) => {
        const line = document.createElement("span");
        line.className = kind ? `state state-${kind}` : "state";
        line.textContent = text;
        out.replaceChildren(line);
      });
    }

    const version = Number(form.dataset.draftVersion || 0);
    const keep = (data, submitted = false) => { try { if (store) localStorage.setItem(store, JSON.stringify({ at: Date.now(), version, submitted, data })); } catch { /* full or barred: the page still holds it */ } };
    const forget = () => { try { if (store) localStorage.removeItem(store); } catch { /* barred */ } };
    const dirty = () => JSON.stringify(values(form)) !== sent;

    async function save() {
      window.clearTimeout(timer);
      if (busy) { again = true; return; }
      const data = values(form);
      const text = JSON.stringify(data);
      if (text === sent) return;
      busy = true;
      say("info", "正在保存…");
      keep(data);
      sequence += 1;
      const { status, body } = await window.zhibu.post(url, { sequence, base_version: version, data });
      busy = false;
      if (status === 200 && body.taken) {
        sent = text;
        say("ok", `已自动保存 ${body.saved_at}`);
        if (!dirty()) forget();
      } else if (status === 200) {
        sequence = Math.max(sequence, Number(body.sequence) || 0);
        sent = text;
        say("bad", "另一个窗口保存了更新的草稿，这一份还在本页");
      } else {
        if (status === 401) say("warn", "登录已过期，已留在本机，重新登录后自动补存");
        else if (status === 0) say("warn", "未保存，网络断开；已留在本机，联网后自动补存");
        else say("bad", body.error || body.message || "未保存，稍后自动重试");
        timer = window.setTimeout(save, RETRY);
      }
      if (again) { again = false; save(); }
    }

    function later() {
      window.clearTimeout(timer);
      timer = window.setTimeout(save, WAIT);
    }

    function offer(where, data) {
      const box = document.createElement("div");
      box.className = "notice";
      box.setAttribute("role", "status");
      const head = document.createElement("b");
      head.textContent = where;
      const words = document.createElement("span");
      words.textContent = "与本页显示的内容不同，可以接着填写。";
      const use = document.createElement("button");
      use.type = "button";
      use.className = "btn btn-outline-secondary btn-sm";
      use.textContent = "恢复草稿";
      use.addEventListener("click", () => { fill(form, data); box.remove(); window.zhibu.announce("草稿已恢复"); later(); });
      const drop = document.createElement("button");
      drop.type = "button";
      drop.className = "btn btn-link btn-sm";
      drop.textContent = "不用草稿";
      drop.addEventListener("click", () => { forget(); box.remove(); });
      box.append(head, words, use, drop);
      form.before(box);
    }

    function restore() {
      const shown = JSON.stringify(values(form));
      let local = null;
      try { local = store ? JSON.parse(localStorage.getItem(store) || "null") : null; } catch { local = null; }
      if (local?.submitted && local.version !== version) local = null; // it arrived: the record has moved on
      if (local && JSON.stringify(local.data) !== shown) {
        const at = new Date(local.at);
        offer(`这台电脑上有 ${at.getHours()}:${String(at.getMinutes()).padStart(2, "0")} 没有送出的内容`, local.data);
        return;
      }
      forget();
      const block = form.querySelector("script[data-draft-data]");
      if (!block) return;
      const draft = JSON.parse(block.textContent);
      const merged = { ...values(form), ...draft.data };
      if (JSON.stringify(merged) !== shown) offer(`有 ${draft.saved_at} 自动保存的草稿`, draft.data);
    }

    form.addEventListener("input", later);
    form.addEventListener("change", later);
    form.addEventListener("focusout", () => { if (dirty()) save(); });
    document.addEventListener("zhibu:retry", () => { if (dirty()) save(); });
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      leaving = true; keep(values(form), true); window.setTimeout(() => { leaving = false; }, 4000); });
    window.addEventListener("beforeunload", (event) => { if (!leaving && dirty()) { keep(values(form)); event.preventDefault(); } });
    restore();
  }

  function start() { document.querySelectorAll("form[data-draft-url]").forEach(watch); }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
