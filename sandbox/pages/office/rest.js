// The page's own reading of REST v4, with the cookie. All records of a kind in pages of 250; kept until the next load.
define(["jquery"], ($) => {
  const kept = {};

  async function fetchAll(kind) {
    const found = [];
    let url = `/api/v4/${kind}?limit=250&order[id]=asc${kind === "leads" ? "&with=contacts" : "&with=leads,contacts"}`;
    while (url) {
      const answer = await fetch(url, { headers: { "X-Requested-With": "XMLHttpRequest" } });
      if (answer.status === 204) break;
      if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
      const page = await answer.json();
      found.push(...page._embedded[kind]);
      url = page._links.next && new URL(page._links.next.href).pathname + new URL(page._links.next.href).search;
    }
    return new Map(found.map((record) => [record.id, record]));
  }

  async function statuses() {
    const answer = await fetch("/api/v4/leads/pipelines");
    const found = new Map();
    for (const pipeline of (await answer.json())._embedded.pipelines)
      for (const status of pipeline._embedded.statuses) found.set(`${pipeline.id}:${status.id}`, { ...status, pipeline });
    return found;
  }

  const values = (record, code) => record?.custom_fields_values?.find((field) => field.field_code === code)?.values ?? [];

  return {
    all: (kind) => (kept[kind] ??= fetchAll(kind)),
    statuses: () => (kept.statuses ??= statuses()),
    refresh: () => {
      for (const kind of Object.keys(kept)) delete kept[kind];
    },
    phones: (record) => values(record, "PHONE"),
    emails: (record) => values(record, "EMAIL"),
  };
});
