import { madeLevels, mayDo } from "../../../core/hosting.ts";
import { nameOf } from "../../../core/names.ts";
import type { Person } from "../../../core/person.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { entryFields } from "./entry-fields.ts";
import { type Changes, type Field, type Now, single, truth } from "./field.ts";
import { rankFields } from "./rank-fields.ts";

/** The fields of the form by which owners configure a room (XEP-0045 §10.2 and §15.5.3). Pure. */

/** A person who does not exist, and so has the level of everybody in each room. */
const nobody = { network: "", id: "" } as unknown as Person;

/** Returns a field of yes and no, which asks for nothing where it stays as it is. */
const boolean = (
	name: string,
	label: string,
	is: (now: Now) => boolean,
	change: (wanted: boolean, now: Now) => Partial<Changes>,
	made?: true,
): Field => ({
	...{ name, label, type: "boolean", value: (now) => [is(now) ? "1" : "0"] },
	read(values, now) {
		const wanted = truth(values);
		return wanted === is(now) ? {} : change(wanted, now);
	},
	...(made && { made }),
});

const others = ({ facts }: Now): number => facts.levels?.others ?? 0;
const allMay = ({ facts: { levels } }: Now, act: "speak" | "topic" | "invite"): boolean =>
	levels === undefined || mayDo(levels, nobody, act);
/** Returns the least level for an act that not everybody may do. */
const fewer = ({ facts }: Now, level: "moderator" | "admin"): number =>
	facts.made ? madeLevels[level] : madeLevels.admin;

const longestTopic = 4_000;

const name: Field = {
	...{ name: "muc#roomconfig_roomname", type: "text-single", label: phrases.formName },
	value: ({ facts }) => [facts.name ?? ""],
	read(values, { facts }) {
		const wanted = nameOf(single(values));
		return wanted === (facts.name ?? "") ? {} : { settings: { name: wanted } };
	},
};

/** Matrix has one text for the description of a room and its subject. */
const description: Field = {
	...{ name: "muc#roomconfig_roomdesc", type: "text-single", label: phrases.formTopic },
	value: ({ facts }) => [facts.topic ?? ""],
	read(values, { facts }) {
		const wanted = single(values).trim().slice(0, longestTopic).toWellFormed();
		return wanted === (facts.topic ?? "") ? {} : { settings: { topic: wanted } };
	},
};

const whois: Field = {
	...{
		name: "muc#roomconfig_whois",
		type: "list-single",
		label: phrases.formWhois,
		options: { anyone: phrases.formAnyone },
	},
	value: () => ["anyone"],
	// Every member on Matrix reads the JID in the MXID of the ghost. COMPAT Conversations wants `moderators` for each
	// public channel, whatever the form offers, and makes none where that is refused.
	read: (values) => (single(values) === "anyone" ? {} : { notes: [phrases.formNotAnonymous] }),
};

const none = "none";
const maxUsers: Field = {
	...{ name: "muc#roomconfig_maxusers", type: "list-single", label: phrases.formMaxUsers, made: true },
	options: {
		...Object.fromEntries([10, 20, 50, 100, 200].map((n) => [n, String(n)])),
		[none]: phrases.formNoLimit,
	},
	value: ({ own }) => [own.maxUsers === undefined ? none : String(own.maxUsers)],
	read(values) {
		const value = single(values);
		if (value === none || value === "") return { own: { maxUsers: undefined } };
		const wanted = Number(value);
		if (!Number.isSafeInteger(wanted) || wanted < 1) throw new StanzaError("bad-request", "modify");
		return { own: { maxUsers: wanted } };
	},
};

const whoMayWrite = ["anyone", "participants", "moderators", none] as const;
const whoMayWriteLabels = {
	anyone: phrases.formAnyone,
	participants: phrases.formParticipants,
	moderators: phrases.formModerators,
	[none]: phrases.formNobody,
};
const privateMessages: Field = {
	...{ name: "muc#roomconfig_allowpm", type: "list-single", label: phrases.formPrivate, made: true },
	options: whoMayWriteLabels,
	value: ({ own }) => [own.privately ?? "anyone"],
	read(values) {
		const wanted = whoMayWrite.find((one) => one === single(values));
		if (!wanted) throw new StanzaError("bad-request", "modify");
		return { own: { privately: wanted === "anyone" ? undefined : wanted } };
	},
};

/** The fields in the order in which a form shows them. */
export const fields: readonly Field[] = [
	name,
	description,
	boolean(
		"muc#roomconfig_persistentroom",
		phrases.formPersistent,
		({ own }) => !own.temporary,
		(wanted) => ({ own: { temporary: wanted ? undefined : true } }),
		true,
	),
	boolean(
		"muc#roomconfig_publicroom",
		phrases.formPublic,
		({ facts }) => facts.listed,
		(listed) => ({ settings: { listed } }),
	),
	...entryFields,
	boolean(
		"muc#roomconfig_moderatedroom",
		phrases.formModerated,
		(now) => !allMay(now, "speak"),
		(wanted, now) => ({ settings: { needed: { speak: others(now) + (wanted ? madeLevels.voice : 0) } } }),
	),
	boolean(
		"muc#roomconfig_changesubject",
		phrases.formSubject,
		(now) => allMay(now, "topic"),
		(wanted, now) => ({ settings: { needed: { topic: wanted ? others(now) : fewer(now, "moderator") } } }),
	),
	boolean(
		"muc#roomconfig_allowinvites",
		phrases.formInvites,
		(now) => allMay(now, "invite"),
		(wanted, now) => ({ settings: { needed: { invite: wanted ? others(now) : fewer(now, "admin") } } }),
	),
	boolean(
		"muc#roomconfig_enablelogging",
		phrases.formLogging,
		({ facts }) => facts.pastPublic === true,
		(pastPublic) => ({ settings: { pastPublic } }),
	),
	whois,
	privateMessages,
	maxUsers,
	...rankFields,
];
