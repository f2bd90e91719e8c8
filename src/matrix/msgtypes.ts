/** How a `m.room.message` is translated. */
export type Form = "text" | "emote" | "notice" | "file" | "gallery" | "place" | "dropped";

/** All msgtypes with a form of their own; every other one is the text in its body. */
export const msgtypes: readonly Readonly<{ types: readonly string[]; as: Form; shown: string }>[] = [
	{ types: ["m.text", "m.server_notice"], as: "text", shown: "text" },
	{ types: ["m.emote"], as: "emote", shown: "an emote" },
	{ types: ["m.notice"], as: "notice", shown: "text" },
	{ types: ["m.image", "m.file", "m.audio", "m.video"], as: "file", shown: "a file" },
	{ types: ["m.gallery", "dm.filament.gallery"], as: "gallery", shown: "several files" },
	{ types: ["m.location"], as: "place", shown: "a place" },
	{
		types: [
			"nic.custom.confetti",
			"nic.custom.fireworks",
			"io.element.effect.hearts",
			"io.element.effect.rainfall",
			"io.element.effect.snowfall",
			"io.element.effects.space_invaders",
		],
		as: "text",
		shown: "text: effects of a client do not cross",
	},
	{
		types: ["m.key.verification.request"],
		as: "dropped",
		shown: "nothing: devices verify each other, and a person elsewhere has none on Matrix",
	},
];

const byMsgtype = new Map(msgtypes.flatMap(({ types, as }) => types.map((type) => [type, as] as const)));

/** Returns the form of a message by its msgtype; an unknown one is text. */
export const formOf = (msgtype: unknown): Form =>
	(typeof msgtype === "string" ? byMsgtype.get(msgtype) : undefined) ?? "text";
