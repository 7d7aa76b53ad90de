// Puts the page together: router → view → `widgets:load`, in that order at every change of the area.
define([
  "jquery", "underscore", "office/app", "office/router", "office/lists", "office/cards", "office/phones", "office/widgets",
  "office/notices", "office/drawer",
], ($, _, APP, router, lists, cards, phones, widgets, notices, drawer) => {
  let drawing = 0; // a slow view that was left must not paint over the new one

  // jQuery 2's jqXHR had success, error and complete, and widgets still call them; jQuery 3 has not.
  $.ajaxPrefilter((_options, _original, xhr) => Object.assign(xhr, { success: xhr.done, error: xhr.fail, complete: xhr.always }));
  window.jQuery = $;
  window.$ = $;

  async function opened(route) {
    const turn = ++drawing;
    APP.data.current_entity = route.entity;
    APP.data.area = `${route.entity}.${route.view}`;
    APP.data.current_card = false;
    APP.data.current_list = [];
    const html = route.view === "card" ? await cards.draw(route.entity, route.id, route.phone) : await lists.draw(route.entity === "settings" ? "leads" : route.entity);
    if (turn !== drawing) return;
    $("#work_area").html(html).scrollTop(0);
    $("#left_menu .nav__item").removeClass("is-open").filter(`[data-entity="${route.entity}"]`).addClass("is-open");
    $(document).trigger("page:changed").trigger("widgets:load");
  }

  function themed() {
    const root = document.documentElement;
    APP.constant("user").theme = root.dataset.theme;
    $("#theme_toggle").on("click", () => {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
      APP.constant("user").theme = root.dataset.theme;
    });
  }

  function start() {
    const user = APP.constant("user");
    const initials = user.name.split(" ").map((word) => word[0]).join("");
    $("#user_menu").html(`<span class="avatar">${_.escape(initials)}</span>${_.escape(user.name.split(" ")[0])}`).attr("title", `${user.name}: выйти`);
    themed();
    phones.start();
    lists.start();
    cards.start();
    drawer.start(widgets);
    router.start((route) => void opened(route));
  }
  return { start };
});
