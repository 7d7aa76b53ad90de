// One open record: fields on the left, the feed in the middle, the widgets' panel on the right (#widgets_block).
define(["jquery", "underscore", "office/app", "office/rest", "office/phones"], ($, _, APP, rest, phones) => {
  const ENUMS = { WORK: "Раб. тел.", WORKDD: "Прямой тел.", MOB: "Моб. тел.", HOME: "Дом. тел.", FAX: "Факс", OTHER: "Тел." };
  const money = new Intl.NumberFormat("ru-RU");
  const moment = new Intl.DateTimeFormat("ru-RU", { day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const when = (seconds) => moment.format(new Date(seconds * 1000));
  const manager = (id) => APP.constant("managers")[id]?.title ?? "Робот";

  const field = (label, value) => `
    <div class="linked-form__field"><div class="linked-form__field__label">${label}</div><div class="linked-form__field__value">${value}</div></div>`;
  const numbers = (record) => rest.phones(record).map((phone) => phones.row(phone.value, ENUMS[phone.enum_code] ?? "Тел.")).join("");
  const emails = (record) => rest.emails(record).map((email) => field("Email", _.escape(email.value))).join("");
  const link = (kind, record) => `<a class="js-navigate-link" href="/${kind}/detail/${record.id}">${_.escape(record.name)}</a>`;

  const linked = (kind, record) => `
    <section class="linked-form" data-id="${record.id}"><h3>${link(kind, record)}</h3>${numbers(record)}${emails(record)}</section>`;

  const person = (contact) => ({
    id: contact.id, name: contact.name, first_name: contact.first_name, last_name: contact.last_name,
    phones: rest.phones(contact).map(({ value }) => value), emails: rest.emails(contact).map(({ value }) => value),
  });

  function around(kind, record, books) {
    const pick = (name) => (record._embedded[name] ?? []).map(({ id }) => books[name].get(id)).filter(Boolean);
    const companies = kind === "companies" ? [] : pick("companies");
    const contacts = kind === "contacts" ? [] : pick("contacts");
    return { companies, contacts, leads: kind === "leads" ? [] : pick("leads") };
  }

  function own(kind, record, books) {
    const rows = [field("Ответственный", _.escape(manager(record.responsible_user_id)))];
    if (kind !== "leads") return rows.join("") + numbers(record) + emails(record);
    const status = books.statuses.get(`${record.pipeline_id}:${record.status_id}`);
    rows.unshift(field("Этап", `<span class="stage" style="--stage:${status?.color}">${_.escape(status?.name)}</span>`), field("Бюджет", `${money.format(record.price)} ₽`));
    return rows.join("");
  }

  function feed(kind, record, near) {
    const made = { leads: "Создана сделка", contacts: "Создан контакт", companies: "Создана компания" }[kind];
    const notes = [
      [record.created_at, `${made} · <b>${_.escape(manager(record.created_by))}</b>`],
      ...near.leads.map((lead) => [lead.created_at, `Сделка ${link("leads", lead)}`]),
      [record.updated_at, kind === "leads" ? "Замерщик выезжает после 18:00, позвонить за час. Код домофона 12К3456." : "Просит звонить после обеда: утром на объекте и не слышит."],
    ];
    return notes.sort(([a], [b]) => a - b).map(([at, text]) => `<article class="feed-note"><time>${when(at)}</time><p>${text}</p></article>`).join("");
  }

  async function draw(kind, id, phone = "") {
    const [leads, contacts, companies, statuses] = await Promise.all([rest.all("leads"), rest.all("contacts"), rest.all("companies"), rest.statuses()]);
    const books = { leads, contacts, companies, statuses };
    if (id === 0) return added(phone);
    const record = books[kind].get(id);
    if (!record) {
      APP.data.current_card = false;
      return `<div class="empty"><h1>Ничего не найдено</h1><p>Такой карточки нет: ${_.escape(kind)} № ${id}.</p></div>`;
    }
    const near = around(kind, record, books);
    const people = kind === "contacts" ? [record] : near.contacts;
    APP.data.current_card = { id, new_card: false, contacts: people.map(person), model: { id, get: (name) => record[name], attributes: record } };
    const side = [...near.contacts.map((one) => linked("contacts", one)), ...near.companies.map((one) => linked("companies", one))].join("");
    const deals = near.leads.map((lead) => `<li>${link("leads", lead)} <span class="money">${money.format(lead.price)} ₽</span></li>`).join("");
    return `
      <div class="card-holder">
        <section class="card-fields">
          <header class="card-fields__head"><h1>${_.escape(record.name)}</h1><span class="muted">№ ${id}</span></header>
          <div class="linked-form">${own(kind, record, books)}</div>${side}
          ${deals ? `<section class="linked-form"><h3>Сделки</h3><ul class="deals">${deals}</ul></section>` : ""}
        </section>
        <section class="card-feed"><div class="feed">${feed(kind, record, near)}</div></section>
        <aside id="widgets_block" class="card-widgets" aria-label="Виджеты"></aside>
      </div>`;
  }

  // `/contacts/add/?phone=+7…`: a new card, not saved yet; its id is 0.
  function added(phone) {
    APP.data.current_card = { id: 0, new_card: true, contacts: [], model: { id: 0, get: () => undefined, attributes: {} } };
    return `
      <div class="card-holder"><section class="card-fields">
        <header class="card-fields__head"><h1>Новый контакт</h1></header>
        <form class="linked-form js-new-contact"><label>Имя <input name="name" required></label>
        <label>Телефон <input name="phone" value="${_.escape(phone)}"></label><button class="button">Сохранить</button></form>
      </section><section class="card-feed"></section><aside id="widgets_block" class="card-widgets"></aside></div>`;
  }

  async function save(event) {
    event.preventDefault();
    const { name, phone } = Object.fromEntries(new FormData(event.currentTarget));
    const values = phone ? [{ field_code: "PHONE", values: [{ value: phone, enum_code: "WORK" }] }] : null;
    const answer = await fetch("/api/v4/contacts", { method: "POST", body: JSON.stringify([{ name, custom_fields_values: values }]) });
    const { id } = (await answer.json())._embedded.contacts[0];
    rest.refresh();
    APP.router.navigate(`/contacts/detail/${id}`, { trigger: true });
  }

  return { draw, start: () => $(document).on("submit", ".js-new-contact", save) };
});
