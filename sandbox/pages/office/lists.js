// Tables of leads, contacts and companies; ticked rows and the bar of actions on them (amocrm.md 1.6).
define(["jquery", "underscore", "office/app", "office/rest", "office/phones"], ($, _, APP, rest, phones) => {
  const TITLES = { leads: "Сделки", contacts: "Контакты", companies: "Компании" };
  const TYPES = { leads: "lead", contacts: "contact", companies: "company" };
  const money = new Intl.NumberFormat("ru-RU");
  const link = (kind, record) =>
    record ? `<a class="js-navigate-link" href="/${kind}/detail/${record.id}">${_.escape(record.name)}</a>` : '<span class="muted">—</span>';
  const manager = (id) => _.escape(APP.constant("managers")[id]?.title ?? "");
  const numbers = (record) => rest.phones(record).slice(0, 1).map((phone) => phones.cell(phone.value)).join("");
  const email = (record) => _.escape(rest.emails(record)[0]?.value ?? "");
  const tags = (record) => record._embedded.tags.map((tag) => `<span class="tag">${_.escape(tag.name)}</span>`).join("");

  const COLUMNS = {
    leads: {
      heads: ["Название сделки", "Основной контакт", "Телефон", "Компания", "Этап сделки", "Бюджет, ₽", "Ответственный"],
      cells(lead, books) {
        const contact = books.contacts.get(lead._embedded.contacts?.[0]?.id);
        const company = books.companies.get(lead._embedded.companies[0]?.id);
        const status = books.statuses.get(`${lead.pipeline_id}:${lead.status_id}`);
        const stage = `<span class="stage" style="--stage:${status?.color}">${_.escape(status?.name)}</span>`;
        return [link("leads", lead) + tags(lead), link("contacts", contact), numbers(contact), link("companies", company), stage,
          `<span class="money">${money.format(lead.price)}</span>`, manager(lead.responsible_user_id)];
      },
      reach: (lead, books) => (lead._embedded.contacts ?? []).map(({ id }) => books.contacts.get(id)).filter(Boolean),
    },
    contacts: {
      heads: ["Имя", "Компания", "Телефон", "Email", "Ответственный"],
      cells: (contact, books) => [link("contacts", contact) + tags(contact), link("companies", books.companies.get(contact._embedded.companies[0]?.id)),
        numbers(contact), email(contact), manager(contact.responsible_user_id)],
      reach: (contact) => [contact],
    },
    companies: {
      heads: ["Название", "Телефон", "Email", "Контактов", "Ответственный"],
      cells: (company) => [link("companies", company) + tags(company), numbers(company), email(company),
        String(company._embedded.contacts?.length ?? 0), manager(company.responsible_user_id)],
      reach: (company) => [company],
    },
  };

  async function draw(kind) {
    const [leads, contacts, companies, statuses] = await Promise.all([rest.all("leads"), rest.all("contacts"), rest.all("companies"), rest.statuses()]);
    const books = { leads, contacts, companies, statuses };
    const records = [...books[kind].values()];
    const columns = COLUMNS[kind];
    APP.data.current_list = records.map((record) => ({
      id: record.id, name: record.name, type: TYPES[kind], checked: false,
      phones: columns.reach(record, books).flatMap((one) => rest.phones(one).map(({ value }) => value)),
      emails: columns.reach(record, books).flatMap((one) => rest.emails(one).map(({ value }) => value)),
    }));
    const heads = columns.heads.map((head) => `<th>${head}</th>`).join("");
    const rows = records.map((record) => {
      const cells = columns.cells(record, books).map((cell) => `<td>${cell}</td>`).join("");
      return `<tr data-id="${record.id}"><td><input type="checkbox" class="js-row-tick" aria-label="Выбрать"></td>${cells}</tr>`;
    });
    const total = kind === "leads" ? `${records.length} · ${money.format(_.reduce(records, (sum, lead) => sum + lead.price, 0))} ₽` : String(records.length);
    return `
      <header class="list__header"><h1>${TITLES[kind]}</h1><span class="list__total">${total}</span></header>
      <div id="list_multiple_actions" hidden><span>Выбрано: <b id="multiple_total">0</b></span><div class="js-multiple-items"></div></div>
      <div class="list__scroll"><table id="list_table" class="list list_${kind}"><thead><tr><th><input type="checkbox" class="js-all-ticks" aria-label="Выбрать все"></th>${heads}</tr></thead>
      <tbody>${rows.join("")}</tbody></table></div>`;
  }

  function ticked() {
    const wanted = new Set($(".js-row-tick:checked").closest("tr").map((_index, row) => Number(row.dataset.id)).get());
    for (const row of APP.data.current_list) row.checked = wanted.has(row.id);
    $("#multiple_total").text(wanted.size);
    $("#list_multiple_actions").prop("hidden", wanted.size === 0);
    const callbacks = (widget) => widget.callbacks[APP.getBaseEntity() === "leads" ? "leads" : "contacts"];
    const items = Object.entries(APP.widgets.list)
      .filter(([, widget]) => typeof callbacks(widget)?.selected === "function")
      .map(([code, widget]) => {
        const item = $(`<button type="button" class="list-multiple-actions__item js-list-multiple-actions__item" data-type="${code}">`);
        return item.text(widget.i18n("widget.name") || code).on("click", () => callbacks(widget).selected());
      });
    $(".js-multiple-items").empty().append(items);
  }

  function start() {
    $(document)
      .on("change", ".js-all-ticks", (event) => {
        $(".js-row-tick").prop("checked", event.currentTarget.checked);
        ticked();
      })
      .on("change", ".js-row-tick", ticked)
      .on("list:checkbox", "#list_table", ticked);
  }
  return { start, draw };
});
