// The loader of widgets, step by step as amocrm.md 1.7 reads it from the real one: destroy what does not stay, ask for the
// list of the area, re-render what runs, start what is new: render, bind_actions at once, init when render is done.
define(["jquery", "office/app", "office/widget"], ($, APP, Widget) => {
  const REQUIRED = ["render", "init", "bind_actions"];
  let lastArea = 0; // counts area changes: the list of an area that was left is dropped

  APP.widgets = {
    list: {},
    areas: {},
    system: {},
    cf_actions: {},
    loaded: false,
    current: null,
    registerToRightPanel: () => undefined,
    clear_cache: () => undefined, // there is no IndexedDB cache of the list here: a rebuilt widget comes with F5
  };

  function destroy(code) {
    const widget = APP.widgets.list[code];
    widget.callbacks.destroy?.();
    $(document).off(widget.ns);
    $("#widgets_block").find(`.card-widgets__widget-${code}`).remove();
    for (const type of Object.keys(APP.widgets.cf_actions))
      APP.widgets.cf_actions[type] = APP.widgets.cf_actions[type].filter((action) => action.widget !== widget);
    delete APP.widgets.list[code];
  }

  function destroyAll() {
    for (const [code, widget] of Object.entries(APP.widgets.list))
      if (widget.init_once !== "Y" || widget.params.widget_active !== "Y") destroy(code);
  }

  function made(constructor, code, descriptor, langs) {
    const base = new Widget(code, descriptor.init_once);
    base.set_lang(langs);
    base.set_settings({
      ...descriptor.settings,
      id: descriptor.id,
      status: descriptor.status,
      widget_code: code,
      path: descriptor.path,
      version: descriptor.version,
      oauth_client_uuid: descriptor.oauth_client_uuid,
      widget_active: descriptor.active,
      images_path: descriptor.images_path,
      support: descriptor.support,
    });
    Object.setPrototypeOf(constructor.prototype, base);
    return new constructor();
  }

  function start(code, descriptor) {
    const version = encodeURIComponent(descriptor.version);
    return new Promise((done) => {
      require([`optional!${descriptor.src}?v=${version}`, `json!${descriptor.lang}?v=${version}`], (constructor, langs) => {
        if (typeof constructor === "function" && !APP.widgets.list[code]) run(code, made(constructor, code, descriptor, langs));
        done();
      }, (error) => {
        console.error(error);
        done();
      });
    });
  }

  function run(code, widget) {
    if (!REQUIRED.every((name) => typeof widget.callbacks?.[name] === "function")) return; // the real one is silent too
    APP.widgets.list[code] = widget;
    const rendered = widget.callbacks.render();
    widget.callbacks.bind_actions(); // at once: render's promise is not waited for
    $.when(rendered).done((value) => {
      if (!value) return;
      $(document).trigger(`widget:${code}:loaded`);
      widget.callbacks.init();
    });
  }

  function load() {
    const area = ++lastArea;
    destroyAll();
    return $.post("/ajax/widgets/list", { area: APP.getWidgetsArea() }).then((answer) => {
      if (area !== lastArea) return undefined;
      APP.widgets.system = answer.system;
      const starting = Object.entries(answer.widgets)
        .filter(([, descriptor]) => descriptor.active === "Y")
        .map(([code, descriptor]) => {
          const running = APP.widgets.list[code];
          if (running === undefined) return start(code, descriptor);
          return running.callbacks.render();
        });
      return Promise.all(starting).then(() => {
        APP.widgets.loaded = true;
        $(document).trigger("sandbox:widgets");
        $("#list_table").trigger("list:checkbox");
      });
    });
  }

  // The settings window's Install and Disable, without a reload (amocrm.md 1.7, point 6).
  async function setActive(active) {
    await fetch("/sandbox/widget", { method: "POST", body: JSON.stringify({ active }) });
    const code = APP.constant("sandbox").widget_code;
    if (active) return $(document).trigger("widget:installed", [code, {}]);
    return $(document).trigger("widget:removed", [code]);
  }

  $(document)
    .on("widgets:load", () => void load())
    .on("widget:installed", () => void load())
    .on("widget:removed", (_event, code) => {
      if (APP.widgets.list[code]) destroy(code);
      $(document).trigger("sandbox:widgets");
    });

  return { load, setActive };
});
