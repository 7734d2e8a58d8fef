/* Saves each answer by itself and never lies about it.

   Page:      <form data-autosave-url="…" data-autosave-owner="<user id>" data-login-url="…">
                <… data-item="M-601" data-field="main" data-version="3"> controls, _save_state.html </…>
              [data-save-indicator] anywhere: the one line for the whole page.
   Request:   POST form-encoded: item, field, version, value (repeated for several choices; none for
              an emptied choice; one JSON list of rows where [data-value="rows"] holds [data-row] with
              controls [data-key]). Header X-CSRFToken, Accept: application/json.
   Answers:   200 {version, saved_at, progress?: {done,total}, visible?: {item: bool},
                   results?: {item: html}, state?: {section: html}, html?: {element id: html},
                   faults?: {"item/field": what is wrong with the stored value, "" if nothing}}
                   A faulty value is kept but not counted: 已保存，但有误.
              409 {version, value, display?, by, at, own?, fault?}   somebody else saved first; own:
                   the same person did, in another window
              422 {error, forget?}                     refused: what is wrong, at the field; forget: the
                   text must lie nowhere but on the open page
              401, a redirect, or 403 {reason: "csrf"} log in again; 403/404/409 without version {error}
   Keeping:   what is not acknowledged lies in localStorage, per person and address, and nothing else
              does. It is sent again with back-off, when the network returns, when the page is looked
              at again after a log-in, and when the page is opened anew. The server's copy is the truth. */
(() => {
  "use strict";
  const form = document.querySelector("[data-autosave-url]");
  if (!form) return;

  const PAUSE = 800; // ms after the last key
  const FIRST_WAIT = 2000;
  const LONGEST_WAIT = 60000;
  const url = form.dataset.autosaveUrl;
  const shelf = `autosave:${form.dataset.autosaveOwner ?? ""}:${url}:`;
  const tab = Math.random().toString(36).slice(2);
  const FIELD = "[data-item][data-field]";

  /* entry: {id, values, version, refused?}; waiting for the server in the order of the last touch */
  const pending = new Map();
  const touched = new Map(); // key → timer of the pause
  let inFlight = null;
  let wait = 0;
  let retryTimer = 0;
  let trouble = ""; // "", offline, expired, failed: why the queue stands still
  let lastSaved = "";
  let counter = 0;

  const keyOf = (wrap) => `${wrap.dataset.item}/${wrap.dataset.field}`;
  const wrapOf = (key) => [...form.querySelectorAll(FIELD)].find((wrap) => keyOf(wrap) === key);
  const controls = (wrap) =>
    [...wrap.querySelectorAll("input, select, textarea")].filter(
      (control) => control.name && control.type !== "file" && control.type !== "hidden" &&
        !control.hasAttribute("data-no-autosave") && control.closest(FIELD) === wrap);
  const rowsOf = (wrap) => wrap.querySelector('[data-value="rows"]');

  /* ---- values ------------------------------------------------------------------------------ */
  const read = (wrap) => {
    const table = rowsOf(wrap);
    if (table) {
      const rows = [...table.querySelectorAll("[data-row]")].map((row) =>
        Object.fromEntries([...row.querySelectorAll("[data-key]")].map((c) => [c.dataset.key, c.value])));
      return [JSON.stringify(rows.filter((row) => Object.values(row).some((v) => v !== "")))];
    }
    return controls(wrap).flatMap((control) => {
      if (control.type === "radio" || control.type === "checkbox") return control.checked ? [control.value] : [];
      if (control.multiple) return [...control.selectedOptions].map((option) => option.value);
      return [control.value];
    });
  };

  const write = (wrap, values) => {
    const table = rowsOf(wrap);
    if (table) {
      const rows = JSON.parse(values[0] || "[]");
      const places = [...table.querySelectorAll("[data-row]")];
      while (places.length < rows.length) {
        const copy = places[places.length - 1].cloneNode(true);
        places[places.length - 1].after(copy);
        places.push(copy);
      }
      places.forEach((place, n) => {
        for (const c of place.querySelectorAll("[data-key]")) c.value = rows[n]?.[c.dataset.key] ?? "";
      });
      return;
    }
    const all = controls(wrap);
    const singles = all.filter((c) => c.type !== "radio" && c.type !== "checkbox" && !c.multiple);
    for (const control of all) {
      if (control.type === "radio" || control.type === "checkbox") control.checked = values.includes(control.value);
      else if (control.multiple) for (const option of control.options) option.selected = values.includes(option.value);
      else control.value = values[singles.indexOf(control)] ?? "";
    }
  };

  const asList = (value) => (value === null || value === undefined ? [] : Array.isArray(value) ? value.map(String) : [String(value)]);
  const same = (a, b) => a.length === b.length && a.every((value, n) => value === b[n]);

  /* what a person reads of a value: labels of choices, the text itself otherwise */
  const words = (wrap, values) => {
    const spoken = values.filter((value) => value !== "").map((value) => {
      for (const control of controls(wrap)) {
        if ((control.type === "radio" || control.type === "checkbox") && control.value === value) {
          const label = control.labels?.[0]?.cloneNode(true);
          for (const hint of label?.querySelectorAll("kbd") ?? []) hint.remove();
          return label?.textContent.trim() ?? value;
        }
        if (control.tagName === "SELECT") {
          const option = [...control.options].find((o) => o.value === value);
          if (option) return option.textContent.trim();
        }
      }
      return value;
    });
    return spoken.join("、") || "（未填）";
  };

  /* ---- the shelf ----------------------------------------------------------------------------- */
  const put = (key, entry) => {
    try { localStorage.setItem(shelf + key, JSON.stringify(entry)); } catch { /* full or forbidden: memory still has it */ }
  };
  const take = (key, id) => {
    try {
      const kept = JSON.parse(localStorage.getItem(shelf + key) ?? "null");
      if (kept && kept.id === id) localStorage.removeItem(shelf + key); // another tab's newer entry stays
    } catch { /* nothing kept */ }
  };

  /* ---- what the page says -------------------------------------------------------------------- */
  const SAYS = {
    idle: "", waiting: "等待保存", saving: "正在保存…", offline: "未保存，等待网络",
    expired: "未保存，登录已过期", failed: "保存失败", conflict: "他人已修改，请选择", faulty: "已保存，但有误",
  };
  const say = (wrap, state, text) => {
    const place = wrap?.querySelector("[data-save-state]");
    if (!place) return;
    place.dataset.saveState = state;
    place.textContent = text ?? SAYS[state];
  };
  const showError = (wrap, text) => {
    const place = wrap.querySelector("[data-error]");
    if (place) {
      place.textContent = text;
      place.hidden = !text;
      if (text && !place.id) place.id = `error-${keyOf(wrap).replace(/[^\w-]/g, "-")}`;
    }
    for (const control of controls(wrap)) {
      const described = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== place?.id);
      if (text && place) described.push(place.id);
      described.length ? control.setAttribute("aria-describedby", described.join(" ")) : control.removeAttribute("aria-describedby");
      text ? control.setAttribute("aria-invalid", "true") : control.removeAttribute("aria-invalid");
    }
  };
  /* what is wrong with the stored value; a value not stored yet speaks for itself */
  const showFault = (wrap, key, text) => {
    const place = wrap?.querySelector("[data-save-state]");
    if (!place || pending.has(key) || touched.has(key) || wrap.querySelector(".conflict")) return;
    showError(wrap, text);
    if (text) say(wrap, "faulty");
    else if (place.dataset.saveState === "faulty") say(wrap, "saved", "已保存");
  };
  const clock = (iso) => {
    const moment = iso ? new Date(iso) : new Date();
    if (Number.isNaN(moment.getTime())) return String(iso);
    // the portal's clock is Beijing's, whatever the machine's is
    return moment.toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });
  };

  const conflicts = () => form.querySelectorAll(".conflict").length;
  const faulty = () =>
    [...form.querySelectorAll('[data-field] [data-save-state="faulty"]')].filter((place) => !place.closest("[hidden]")).length;
  const refused = () => [...pending.values()].filter((entry) => entry.refused).length;
  const indicator = () => {
    let state = "idle";
    let text = "";
    if (trouble === "expired") [state, text] = ["expired", "登录已过期，请重新登录后继续；内容已保留"];
    else if (conflicts()) [state, text] = ["conflict", `有 ${conflicts()} 处${form.querySelector(".conflict:not([data-own])") ? "他人" : "您在另一个窗口"}已修改，请选择`];
    else if (trouble === "failed" || refused()) [state, text] = ["failed", refused() ? `保存失败：${refused()} 处需要更正` : "保存失败，稍后自动重试"];
    else if (trouble === "offline") [state, text] = ["offline", "未保存，等待网络"];
    else if (pending.size || touched.size) [state, text] = ["saving", "正在保存…"];
    else if (faulty()) [state, text] = ["faulty", `已保存，但有 ${faulty()} 处有误`];
    else if (lastSaved) [state, text] = ["saved", `已保存 ${lastSaved}`];
    for (const place of document.querySelectorAll("[data-save-indicator]")) {
      if (place.dataset.saveState === state && place.textContent === text) continue;
      place.dataset.saveState = state;
      place.textContent = text;
    }
    loginNotice(trouble === "expired");
  };

  const loginNotice = (shown) => {
    let box = document.querySelector("[data-save-login]");
    if (!shown) return box?.remove();
    if (box) return;
    box = document.createElement("div");
    box.className = "note note-error save-notice";
    box.dataset.saveLogin = "";
    box.setAttribute("role", "alert");
    const login = form.dataset.loginUrl ?? "/";
    box.innerHTML = '<p>登录已过期，请重新登录后继续；内容已保留。 <a target="_blank" rel="opener">重新登录（新窗口）</a> ' +
      '<button type="button" class="btn btn-sm btn-secondary">已登录，继续保存</button></p>';
    box.querySelector("a").href = login;
    box.querySelector("button").addEventListener("click", () => hurry());
    form.prepend(box);
  };

  /* an answer may show or hide questions above the reader: what has the focus must not move */
  const steady = (change) => {
    const anchor = document.activeElement?.closest?.("[data-item-block], " + FIELD);
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (!anchor?.isConnected) return;
    const moved = anchor.getBoundingClientRect().top - before;
    if (moved) window.scrollBy({ top: moved, behavior: "instant" });
  };

  const apply = (answer) => steady(() => {
    for (const [item, shown] of Object.entries(answer.visible ?? {})) {
      for (const block of document.querySelectorAll(`[data-item-block="${CSS.escape(item)}"]`)) block.hidden = !shown;
    }
    for (const [item, html] of Object.entries(answer.results ?? {})) {
      for (const place of document.querySelectorAll(`[data-item-result="${CSS.escape(item)}"]`)) place.innerHTML = html;
    }
    for (const [key, text] of Object.entries(answer.faults ?? {})) showFault(wrapOf(key), key, text);
    for (const [section, html] of Object.entries(answer.state ?? {})) {
      for (const place of document.querySelectorAll(`[data-section-state="${CSS.escape(section)}"]`)) place.innerHTML = html;
    }
    for (const [id, html] of Object.entries(answer.html ?? {})) {
      const place = document.getElementById(id);
      if (place) place.innerHTML = html;
    }
    if (answer.progress) {
      const { done, total } = answer.progress;
      for (const line of document.querySelectorAll("[data-progress]:not([data-progress-own])")) {
        const bar = line.querySelector("progress");
        bar.max = total || 1;
        bar.value = done;
        line.querySelector("[data-done]").textContent = done;
        line.querySelector("[data-total]").textContent = total;
        line.querySelector("[data-share]").textContent = total ? Math.floor((100 * done) / total) : 0;
      }
    }
    form.dispatchEvent(new CustomEvent("autosave:saved", { bubbles: true, detail: answer }));
  });

  /* ---- two people, one answer ------------------------------------------------------------------ */
  const closeConflict = (wrap) => wrap.querySelector(".conflict")?.remove();
  const showConflict = (wrap, key, theirs) => {
    closeConflict(wrap);
    const entry = pending.get(key);
    const box = document.createElement("div");
    box.className = "conflict";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", theirs.own ? "您在另一个窗口已修改这一项" : "他人已修改这一项");
    const other = theirs.own ? "另一个窗口" : "对方";
    if (theirs.own) box.dataset.own = "";
    box.innerHTML =
      '<p><b data-who></b>您的填写还没有保存。请选择保留哪一个：</p><div class="conflict-sides">' +
      '<div><h4>您填写的</h4><blockquote data-mine></blockquote><button type="button" class="btn btn-sm btn-secondary" data-choose="mine">保留我的</button></div>' +
      `<div><h4>${other}填写的</h4><blockquote data-theirs></blockquote><button type="button" class="btn btn-sm btn-secondary" data-choose="theirs">采用${other}的</button></div></div>`;
    const at = theirs.at ? clock(theirs.at) : "";
    box.querySelector("[data-who]").textContent = theirs.own
      ? `您在另一个窗口${at && `（${at}）`}已修改这一项。`
      : `${theirs.by || "另一位同事"}${at && `在 ${at} `}已修改这一项。`;
    box.querySelector("[data-mine]").textContent = words(wrap, entry.values);
    box.querySelector("[data-theirs]").textContent = theirs.display ?? words(wrap, asList(theirs.value));
    box.querySelector('[data-choose="mine"]').addEventListener("click", () => {
      wrap.dataset.version = theirs.version;
      closeConflict(wrap);
      drop(key);
      queue(wrap);
      hurry();
    });
    box.querySelector('[data-choose="theirs"]').addEventListener("click", () => {
      write(wrap, asList(theirs.value));
      wrap.dataset.version = theirs.version;
      drop(key);
      closeConflict(wrap);
      say(wrap, "saved", `已采用${other}的填写`);
      showFault(wrap, key, theirs.fault ?? "");
      indicator();
    });
    wrap.append(box);
    say(wrap, "conflict", theirs.own ? "您在另一个窗口已修改，请选择" : undefined);
  };

  /* ---- the queue --------------------------------------------------------------------------------- */
  const drop = (key) => {
    const entry = pending.get(key);
    if (entry) take(key, entry.id);
    pending.delete(key);
  };

  const queue = (wrap) => {
    const key = keyOf(wrap);
    counter += 1;
    // a text that builds on an older version stays bound to it, so that the server can still object
    const version = pending.get(key)?.version ?? wrap.dataset.version;
    const entry = { id: `${tab}-${counter}`, values: read(wrap), version };
    pending.delete(key); // the last touched goes to the end
    pending.set(key, entry);
    put(key, entry);
    return entry;
  };

  const token = () =>
    document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1] ??
    document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";

  const next = () => {
    for (const [key, entry] of pending) {
      if (entry.refused || touched.has(key)) continue;
      const wrap = wrapOf(key);
      if (wrap?.querySelector(".conflict")) continue;
      return [key, entry, wrap];
    }
    return null;
  };

  const stumble = (why, after) => {
    trouble = why;
    wait = after ?? Math.min(wait ? wait * 2 : FIRST_WAIT, LONGEST_WAIT);
    clearTimeout(retryTimer);
    retryTimer = setTimeout(pump, wait * (0.85 + 0.3 * Math.random()));
    for (const key of pending.keys()) {
      const wrap = wrapOf(key);
      if (!pending.get(key).refused && !wrap?.querySelector(".conflict")) say(wrap, why);
    }
  };

  const refuse = (key, entry, wrap, text, forget) => {
    if (pending.get(key) === entry) {
      entry.refused = text;
      if (forget) take(key, entry.id);
      else put(key, entry);
    }
    if (wrap) {
      showError(wrap, text);
      say(wrap, "failed");
    }
  };

  const body = (key, entry) => {
    const [item, field] = [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)];
    const sent = new URLSearchParams({ item, field, version: entry.version });
    for (const value of entry.values) sent.append("value", value);
    return sent;
  };

  const send = async (key, entry, wrap) => {
    let response;
    const payload = body(key, entry).toString();
    try {
      response = await fetch(url, {
        method: "POST", body: payload, redirect: "manual", credentials: "same-origin",
        keepalive: payload.length < 30000, // outlives the page, but browsers allow 64 KB in all
        headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8", "X-CSRFToken": token(), "X-Requested-With": "XMLHttpRequest" },
      });
    } catch {
      return stumble("offline");
    }
    let answer = null;
    try { answer = await response.json(); } catch { /* not ours */ }
    const { status } = response;
    if (response.type === "opaqueredirect" || status === 401 || (status === 403 && answer?.reason === "csrf")) {
      return stumble("expired");
    }
    if (status === 200 && answer?.version !== undefined) {
      settle(key, entry, wrap, answer);
      return undefined;
    }
    if (status === 409 && answer?.version !== undefined) {
      trouble = "";
      wait = 0;
      // our own save whose answer got lost on the way: it is saved
      if (same(asList(answer.value), entry.values)) return settle(key, entry, wrap, { version: answer.version, saved_at: answer.at, faults: { [key]: answer.fault ?? "" } });
      if (pending.get(key) !== entry) return undefined; // changed meanwhile: the newer text will meet the same answer
      if (wrap) showConflict(wrap, key, answer);
      else refuse(key, entry, wrap, "这一项已另有修改"); // stands on another section: asked when that one is opened
      return undefined;
    }
    if (status === 422 || status === 400 || status === 403 || status === 404 || status === 409 || status === 413) {
      trouble = "";
      wait = 0;
      return refuse(key, entry, wrap, answer?.error ?? "没有保存：自查可能已提交或不再由您填写，请刷新页面查看。", answer?.forget);
    }
    const after = Number(response.headers.get("Retry-After"));
    return stumble("failed", after ? after * 1000 : undefined);
  };

  const settle = (key, entry, wrap, answer) => {
    trouble = "";
    wait = 0;
    lastSaved = clock(answer.saved_at);
    if (wrap) {
      wrap.dataset.version = answer.version;
      showError(wrap, "");
    }
    const now = pending.get(key);
    if (now === entry) {
      drop(key);
      say(wrap, "saved", `已保存 ${lastSaved}`);
    } else if (now) {
      now.version = String(answer.version); // changed again meanwhile: the newer text follows
      put(key, now);
    }
    apply(answer);
  };

  async function pump() {
    clearTimeout(retryTimer);
    if (inFlight) return inFlight;
    const work = (async () => {
      for (let job = next(); job; job = next()) {
        const [key, entry, wrap] = job;
        if (!trouble) say(wrap, "saving");
        indicator();
        await send(key, entry, wrap);
        indicator();
        if (trouble) return;
      }
    })();
    inFlight = work;
    await work;
    inFlight = null;
    indicator();
    return undefined;
  }

  const hurry = () => {
    wait = 0;
    for (const [key, timer] of touched) {
      clearTimeout(timer);
      touched.delete(key);
    }
    return pump();
  };

  /* ---- events --------------------------------------------------------------------------------------- */
  const touch = (event) => {
    const wrap = event.target.closest?.(FIELD);
    if (!wrap || !controls(wrap).includes(event.target) && !event.target.closest('[data-value="rows"]')) return;
    const key = keyOf(wrap);
    const known = pending.get(key);
    if (event.type === "change" && known && !known.refused && same(known.values, read(wrap))) {
      // leaving a text box fires change after input: nothing new, but no reason to wait longer
      if (touched.has(key)) {
        clearTimeout(touched.get(key));
        touched.delete(key);
        pump();
      }
      return;
    }
    if (event.type === "change" && !known && wrap.dataset.read === JSON.stringify(read(wrap))) return;
    wrap.dataset.read = JSON.stringify(read(wrap));
    queue(wrap);
    showError(wrap, "");
    const open = wrap.querySelector(".conflict [data-mine]");
    if (open) {
      open.textContent = words(wrap, read(wrap));
      return;
    }
    say(wrap, trouble || "waiting");
    clearTimeout(touched.get(key));
    const pause = event.type === "change" ? 0 : PAUSE;
    touched.set(key, setTimeout(() => {
      touched.delete(key);
      if (trouble) return;
      pump();
    }, pause));
    indicator();
  };
  form.addEventListener("input", (event) => {
    if (!event.target.matches("input[type=radio], input[type=checkbox], select")) touch(event);
  });
  form.addEventListener("change", touch);

  window.addEventListener("online", hurry);
  window.addEventListener("offline", () => { if (pending.size) { stumble("offline"); indicator(); } });
  window.addEventListener("focus", () => { if (trouble) hurry(); });
  document.addEventListener("visibilitychange", () => { hurry(); }); // leaving: send now; back from the log-in: try again

  window.addEventListener("beforeunload", (event) => {
    if (!pending.size) return;
    event.preventDefault();
    event.returnValue = "";
  });

  /* moving on by a button of the form: first everything is acknowledged, then the form goes */
  const settledAgainst = (key, wrap) => pending.get(key).refused || wrap?.querySelector(".conflict");
  let passing = false;
  form.addEventListener("submit", async (event) => {
    if (passing || !pending.size) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter, target } = event;
    await hurry();
    // what the server refused stays here for its own form; it does not hold up the others
    const holding = [...pending.keys()].filter((key) => {
      const wrap = wrapOf(key);
      return target.contains(wrap ?? null) || !settledAgainst(key, wrap);
    });
    if (holding.length) {
      indicator();
      const first = wrapOf(holding[0]);
      first?.scrollIntoView({ block: "center" });
      if (first) controls(first)[0]?.focus({ preventScroll: true });
      return;
    }
    passing = true;
    target.requestSubmit(submitter ?? undefined); // the form itself may be one of several in a frame
    passing = false;
  });

  /* ---- opening the page: what an earlier visit could not deliver ------------------------------------- */
  const restore = () => {
    const kept = [];
    for (let n = 0; n < localStorage.length; n += 1) {
      const name = localStorage.key(n);
      if (name.startsWith(shelf)) kept.push(name.slice(shelf.length));
    }
    for (const key of kept) {
      let entry = null;
      try { entry = JSON.parse(localStorage.getItem(shelf + key)); } catch { /* broken: drop it */ }
      const wrap = wrapOf(key);
      if (!entry || !Array.isArray(entry.values)) {
        localStorage.removeItem(shelf + key);
        continue;
      }
      if (wrap && same(read(wrap), entry.values)) { // the answer had arrived, only the receipt was lost
        localStorage.removeItem(shelf + key);
        continue;
      }
      delete entry.refused;
      pending.set(key, entry);
      if (!wrap) continue; // stands on another section: sent from here, seen there
      write(wrap, entry.values);
      say(wrap, "waiting", "上次未保存的内容已恢复，正在保存…");
    }
  };
  try { restore(); } catch { /* no storage: nothing was kept */ }
  for (const wrap of form.querySelectorAll(FIELD)) wrap.dataset.read = JSON.stringify(read(wrap));
  if (pending.size) pump();
  else indicator();

  /* for pages that add their own keys (same as last year): change the control, then call this */
  window.portalAutosave = { touch: (wrap) => { queue(wrap); pump(); indicator(); }, flush: hurry, pending: () => pending.size };
})();
