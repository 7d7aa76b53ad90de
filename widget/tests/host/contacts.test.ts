import assert from "node:assert/strict";
import { test } from "node:test";
import { companyIn, contactIn, type Found } from "../../src/host/contacts";

const NUMBER = "+79215550102";
const phone = (...values: string[]) => ({
  field_code: "PHONE",
  values: values.map((value) => ({ value, enum_code: "WORK" })),
});

const FOUND: Found = {
  _embedded: {
    contacts: [
      { id: 1, name: "Похожий", custom_fields_values: [phone("+7 999 555-01-02")] },
      { id: 2, name: "Без телефонов", custom_fields_values: null },
      {
        id: 3,
        name: "Анна Смирнова",
        custom_fields_values: [
          { field_code: "EMAIL", values: [{ value: "a@example.org" }] },
          phone("101", "8 (921) 555-01-02"),
        ],
        _embedded: { companies: [{ name: "ООО «Северный ветер»" }] },
      },
    ],
  },
};

test("the contact is the one whose own phone is the number, not the first hit", () => {
  assert.deepEqual(contactIn(FOUND, NUMBER), {
    name: "Анна Смирнова",
    company: "ООО «Северный ветер»",
    url: "/contacts/detail/3",
  });
});

test("a hit by the last digits alone is nobody", () => {
  assert.equal(contactIn(FOUND, "+79215550103"), null);
});

test("a number in a field that is no phone is nobody", () => {
  const found: Found = {
    _embedded: {
      contacts: [
        { id: 1, name: "x", custom_fields_values: [{ field_code: null, values: [{ value: NUMBER }] }] },
      ],
    },
  };
  assert.equal(contactIn(found, NUMBER), null);
});

test("no answer (204) is nobody", () => {
  assert.equal(contactIn(null, NUMBER), null);
  assert.equal(companyIn({}, NUMBER), null);
});

test("a contact without a name is called by its number", () => {
  const found: Found = {
    _embedded: { contacts: [{ id: 4, name: " ", custom_fields_values: [phone(NUMBER)] }] },
  };
  assert.deepEqual(contactIn(found, NUMBER), { name: NUMBER, company: null, url: "/contacts/detail/4" });
});

test("a company is found the same way", () => {
  const found: Found = {
    _embedded: { companies: [{ id: 9, name: "Завод", custom_fields_values: [phone("8 921 555 01 02")] }] },
  };
  assert.deepEqual(companyIn(found, NUMBER), { name: "Завод", company: null, url: "/companies/detail/9" });
});
