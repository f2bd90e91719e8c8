import { type LevelChange, personKey, type RoomSettings } from "../../../core/hosting.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { child, type Element, xml } from "../../stream/xml.ts";
import { hasOwnerAfter } from "../administration/items.ts";
import { type Changes, type Field, type Now, noChanges } from "./field.ts";
import { fields } from "./fields.ts";

/** The form by which owners configure a room (XEP-0045 §10.2): writing it, and reading it as they submit it. Pure. */

const data = "jabber:x:data";
const formType = "http://jabber.org/protocol/muc#roomconfig";
export const mucOwner = "http://jabber.org/protocol/muc#owner";

const has = ({ made }: Field, { facts }: Now): boolean => !made || facts.made === true;

/** Returns the form with the settings of the room now. */
export const formOf = (now: Now): Element =>
	xml(
		"x",
		{ xmlns: data, type: "form" },
		xml("title", {}, phrases.formTitle(now.facts.name ?? now.facts.alias?.[0])),
		xml("field", { var: "FORM_TYPE", type: "hidden" }, xml("value", {}, formType)),
		fields
			.filter((field) => has(field, now))
			.map((field) =>
				xml(
					"field",
					{ var: field.name, type: field.type, label: field.label },
					field.value(now).map((value) => xml("value", {}, value)),
					Object.entries(field.options ?? {}).map(([value, label]) =>
						xml("option", { label }, xml("value", {}, value)),
					),
				),
			),
	);

/** The request of an owner. instant: the settings as they are. */
export type Submitted =
	| Readonly<{ kind: "instant" | "cancel" }>
	| Readonly<{ kind: "form"; values: ReadonlyMap<string, readonly string[]> }>;

/** Returns the form in the payload of an owner. @throws StanzaError for anything else */
export function submitted(payload: Element): Submitted {
	const x = child(payload, "x", data);
	if (!x) throw new StanzaError("bad-request", "modify");
	if (x.attrs.type === "cancel") return { kind: "cancel" };
	if (x.attrs.type !== "submit") throw new StanzaError("bad-request", "modify");
	const values = new Map<string, readonly string[]>();
	for (const field of x.getChildren("field"))
		values.set(
			field.attrs.var ?? "",
			field.getChildren("value").map((value) => value.getText()),
		);
	const type = values.get("FORM_TYPE");
	if (type !== undefined && type[0] !== formType) throw new StanzaError("bad-request", "modify");
	values.delete("FORM_TYPE");
	return values.size === 0 ? { kind: "instant" } : { kind: "form", values };
}

/** Returns the changes that a form asks for, all fields checked. @throws StanzaError */
export function changesIn(values: ReadonlyMap<string, readonly string[]>, now: Now): Changes {
	let changes = noChanges;
	for (const field of fields) {
		const value = values.get(field.name);
		// XEP-0045 §10.2: a field that is left out stays as it is.
		if (value === undefined || !has(field, now)) continue;
		changes = merged(changes, field.read(value, now, values));
	}
	const levels = strongest(changes.settings.levels ?? []);
	// XEP-0045 §10.2
	if (levels.length > 0 && !hasOwnerAfter(levels, now.facts))
		throw new StanzaError("conflict", "cancel", phrases.hostedLastOwner);
	const settings = withClosedPast(changes.settings, now);
	return { ...changes, settings: levels.length > 0 ? { ...settings, levels } : settings };
}

/**
 * Returns the settings without a past that everybody may read in a room that not everybody may join. COMPAT Conversations asks
 * for public logging in each private group, and means the archive, which members have anyway.
 */
function withClosedPast({ pastPublic, ...settings }: RoomSettings, { facts }: Now): RoomSettings {
	if ((settings.entry ?? facts.entry) === "everybody")
		return pastPublic === undefined ? settings : { ...settings, pastPublic };
	return facts.pastPublic ? { ...settings, pastPublic: false } : settings;
}

const merged = ({ settings, own, notes }: Changes, more: Partial<Changes>): Changes => ({
	settings: {
		...settings,
		...more.settings,
		...((settings.needed || more.settings?.needed) && {
			needed: { ...settings.needed, ...more.settings?.needed },
		}),
		...((settings.levels || more.settings?.levels) && {
			levels: [...(settings.levels ?? []), ...(more.settings?.levels ?? [])],
		}),
	},
	own: { ...own, ...more.own },
	notes: [...notes, ...(more.notes ?? [])],
});

/** Returns one change for each person: a person who moves from one list to the other has the level of that. */
function strongest(levels: readonly LevelChange[]): readonly LevelChange[] {
	const of = new Map<string, LevelChange>();
	for (const one of levels) {
		const key = "id" in one.whom ? personKey(one.whom) : one.whom.join(" ");
		const before = of.get(key)?.level;
		if (before === undefined || (one.level ?? 0) > before) of.set(key, one);
	}
	return [...of.values()];
}
