// APP, which is also AMOCRM: the global through which widgets read the page (amocrm.md 1.9). Holds what is open; knows
// neither how it is drawn nor how widgets are loaded.
define(["jquery"], ($) => {
  const constants = JSON.parse(document.getElementById("constants").textContent);

  // amocrm.md 1.3: the short codes that widgets are given, and the dotted ones of getV3WidgetsArea().
  const AREAS = {
    "leads.list": "llist",
    "leads.card": "lcard",
    "contacts.list": "clist",
    "contacts.card": "ccard",
    "companies.list": "clist",
    "companies.card": "comcard",
    "settings.widgets": "settings",
  };

  const APP = {
    lang_id: "ru",
    constant: (name) => constants[name],
    data: { current_card: false, current_list: [], current_view: { $el: $("#work_area") }, current_entity: "leads", area: "leads.list" },
    getBaseEntity: () => APP.data.current_entity,
    getWidgetsArea: () => AREAS[APP.data.area],
    getV3WidgetsArea: () => APP.data.area,
    isCard: () => APP.data.current_card !== false,
    sdk: {
      calling: false,
      // While a call lives amoCRM does not reload its pages for a new front end; the drawer has a button that tries.
      setCallingStatus(on) {
        APP.sdk.calling = Boolean(on);
        document.documentElement.dataset.calling = String(APP.sdk.calling);
        $(document).trigger("sandbox:calling");
      },
      getCallingStatus: () => APP.sdk.calling,
      showUserStatus: (who) => (who === undefined || who === "online" ? [constants.user.id] : "online"),
    },
  };
  window.APP = APP;
  window.AMOCRM = APP;
  return APP;
});
