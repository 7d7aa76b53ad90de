/**
 * Reading the CRM's answer to a search by number.
 *
 * amoCRM's `query` matches any field and only the number's end, so a hit is believed only when one of its own phones is
 * the number (`amocrm.md` 3.4: trusting the first hit has corrupted data). Pure: knows neither fetch nor globals.
 */

import { sameNumber } from "../numbers";
import type { Contact } from "./host";

interface FieldValue {
  readonly value?: unknown;
}

interface Field {
  readonly field_code?: string | null;
  readonly values?: readonly FieldValue[] | null;
}

interface Entity {
  readonly id: number;
  readonly name?: string | null;
  readonly custom_fields_values?: readonly Field[] | null;
  readonly _embedded?: { readonly companies?: readonly { readonly name?: string }[] };
}

export interface Found {
  readonly _embedded?: {
    readonly contacts?: readonly Entity[];
    readonly companies?: readonly Entity[];
  };
}

function hasPhone(entity: Entity, number: string): boolean {
  return (entity.custom_fields_values ?? []).some(
    (field) =>
      field.field_code === "PHONE" &&
      (field.values ?? []).some((one) => typeof one.value === "string" && sameNumber(one.value, number)),
  );
}

/** The contact in an answer of `/api/v4/contacts?query=` that really has this number. */
export function contactIn(found: Found | null, number: string): Contact | null {
  const entity = found?._embedded?.contacts?.find((one) => hasPhone(one, number));
  if (!entity) return null;
  return {
    name: entity.name?.trim() || number,
    company: entity._embedded?.companies?.[0]?.name?.trim() || null,
    url: `/contacts/detail/${entity.id}`,
  };
}

/** The company in an answer of `/api/v4/companies?query=` that really has this number. */
export function companyIn(found: Found | null, number: string): Contact | null {
  const entity = found?._embedded?.companies?.find((one) => hasPhone(one, number));
  if (!entity) return null;
  return { name: entity.name?.trim() || number, company: null, url: `/companies/detail/${entity.id}` };
}
