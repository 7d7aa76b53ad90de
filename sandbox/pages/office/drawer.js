// The drawer «Песочница»: who can be called and what each does, who may call in, what the exchange sees just now.
// Reads `/sandbox/state` once a second while it is open; everything it does goes through the sandbox's own REST.
define(["jquery", "underscore", "office/app", "office/phones", "office/notices"], ($, _, APP, phones, notices) => {
  const EVERY = 1000; // milliseconds
  const OPEN = "sandbox.drawer";
  const box = $("#drawer");
  let timer = null;

  const post = (url, body) =>
    fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

  const customer = (one, extension) => `
    <li><div><span class="js-phone drawer__number" data-phone="${_.escape(one.number)}">${_.escape(one.shown)}</span>
      <span>${_.escape(one.name)} — ${_.escape(one.does)}</span></div>
      ${extension ? `<button type="button" class="button button_small js-call-in" data-number="${_.escape(one.number)}">Позвонить мне</button>` : ""}</li>`;

  const line = (one) => `
    <li><b>${_.escape(one.extension)}</b> ${one.contacts.length ? one.contacts.map((contact) => `<span class="lamp lamp_on"></span>${_.escape(contact.device)}`).join(" ") : '<span class="lamp"></span>не в сети'}</li>`;

  const call = (one) => `
    <li><b>${_.escape(one.from)} → ${_.escape(one.to)}</b> <span>${_.escape(one.state_text)}</span>
      <button type="button" class="link js-hang-up" data-id="${_.escape(one.id)}">разъединить</button></li>`;

  function frame() {
    const { gateway_url: gateway, extension } = APP.constant("sandbox");
    box.html(`
      <header><h2>Песочница</h2><button type="button" class="link js-drawer-close" aria-label="Закрыть">✕</button></header>
      <p class="drawer__me">${extension ? `Ваш внутренний номер <b>${_.escape(extension)}</b>.` : "У этого сотрудника нет телефона: войдите другим."}
        Любой контакт из списков отвечает на звонок; эти — по-своему:</p>
      <ul class="drawer__customers js-customers"></ul>
      <h3>Телефонная станция</h3><ul class="drawer__plain js-lines"></ul><ul class="drawer__plain js-calls"></ul>
      <h3>Страница</h3>
      <label class="drawer__tick"><input type="checkbox" class="js-list-click" ${phones.listMode() === "menu" ? "checked" : ""}> в списках номер открывает меню</label>
      <label class="drawer__tick"><input type="checkbox" class="js-widget-active" ${APP.widgets.list[APP.constant("sandbox").widget_code] ? "checked" : ""}> виджет включён</label>
      <p><button type="button" class="button button_small js-rollout">Обновить страницу, как при выкладке</button></p>
      <p class="muted">Шлюз: ${_.escape(gateway)}</p><p class="muted js-widget-note"></p>`);
    noted();
  }

  function noted() {
    const missing = APP.widgets.loaded && !APP.widgets.list[APP.constant("sandbox").widget_code];
    box.find(".js-widget-note").text(missing ? "Виджета на странице нет: он выключен или не собран (make widget)." : "");
  }

  // A part is replaced only when it changed: a button must not vanish under the mouse once a second.
  const put = (place, html) => {
    const element = box.find(place);
    if (element.data("html") !== html) element.html(html).data("html", html);
  };

  async function refresh() {
    const state = await fetch("/sandbox/state").then((answer) => answer.json(), () => null);
    const { extension } = APP.constant("sandbox");
    if (state === null) return put(".js-lines", '<li class="muted">Песочница не отвечает.</li>');
    put(".js-customers", state.customers.map((one) => customer(one, extension)).join(""));
    put(".js-lines", state.lines.map(line).join(""));
    return put(".js-calls", state.calls.map(call).join("") || '<li class="muted">Разговоров нет.</li>');
  }

  function show(open) {
    clearInterval(timer);
    box.prop("hidden", !open);
    localStorage.setItem(OPEN, String(open));
    $("#drawer_toggle").toggleClass("is-open", open);
    if (!open) return;
    frame();
    void refresh();
    timer = setInterval(() => void refresh(), EVERY);
  }

  function start(widgets) {
    $("#drawer_toggle").on("click", () => show(box.prop("hidden")));
    box
      .on("click", ".js-drawer-close", () => show(false))
      .on("click", ".js-call-in", async (event) => {
        const answer = await post("/sandbox/call-in", { customer: event.currentTarget.dataset.number, extension: APP.constant("sandbox").extension });
        if (!answer.ok) notices.toast({ header: "Не позвонить", text: (await answer.json()).detail, kind: "error" });
      })
      .on("click", ".js-hang-up", (event) => void post("/sandbox/hang-up", { id: event.currentTarget.dataset.id }))
      .on("change", ".js-list-click", (event) => phones.setListMode(event.currentTarget.checked ? "menu" : "call"))
      .on("change", ".js-widget-active", (event) => void widgets.setActive(event.currentTarget.checked))
      .on("click", ".js-rollout", () => {
        if (APP.sdk.calling) notices.toast({ header: "Идёт звонок", text: "Виджет сказал setCallingStatus: страница не перезагружается." });
        else location.reload();
      });
    $(document).on("sandbox:widgets", () => {
      const on = Boolean(APP.widgets.list[APP.constant("sandbox").widget_code]);
      box.find(".js-widget-active").prop("checked", on);
      noted();
    });
    show((localStorage.getItem(OPEN) ?? "true") === "true");
  }
  return { start };
});
