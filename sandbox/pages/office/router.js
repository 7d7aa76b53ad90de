// Addresses of the CRM ↔ what is open, by pushState (amocrm.md 1.9): a link or `APP.router.navigate` never reloads the
// page. Tells one listener of every change; draws nothing.
define(["jquery", "office/app"], ($, APP) => {
  const ROUTES = [
    [/^\/(leads|contacts|companies)(?:\/list)?\/?$/, (entity) => ({ entity, view: "list", id: null })],
    [/^\/(leads|contacts|companies)\/detail\/(\d+)\/?$/, (entity, id) => ({ entity, view: "card", id: Number(id) })],
    [/^\/contacts\/add\/?$/, () => ({ entity: "contacts", view: "card", id: 0 })],
    [/^\/settings\/widgets\/?$/, () => ({ entity: "settings", view: "widgets", id: null })],
  ];
  let listener = () => undefined;

  function parse(url) {
    const { pathname, searchParams } = new URL(url, location.href);
    for (const [pattern, make] of ROUTES) {
      const match = pattern.exec(pathname);
      if (match) return { ...make(...match.slice(1)), phone: searchParams.get("phone")?.replace(/^ /, "+") ?? "" };
    }
    return null;
  }

  function navigate(url, options = {}) {
    const route = parse(url);
    if (route === null) {
      location.assign(url);
      return;
    }
    history[options.replace ? "replaceState" : "pushState"](null, "", url);
    if (options.trigger) listener(route);
  }

  function start(heard) {
    listener = heard;
    window.addEventListener("popstate", () => listener(parse(location.href)));
    $(document).on("click", "a.js-navigate-link", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button > 0) return;
      event.preventDefault();
      navigate(event.currentTarget.getAttribute("href"), { trigger: true });
    });
    listener(parse(location.href) ?? parse("/leads/list"));
  }

  APP.router = { navigate };
  return { start, navigate };
});
