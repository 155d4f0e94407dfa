/* Recording talks on a phone. What is typed is confidential: it lives in this page's memory and nowhere else - no
   storage, no draft, no cache - and is gone when the page closes.
     form[data-talk]            posts itself in the background; data-talk-verb says what that is called (记下, 上报)
     #talk-people               JSON: my list, [{id, name, initials, number, group, state, label, last,
                                spoken, required}]
     [data-keep]                parts that stay for the next talk
     [data-outbox]              talks that could not be sent yet; they are tried again until the server has taken them
   Every talk carries a client_id made here, so that a talk sent twice is one record. */
(() => {
  "use strict";

  const RETRY = 5000;
  const SHOWN = 12;
  const TWICE = 1500;
  const form = document.querySelector("form[data-talk]");
  if (!form) return;

  const repeats = form.dataset.talk === "repeat";
  const verb = form.dataset.talkVerb || "记下";
  const one = (name) => form.querySelector(`[${name}]`);
  const block = document.getElementById("talk-people");
  const people = block ? JSON.parse(block.textContent) : [];
  const byId = new Map(people.map((person) => [String(person.id), person]));
  const search = one("data-talk-search");
  const found = one("data-talk-found");
  const picked = one("data-talk-picked");
  const outbox = document.querySelector("[data-outbox]");
  const out = document.querySelector("[data-talk-state]");
  const summary = document.querySelector("[data-talk-errors]");
  const chosen = new Set();
  const asked = new Set(); // talks of which "again on the same day?" was answered with yes
  const waiting = [];
  let blank = "";
  let busy = false;
  let timer = 0;
  let saved = 0;
  let sentAt = -Infinity;

  /* ---- small helpers ---- */

  function uuid() {
    if (window.crypto.randomUUID) return window.crypto.randomUUID();
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function say(kind, text) {
    if (!out) return;
    out.replaceChildren(text ? make("span", kind ? `state state-${kind}` : "", text) : "");
  }

  const names = (ids) => ids.map((id) => byId.get(id)?.name || "").filter(Boolean);
  const nameList = (ids) => {
    const all = names(ids);
    return all.length > 3 ? `${all.slice(0, 3).join("、")}等 ${all.length} 人` : all.join("、");
  };

  /* Beside 记下: whom the text at hand is about, unless something else has to be said there. */
  function withWhom() {
    if (chosen.size && !waiting.length) say("", `和${nameList([...chosen])}`);
  }

  /* A toast in place of the one before, for somebody who is busy with the next talk already. */
  function only(words) {
    document.querySelectorAll("#toasts .toast-line:not(.is-bad)").forEach((line) => line.remove());
    window.zhibu.toast(words);
  }

  function content() {
    const data = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (name !== "csrfmiddlewaretoken" && typeof value === "string") data.append(name, value);
    return data;
  }

  /* What would be lost: everything but the ids and what is kept for the next talk anyway. */
  function typed() {
    const data = content();
    for (const name of ["client_id", "account", "held_on", "channel", "mode", "topics", "place", "consent", "follow_up", "campaign", "version"]) data.delete(name);
    return data.toString();
  }

  const dirty = () => typed() !== blank;

  /* ---- who ---- */

  function matches(person, word) {
    return person.name.includes(word) || person.initials.startsWith(word) || person.number.toLowerCase().includes(word) ||
      person.group.toLowerCase().includes(word);
  }

  function hits() {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    return people.filter((person) => !chosen.has(String(person.id)) && words.every((word) => matches(person, word)));
  }

  function draw() {
    if (!search) return;
    const rows = hits();
    found.replaceChildren(...rows.slice(0, SHOWN).map((person) => {
      const line = make("li");
      const button = make("button", "talk-person");
      button.type = "button";
      button.tabIndex = -1; // by the arrow keys, so that Tab goes on to the next part
      button.dataset.id = person.id;
      const who = make("span", "who", person.name);
      const where = make("small", "", [person.group, person.number].filter(Boolean).join("　"));
      const state = make("span", `state state-${person.state}`, person.label);
      button.append(who, where, state);
      line.append(button);
      return line;
    }));
    const more = one("data-talk-more");
    if (more) more.textContent = rows.length > SHOWN ? `还有 ${rows.length - SHOWN} 人，再输几个字缩小范围` : (search.value.trim() && !rows.length ? "名单里没有这个人" : "");
    const whole = one("data-talk-whole");
    if (whole) {
      whole.hidden = !search.value.trim() || rows.length < 2;
      whole.textContent = `选中这 ${rows.length} 人（座谈）`;
    }
  }

  function drawPicked() {
    picked.replaceChildren(...[...chosen].map((id) => {
      const person = byId.get(id);
      const line = make("li", "talk-chosen");
      const field = make("input");
      field.type = "hidden";
      field.name = "people";
      field.value = id;
      const drop = make("button", "", "×");
      drop.type = "button";
      drop.dataset.drop = id;
      drop.setAttribute("aria-label", `去掉${person?.name || ""}`);
      line.append(make("b", "", person?.name || ""), make("small", "", person?.group || ""), field, drop);
      return line;
    }));
    const count = one("data-talk-count");
    if (count) count.textContent = chosen.size ? `已选 ${chosen.size} 人` : "还没有选人";
    withWhom();
    form.querySelectorAll("[data-with-group]").forEach((line) => { line.hidden = chosen.size < 2; });
    mode();
    draw();
  }

  /* Two or more people are never one-to-one, and one person is no group. */
  function mode() {
    const single = form.querySelector("[name=mode][value=one]");
    const group = form.querySelector("[name=mode][value=group]");
    if (!single || !group) return;
    single.disabled = chosen.size > 1;
    group.disabled = chosen.size === 1;
    if (chosen.size > 1 && single.checked) {
      group.checked = true;
      window.zhibu.announce("选了两人以上，按座谈（延伸）记");
    } else if (chosen.size === 1) single.checked = true;
    fold();
  }

  /* Whom one has just talked with is offered after everybody else. */
  function putLast(ids) {
    for (const person of ids.map((id) => byId.get(id))) {
      if (person) people.push(...people.splice(people.indexOf(person), 1));
    }
  }

  function pick(id) {
    if (!byId.has(id)) return;
    chosen.add(id);
    search.value = "";
    drawPicked();
    window.zhibu.announce(`已选${byId.get(id).name}`);
  }

  if (search) {
    search.addEventListener("input", draw);
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        const first = hits()[0];
        if (first && search.value.trim()) pick(String(first.id));
      } else if (event.key === "ArrowDown") {
        event.preventDefault();
        found.querySelector("button")?.focus();
      }
    });
    found.addEventListener("click", (event) => {
      const button = event.target.closest("[data-id]");
      if (button) { pick(button.dataset.id); search.focus({ preventScroll: true }); }
    });
    found.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      const buttons = [...found.querySelectorAll("button")];
      const next = buttons.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      if (next < 0) search.focus(); else buttons[Math.min(next, buttons.length - 1)]?.focus();
    });
    picked.addEventListener("click", (event) => {
      const button = event.target.closest("[data-drop]");
      if (!button) return;
      chosen.delete(button.dataset.drop);
      drawPicked();
      search.focus({ preventScroll: true });
    });
    one("data-talk-whole")?.addEventListener("click", () => {
      for (const person of hits()) chosen.add(String(person.id));
      search.value = "";
      drawPicked();
      window.zhibu.announce(`已选 ${chosen.size} 人`);
    });
  }

  form.addEventListener("click", (event) => {
    const day = event.target.closest("[data-set]");
    if (!day) return;
    const field = form.elements.namedItem(day.dataset.for);
    if (field) { field.value = day.dataset.set; field.dispatchEvent(new Event("change", { bubbles: true })); }
  });

  function days() {
    form.querySelectorAll("[data-set]").forEach((button) => {
      const field = form.elements.namedItem(button.dataset.for);
      button.setAttribute("aria-pressed", String(Boolean(field) && field.value === button.dataset.set));
    });
  }
  form.addEventListener("change", days);

  /* Parts shown only with one choice: data-shown-with="follow=on". */
  function parts() {
    form.querySelectorAll("[data-shown-with]").forEach((part) => {
      const [name, value] = part.dataset.shownWith.split("=");
      part.hidden = form.querySelector(`[name="${CSS.escape(name)}"]:checked`)?.value !== value;
    });
  }
  form.addEventListener("change", parts);

  /* What a folded part says in a line, which is what goes along to the next talk: date, mode, channel, topics, place. */
  function fold() {
    const line = form.querySelector("[data-how]");
    if (!line) return;
    const day = form.elements.namedItem("held_on")?.value || "";
    const words = ["mode", "channel", "topics"].flatMap((name) => [...form.querySelectorAll(`[name=${name}]:checked`)])
      .map((field) => field.nextElementSibling?.firstChild?.textContent || "");
    const place = form.elements.namedItem("place")?.value.trim();
    line.textContent = [day.slice(5).replace("-", "月") + (day ? "日" : ""), ...words, place].filter(Boolean).join("　");
  }
  form.addEventListener("change", fold);

  /* ---- faults ---- */

  function clearFaults() {
    if (summary) { summary.hidden = true; summary.replaceChildren(); }
    form.querySelectorAll(".field-error[data-live]").forEach((line) => line.remove());
    form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  }

  function showFaults(errors) {
    clearFaults();
    const list = make("ul");
    for (const { text, target } of errors) {
      const line = make("li");
      const field = target ? document.getElementById(target) : null;
      if (field) {
        const link = make("a", "", text);
        link.href = `#${target}`;
        line.append(link);
        field.setAttribute("aria-invalid", "true");
        const closed = field.closest("details:not([open])");
        if (closed) closed.open = true;
      } else line.textContent = text;
      list.append(line);
    }
    if (!summary) return;
    summary.replaceChildren(make("b", "", `还没有${verb}，请先改好`), list);
    summary.hidden = false;
    summary.focus();
  }

  /* ---- sending ---- */

  function drawOutbox() {
    if (!outbox) return;
    outbox.hidden = waiting.length === 0;
    const list = outbox.querySelector("ul");
    list.replaceChildren(...waiting.map((talk) => {
      const line = make("li");
      line.append(make("b", "", talk.names), make("small", "", talk.note || "等待送出"));
      if (talk.errors) {
        const back = make("button", "btn btn-outline-secondary btn-sm", "取回来改");
        back.type = "button";
        back.dataset.back = talk.id;
        line.append(back);
      }
      return line;
    }));
    outbox.querySelector("[data-outbox-count]").textContent = String(waiting.length);
  }

  function settle(talk) {
    waiting.splice(waiting.indexOf(talk), 1);
    drawOutbox();
  }

  function spokenWith(person) {
    person.spoken += 1;
    const enough = person.spoken >= person.required;
    person.state = enough ? "ok" : "todo";
    person.label = enough ? "已访" : `已谈 ${person.spoken} / ${person.required} 次`;
  }

  function taken(talk, body) {
    settle(talk);
    saved += 1;
    const counter = document.querySelector("[data-talk-saved]");
    if (counter) counter.textContent = `本页已记 ${saved} 次`;
    const words = `已${verb} ${body.who || talk.names}`;
    if (chosen.size && !waiting.length) { only(words); withWhom(); } else say("ok", words);
    for (const person of talk.people.map((id) => byId.get(id))) {
      if (!person) continue;
      person.last = talk.data.get("held_on");
      if (talk.single) spokenWith(person);
    }
    draw();
    if (repeats) return;
    blank = typed();
    if (body.open) show(body.open); else window.location.assign(body.next);
  }

  /* What was written anew is shown once; opening is a POST, because it is noted. */
  function show(address) {
    const opening = document.createElement("form");
    opening.method = "post";
    opening.action = address;
    opening.append(form.elements.namedItem("csrfmiddlewaretoken").cloneNode());
    document.body.append(opening);
    opening.submit();
  }

  function refused(talk, body) {
    talk.errors = body.errors || [{ text: body.error || body.message || `没有${verb}，请检查后再送` }];
    talk.note = talk.errors[0].text;
    if (!repeats) { settle(talk); say("bad", `没有${verb}，请看上面`); showFaults(talk.errors); return; }
    if (dirty()) { drawOutbox(); say("bad", "有一条没能记下，见上面的“还没有送出”"); return; }
    takeBack(talk);
    say("bad", `没有${verb}，请看上面`);
  }

  async function send() {
    window.clearTimeout(timer);
    if (busy) return;
    const talk = waiting.find((entry) => !entry.errors);
    if (!talk) return;
    busy = true;
    say("info", "正在送出…");
    const { status, body } = await window.zhibu.post(form.action, talk.data);
    busy = false;
    if (status === 200) taken(talk, body);
    else if (status === 422 || status === 409 || status === 404) refused(talk, body);
    else {
      talk.note = status === 401 ? "登录已过期，重新登录后自动送出" : status === 0 ? "网络断开，联网后自动送出" : status === 403 ? "现在不能送出，请看登录的账号" : "没有送出，稍后自动再试";
      drawOutbox();
      say("warn", `未送出：${talk.note}。内容在本页，请不要关闭`);
      timer = window.setTimeout(send, RETRY);
      return;
    }
    send();
  }

  function takeBack(talk) {
    settle(talk);
    chosen.clear();
    talk.people.forEach((id) => chosen.add(id));
    form.querySelectorAll("input, textarea, select").forEach((field) => {
      if (field.type === "hidden" || !field.name) return;
      const values = talk.data.getAll(field.name);
      if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
      else field.value = values[0] ?? "";
    });
    form.elements.namedItem("client_id").value = talk.id;
    drawPicked();
    days();
    parts();
    if (talk.errors) showFaults(talk.errors);
  }

  outbox?.addEventListener("click", (event) => {
    if (event.target.closest("[data-outbox-retry]")) { waiting.forEach((talk) => { if (!talk.errors) talk.note = "正在送出"; }); drawOutbox(); send(); return; }
    const back = event.target.closest("[data-back]");
    if (!back) return;
    if (dirty()) { window.zhibu.toast("请先把正在写的这条记下，再取回来改。", "warn"); return; }
    const talk = waiting.find((entry) => entry.id === back.dataset.back);
    if (talk) takeBack(talk);
  });

  /* Ready for the next person: what [data-keep] holds stays, the rest begins anew. */
  function next() {
    chosen.clear();
    form.querySelectorAll("input, textarea, select").forEach((field) => {
      if (field.type === "hidden" || field.closest("[data-keep]")) return;
      if (field.type === "checkbox" || field.type === "radio") field.checked = field.hasAttribute("data-default");
      else field.value = "";
    });
    form.querySelectorAll("details[data-fold]").forEach((part) => { part.open = false; });
    form.querySelectorAll("[data-once]").forEach((part) => part.remove());
    form.elements.namedItem("client_id").value = uuid();
    if (picked) drawPicked();
    days();
    parts();
    fold();
    blank = typed();
  }

  /* Today by this device: a page left open overnight does not know the new day; the server judges in any case. */
  function localDay() {
    const now = new Date();
    return new Date(now.getTime() - now.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
  }

  function early() {
    const errors = [];
    if (picked && chosen.size === 0) errors.push({ text: "请选择访谈对象。", target: search.id });
    const day = form.elements.namedItem("held_on");
    if (day && !day.value) errors.push({ text: "请填写日期。", target: "held_on" });
    else if (day?.max && day.value > day.max && day.value > localDay()) errors.push({ text: "谈话日期不能晚于今天。", target: "held_on" });
    if (form.querySelector("[name=consent]") && !form.querySelector("[name=consent]:checked")) errors.push({ text: "请选择告知。", target: "consent" });
    return errors;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (repeats && performance.now() - sentAt < TWICE && !chosen.size && !dirty()) return; // the second tap of two
    const errors = early();
    if (errors.length) { showFaults(errors); return; }
    clearFaults();
    const id = form.elements.namedItem("client_id")?.value;
    const again = repeats && !asked.has(id) ? metThatDay() : [];
    if (!again.length) { enqueue(); return; }
    const confirm = `当天已经记过和${nameList(again)}的谈话。确实又谈了一次，才需要再记。`;
    window.zhibu.ask({ confirm, confirmTitle: "再记一次？", confirmVerb: "再记一次" }, () => { asked.add(id); enqueue(); });
  }, true);

  /* Whom I have talked with on the day that is about to be recorded; a follow-up is meant to be another talk. */
  function metThatDay() {
    const day = form.elements.namedItem("held_on")?.value;
    if (!day || form.elements.namedItem("follow_up")) return [];
    const queued = (id) => waiting.some((talk) => talk.people.includes(id) && talk.data.get("held_on") === day);
    return [...chosen].filter((id) => byId.get(id)?.last === day || queued(id));
  }

  function enqueue() {
    if (!repeats) { if (busy) return; waiting.length = 0; }
    const people_ = [...chosen];
    const talk = {
      id: form.elements.namedItem("client_id")?.value || "",
      data: content(),
      people: people_,
      names: form.dataset.talkName || nameList(people_),
      single: form.querySelector("[name=mode][value=one]")?.checked ?? false,
    };
    waiting.push(talk);
    if (repeats) {
      sentAt = performance.now();
      putLast(people_);
      next();
      window.scrollTo({ top: 0 });
      search?.focus({ preventScroll: true });
    }
    drawOutbox();
    send();
  }

  document.addEventListener("zhibu:retry", () => { if (waiting.length) send(); });
  window.addEventListener("beforeunload", (event) => { if (waiting.length || dirty()) event.preventDefault(); });
  /* A page put aside by the browser must not come back with what was typed. */
  window.addEventListener("pagehide", () => { waiting.length = 0; form.reset(); chosen.clear(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });

  function start() {
    form.querySelectorAll("[name=people]").forEach((field) => { if (byId.has(field.value)) chosen.add(field.value); });
    const key = form.elements.namedItem("client_id");
    if (key && !key.value) key.value = uuid();
    if (picked) drawPicked();
    days();
    parts();
    fold();
    if (!form.hasAttribute("data-dirty")) blank = typed();
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
