// Toasts, the notification centre's calls and the telephone in the left menu (amocrm.md 1.8, 1.9).
define(["jquery", "underscore", "office/app", "office/widgets"], ($, _, APP) => {
  const LIFE = 6000; // milliseconds
  const listeners = new Map(); // widget code → callback of addNotificationCallback
  let lastId = 0;

  function toast({ header = "", text = "", kind = "plain", link = "" }) {
    const item = $(`<div class="toast toast_${kind}"><b>${_.escape(header)}</b><span>${_.escape(text)}</span></div>`);
    if (link) item.on("click", () => APP.router.navigate(link, { trigger: true }));
    $("#toasts").append(item);
    setTimeout(() => item.remove(), LIFE);
  }

  // The shape that an inbox notification has when it reaches a widget.
  function inbox({ text, header = "Звонок", from = "", date, click_link = "" }) {
    const at = date ?? Math.floor(Date.now() / 1000);
    const body = {
      title: header,
      icon: { call: true, value: "/pages/icons.svg#phone" },
      rows: [{ style: "default", text: text ?? from, class_height: "h3" }],
      actions: { click: { url: click_link }, buttons: [], read_on_show: true },
    };
    lastId += 1;
    return { id: lastId, entity: null, linked_entity: null, created_at: at, updated_at: at, is_read: false, silent: false, body, notification: true };
  }

  APP.notifications = {
    show_message: (message) => toast(message),
    show_message_error: (message) => toast({ ...message, kind: "error" }),
    show_notification: ({ text, type }) => toast({ ...text, kind: type }),
    add_error: (message) => toast({ ...message, kind: "error" }),
    add_call(call) {
      toast({ header: call.header ?? "Звонок", text: call.text ?? call.from, kind: "call", link: call.click_link });
      const notification = inbox(call);
      for (const [code, heard] of listeners) if (APP.widgets.list[code]?.init_once === "Y") heard(notification);
    },
  };
  APP.addNotificationCallback = (code, heard) => listeners.set(code, heard);

  APP.widgets.notificationsPhone = ({ ns, click }) => {
    APP.widgets.destroyNotificationsPhone({ ns });
    const item = $('<button type="button" class="nav__item calls-list-toggler"><svg><use href="/pages/icons.svg#phone"/></svg>Звонки</button>');
    item.attr("data-ns", ns).on("click", click);
    $("#left_menu .nav__notifications").append(item);
  };
  APP.widgets.destroyNotificationsPhone = ({ ns }) => {
    $("#left_menu .calls-list-toggler").filter((_index, item) => item.dataset.ns === ns).remove();
  };
  return { toast };
});
