// A number on the page → the widgets' telephone actions (amocrm.md 1.8). In cards a click on a number opens its menu with
// one item per widget; in lists one click calls. The sheet knows both for lists: `list_click` in localStorage switches.
define(["jquery", "underscore", "office/app"], ($, _, APP) => {
  const LIST_CLICK = "sandbox.list_click"; // "call" | "menu"

  const actions = (type) => APP.widgets?.cf_actions?.[type] ?? [];
  const listMode = () => localStorage.getItem(LIST_CLICK) ?? "call";

  const cell = (phone) => `<span class="phone-cell js-phone" tabindex="0" role="button" data-phone="${_.escape(phone)}">${_.escape(phone)}</span>`;

  // The row of a card as widgets of others look for it: data-pei-code, js-linked-with-actions, js-tip-holder.
  const row = (value, label) => `
    <div class="linked-form__field linked-form__field-pei js-linked-with-actions" data-pei-code="phone">
      <div class="linked-form__field__label">${_.escape(label)}</div>
      <div class="linked-form__field__value">
        <input class="control-phone__formatted js-form-changes-skip js-phone" type="text" readonly value="${_.escape(value)}" data-phone="${_.escape(value)}">
        <div class="tips js-tip card-cf-actions-tip js-tip-holder"><div class="tips__inner js-tip-items"></div></div>
      </div>
    </div>`;

  const label = (widget) => widget.langs?.widget?.call_action || widget.langs?.widget?.name || widget.params.widget_code;

  function openMenu(holder, value) {
    const items = actions("phone").map(
      (action, index) =>
        `<div class="tips-item js-tips-item js-cf-actions-item" data-type="phone" data-index="${index}" tabindex="0" role="menuitem">${_.escape(label(action.widget))}</div>`,
    );
    items.push('<div class="tips-item js-tips-copy" tabindex="0" role="menuitem">Скопировать</div>');
    holder.find(".js-tip-items").html(items.join(""));
    holder.addClass("tip-shown").data("value", value).trigger("tip:show");
  }

  function closeMenus() {
    $(".js-tip.tip-shown").removeClass("tip-shown").find(".js-tip-items").empty();
    $(".js-floating-tip").remove();
  }

  function clicked(event) {
    event.preventDefault();
    event.stopPropagation();
    const number = $(event.currentTarget);
    const value = String(number.attr("data-phone"));
    closeMenus();
    const inCard = number.closest(".js-linked-with-actions");
    if (inCard.length) return openMenu(inCard.find(".js-tip"), value);
    if (listMode() === "call") return actions("phone")[0]?.call({ value });
    const tip = $('<div class="tips js-tip js-floating-tip"><div class="tips__inner js-tip-items"></div></div>');
    number.parent().addClass("has-tip").append(tip);
    return openMenu(tip, value);
  }

  function start() {
    $(document)
      .on("click", ".js-phone", clicked)
      .on("keydown", ".js-phone, .js-tips-item, .js-tips-copy", (event) => {
        if (event.key === "Enter") $(event.currentTarget).trigger("click");
      })
      .on("click", ".js-cf-actions-item", (event) => {
        const item = $(event.currentTarget);
        const value = item.closest(".js-tip").data("value");
        closeMenus();
        actions("phone")[item.data("index")]?.call({ value });
      })
      .on("click", ".js-tips-copy", (event) => {
        navigator.clipboard?.writeText($(event.currentTarget).closest(".js-tip").data("value"));
        closeMenus();
      })
      .on("click", closeMenus);
  }

  return { start, cell, row, listMode, setListMode: (mode) => localStorage.setItem(LIST_CLICK, mode) };
});
