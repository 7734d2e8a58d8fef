/* Security keys (WebAuthn), as an addition: without this script, or in a browser that has no
   WebAuthn here, the part stays hidden and the code does the same.

   Page:     <div hidden data-key="add|prove" data-challenge="…" data-url="…"
               data-next="…" (where to go on) or data-submits="id" (form to send afterwards)>
               csrf token, a button, [data-key-says] for what went wrong; add: #key-name
             [data-key-missing] is shown where the browser has it not.
   Requests: POST data-challenge → options (W3C WebAuthn Level 3, JSON forms);
             POST data-url {credential, name} → {url} or {error}. An answer {error, confirm} asks
             who the person is first: it leads to that page, which leads back here. */
(() => {
  "use strict";
  const usable = window.isSecureContext && window.PublicKeyCredential && navigator.credentials &&
    !/^[\d.]+$|:/.test(location.hostname);
  if (!usable) return;
  for (const words of document.querySelectorAll("[data-key-missing]")) words.hidden = true;

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const readable = (options) => {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const list of [options.excludeCredentials, options.allowCredentials]) {
      for (const known of list ?? []) known.id = bytes(known.id);
    }
    return options;
  };

  const sendable = (credential) => {
    const response = { clientDataJSON: text(credential.response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[part]) response[part] = text(credential.response[part]);
    }
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    return {
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  };

  const post = async (place, url, data) => {
    const answer = await fetch(url, {
      method: "POST", redirect: "error",
      headers: {
        Accept: "application/json", "Content-Type": "application/json",
        "X-CSRFToken": place.querySelector("[name=csrfmiddlewaretoken]").value,
      },
      body: JSON.stringify(data),
    });
    const said = await answer.json();
    if (said.confirm) location.assign(said.confirm);
    if (!answer.ok) throw new Error(said.error);
    return said;
  };

  const WORDS = {
    NotAllowedError: "没有完成：已取消，或等待时间过长。",
    InvalidStateError: "这把密钥已经添加过。",
    TypeError: "没有连上平台，请检查网络后重试。",
  };

  for (const place of document.querySelectorAll("[data-key]")) {
    place.hidden = false;
    const says = place.querySelector("[data-key-says]");
    const button = place.querySelector("button");
    button.addEventListener("click", async () => {
      says.textContent = "";
      button.disabled = true;
      try {
        const adding = place.dataset.key === "add";
        const publicKey = readable(await post(place, place.dataset.challenge, {}));
        const credential = sendable(adding
          ? await navigator.credentials.create({ publicKey })
          : await navigator.credentials.get({ publicKey }));
        const name = place.querySelector("#key-name")?.value ?? "";
        const query = place.dataset.next ? `?next=${encodeURIComponent(place.dataset.next)}` : "";
        const { url } = await post(place, place.dataset.url + query, { credential, name });
        if (place.dataset.submits) document.getElementById(place.dataset.submits).submit();
        else location.assign(url);
      } catch (error) {
        says.textContent = WORDS[error.name] ?? error.message;
        button.disabled = false;
      }
    });
  }
})();
