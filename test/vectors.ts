import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";

const folder = new URL("./vectors/", import.meta.url);

export const directions = ["from-matrix", "to-matrix", "from-xmpp", "to-xmpp"] as const;
export type Direction = (typeof directions)[number];

/** Returns the kinds that have vectors in one direction. */
export const kindsOf = (direction: Direction): readonly string[] =>
	readdirSync(folder)
		.map((file) => file.split("."))
		.filter(([of]) => of === direction)
		.map(([, kind = ""]) => kind);

export const vectors = <Case>(direction: Direction, kind: string): readonly (Case & { name: string })[] =>
	parse(readFileSync(new URL(`${direction}.${kind}.yaml`, folder), "utf8"));

/** The kinds whose vectors are files, which are written in a shorter form. */
export const files = ["files", "voice", "sticker"];
