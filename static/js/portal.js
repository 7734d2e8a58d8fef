/* Small manners of every page. Nothing here is needed to get a thing done: without JavaScript the
   forms still send and the server still refuses what is wrong. No inline handlers (CSP). */
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const one = (selector, root = document) => root.querySelector(selector);

  /* ---- ask before what cannot be taken back: <button data-confirm="问句" data-confirm-action="删除"> */
  const dialog = () => {
    let box = one("dialog.ask");
    if (!box) {
      box = document.createElement("dialog");
      box.className = "ask";
      box.setAttribute("aria-labelledby", "ask-words");
      box.innerHTML =
        '<p id="ask-words"></p><div class="actions">' +
        '<button type="button" class="btn btn-secondary" data-no>取消</button>' +
        '<button type="button" class="btn btn-danger" data-yes></button></div>';
      document.body.append(box);
    }
    return box;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-confirm]");
    if (!button || button.dataset.confirmed) return;
    event.preventDefault();
    event.stopPropagation();
    const box = dialog();
    one("#ask-words", box).textContent = button.dataset.confirm;
    const yes = one("[data-yes]", box);
    yes.textContent = button.dataset.confirmAction || button.textContent.trim();
    yes.onclick = () => {
      box.close();
      button.dataset.confirmed = "yes";
      button.click();
      delete button.dataset.confirmed;
    };
    one("[data-no]", box).onclick = () => box.close();
    box.showModal();
    one("[data-no]", box).focus();
  }, true);

  /* ---- one press, one request: a POST form is sent once; the buttons wake up after 15 s or on return */
  const sent = new WeakMap();
  const rest = (form, resting) => {
    for (const button of form.querySelectorAll("button[type=submit], button:not([type])")) {
      resting ? button.setAttribute("aria-busy", "true") : button.removeAttribute("aria-busy");
    }
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-many")) return;
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    rest(form, true);
    sent.set(form, setTimeout(() => { sent.delete(form); rest(form, false); }, 15000));
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return; // back from the back/forward cache
    for (const form of document.forms) {
      clearTimeout(sent.get(form));
      sent.delete(form);
      rest(form, false);
    }
  });

  /* ---- print: <button data-print hidden> */
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  /* ---- copy: <button data-copy="#id"> or data-copy-text="…" */
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (!button) return;
    const source = button.dataset.copy && one(button.dataset.copy);
    const text = button.dataset.copyText ?? source?.textContent.trim() ?? "";
    const words = button.dataset.words ?? (button.dataset.words = button.textContent.trim());
    const say = (said) => {
      const place = one("[data-copy-words]", button) ?? button;
      place.textContent = said;
      setTimeout(() => { place.textContent = words; }, 2000);
    };
    try {
      await navigator.clipboard.writeText(text);
      say("已复制");
    } catch {
      // plain http has no clipboard: select the text so that Ctrl+C does it
      if (source) getSelection().selectAllChildren(source);
      say("已选中，请按 Ctrl+C");
    }
  });

  /* ---- a password can be shown while it is typed; it is hidden again before the form goes */
  for (const input of document.querySelectorAll("input[type=password]")) {
    const button = document.createElement("button");
    const what = document.createElement("span");
    what.className = "visually-hidden";
    const show = (shown) => {
      input.type = shown ? "text" : "password";
      what.textContent = input.labels[0]?.firstChild.textContent.trim() ?? "口令";
      button.replaceChildren(shown ? "隐藏" : "显示", what);
    };
    button.type = "button";
    button.className = "btn btn-sm btn-link";
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", () => show(input.type === "password"));
    input.form?.addEventListener("submit", () => show(false));
    show(false);
    input.after(button);
  }

  /* ---- a one-time link: its code stands behind the #, is typed for the person and leaves the address */
  const opening = one("form[data-code-from-link]");
  if (opening && location.hash.length > 1) {
    opening.elements.code.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
    opening.requestSubmit();
  }

  /* ---- menus close on a click elsewhere and on Escape */
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      one("summary", menu).focus();
    }
  });

  /* ---- filters: a change of a select sends the form; empty fields stay out of the address */
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto-submit]");
    if (form && event.target.matches("select, input[type=date], input[type=checkbox]")) {
      form.requestSubmit();
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "get") return;
    const empties = [...event.target.elements].filter((c) => c.name && c.value === "" && !c.disabled);
    for (const control of empties) control.disabled = true;
    setTimeout(() => { for (const control of empties) control.disabled = false; });
  });

  /* ---- number keys choose among the large keys while the question has the focus */
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !/^[1-9]$/.test(event.key)) return;
    const target = event.target;
    if (target.matches("textarea, select, input:not([type=radio]):not([type=checkbox])")) return;
    const keys = target.closest("[data-keys]") ??
      one("[data-keys]", target.closest("[data-field], [data-item-block]") ?? document.createElement("p"));
    const radio = keys?.querySelectorAll("input[type=radio]")[Number(event.key) - 1];
    if (!radio || radio.disabled) return;
    event.preventDefault();
    radio.focus();
    if (!radio.checked) radio.click();
  });

  /* ---- evidence: files go up one after another, each with its own line */
  const size = (bytes) =>
    bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`;

  const refusal = (drop, file) => {
    const kinds = drop.dataset.accept.split(",").map((kind) => kind.trim().toLowerCase());
    if (!kinds.some((kind) => file.name.toLowerCase().endsWith(kind))) {
      return `“${file.name}”没有上传：只接收 ${kinds.map((k) => k.slice(1)).join("、")} 文件。`;
    }
    if (file.size > Number(drop.dataset.maxMb) * 1048576) {
      return `“${file.name}”没有上传：${size(file.size)}，超过 ${drop.dataset.maxMb} MB。请压缩或拆分后重传。`;
    }
    if (file.size === 0) return `“${file.name}”没有上传：文件是空的。`;
    return "";
  };

  // The server reads about 1,000 bytes of a name and keeps 120 characters; beginning and end stay.
  const shortened = (name) => (name.length > 120 ? `${name.slice(0, 80)}…${name.slice(-39)}` : name);

  const sendFile = (form, input, file, bar) => new Promise((done) => {
    const body = new FormData();
    body.append(input.name, file, shortened(file.name));
    const request = new XMLHttpRequest(); // fetch cannot tell how much has gone up
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1] ??
      one("input[name=csrfmiddlewaretoken]", form)?.value ?? "";
    request.setRequestHeader("X-CSRFToken", token);
    request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
    request.onload = () => {
      let answer = null;
      try { answer = JSON.parse(request.responseText); } catch { /* a page, not an answer */ }
      if (request.status === 200 && answer) return done(answer);
      const expired = request.responseURL && !request.responseURL.startsWith(form.action);
      done({ error: answer?.error ?? (expired
        ? `“${file.name}”没有上传：登录已过期，请重新登录后再传。`
        : `“${file.name}”没有上传：平台没有接收（${request.status}），请稍后再试。`) });
    };
    request.onerror = () => done({ error: `“${file.name}”没有上传：网络中断，请检查网络后重传。` });
    request.send(body);
  });

  const upload = async (drop, form, input, files) => {
    const error = one("[data-file-error]", drop);
    const list = one("[data-files]", drop);
    const refused = [];
    for (const file of files) {
      const why = refusal(drop, file);
      if (why) {
        refused.push(why);
        continue;
      }
      const line = document.createElement("li");
      const bar = document.createElement("progress");
      bar.max = 1;
      bar.value = 0;
      bar.setAttribute("aria-label", "上传进度");
      line.append(`${file.name}（${size(file.size)}）`, bar);
      list.append(line);
      const answer = await sendFile(form, input, file, bar); // one at a time: no race on the server
      line.remove();
      if (answer.error) refused.push(answer.error);
      else if (answer.html !== undefined) list.innerHTML = answer.html;
    }
    error.textContent = refused.join("\n");
    error.hidden = refused.length === 0;
    drop.dispatchEvent(new CustomEvent("files:done", { bubbles: true }));
  };

  for (const button of document.querySelectorAll("[data-nojs]")) button.hidden = true;
  // On a phone the bars scroll sideways: bring the place one stands in into sight.
  for (const here of document.querySelectorAll(".main-nav [aria-current], .steps [aria-current]")) {
    const bar = here.closest("ul");
    bar.scrollLeft += here.getBoundingClientRect().left - bar.getBoundingClientRect().left - 16;
  }
  document.addEventListener("change", async (event) => {
    const drop = event.target.closest("[data-file-drop]");
    if (!drop || event.target.type !== "file") return;
    const input = event.target;
    await upload(drop, input.form, input, [...input.files]);
    input.value = "";
  });
  const dropOf = (event) => event.target.closest?.("[data-file-drop]");
  document.addEventListener("dragover", (event) => {
    const drop = dropOf(event);
    if (!drop || !one("input[type=file]", drop)) return;
    event.preventDefault();
    drop.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => dropOf(event)?.classList.remove("is-over"));
  document.addEventListener("drop", (event) => {
    const drop = dropOf(event);
    const input = drop && one("input[type=file]", drop);
    if (!input) return;
    event.preventDefault();
    drop.classList.remove("is-over");
    upload(drop, input.form, input, [...event.dataTransfer.files]);
  });
})();
