// What every widget inherits from the system (amocrm.md 1.5). One object per widget, made before the widget's own
// constructor runs, so that `this.system()` and `this.get_settings()` work inside it.
define(["jquery", "office/app"], ($, APP) => {
  const deep = (tree, path) => path.split(".").reduce((branch, name) => branch?.[name], tree);

  function Widget(code, initOnce) {
    this.ns = `.widget:${code}`;
    this.init_once = initOnce;
    this.params = {};
    this.langs = {};
    this.install_status = "installed";
  }

  Object.assign(Widget.prototype, {
    get_settings() {
      return this.params;
    },
    set_settings(settings) {
      Object.assign(this.params, settings);
    },
    set_lang(langs) {
      $.extend(true, this.langs, langs);
    },
    set_status(status) {
      this.install_status = status;
    },
    get_install_status() {
      return this.install_status;
    },
    get_version() {
      return this.params.version;
    },
    i18n(path) {
      return deep(this.langs, path) ?? "";
    },
    get_accounts_current() {
      return APP.constant("account");
    },
    system() {
      const user = APP.constant("user");
      return {
        area: APP.getWidgetsArea(),
        amouser_id: user.id,
        amouser: user.login,
        amohash: user.api_key,
        subdomain: APP.constant("account").subdomain,
        domain: location.host,
        server: location.origin,
        top_level_domain: APP.constant("account").top_level_domain,
        displayed_count: APP.data.current_list.length,
      };
    },
    // amocrm.md 1.8: the handler is called with {value: the number as it is displayed}.
    add_action(type, handler) {
      const actions = (APP.widgets.cf_actions[type] ??= []);
      const code = this.params.widget_code;
      APP.widgets.cf_actions[type] = actions.filter((action) => action.widget.params.widget_code !== code);
      APP.widgets.cf_actions[type].push({ widget: this, call: handler });
    },
    // amocrm.md 2.6: a one-time token from the account first, then the widget's own request with it.
    $authorizedAjax(options) {
      const done = $.Deferred();
      $.ajax({ url: `/ajax/v2/integrations/${this.params.oauth_client_uuid}/disposable_token`, dataType: "json" }).then(
        (answer) =>
          $.ajax({ ...options, headers: { ...options.headers, "X-Auth-Token": answer.token } }).then(
            (...all) => done.resolve(...all),
            (...all) => done.reject(...all),
          ),
        (...all) => done.reject(...all),
      );
      return done.promise();
    },
    // amocrm.md 1.6: only the rows that are ticked on the page now.
    list_selected() {
      const selected = APP.data.current_list.filter((row) => row.checked).map(({ id, type, emails, phones }) => ({ id, type, emails, phones }));
      const count = (name) => selected.reduce((sum, row) => sum + row[name].length, 0);
      return { selected, summary: { items: selected.length, emails: count("emails"), phones: count("phones") } };
    },
    get_current_card_contacts_data() {
      return Promise.resolve(APP.data.current_card ? APP.data.current_card.contacts : []);
    },
    render_template({ caption, body = "", render = "" }) {
      const code = this.params.widget_code;
      const block = $(`<div class="card-widgets__widget card-widgets__widget-${code}">`);
      const head = $('<div class="card-widgets__widget__caption">').addClass(caption?.class_name).text(this.i18n("widget.name"));
      $("#widgets_block").append(block.append(head, $('<div class="card-widgets__widget__body">').html(render || body)));
      return block;
    },
    widgetsOverlay(on) {
      $("#widgets_block").toggleClass("is-covered", Boolean(on));
    },
  });
  return Widget;
});
