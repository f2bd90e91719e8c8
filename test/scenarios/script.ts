import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";

export type Network = "Matrix" | "XMPP";
export type Place = "chat" | "MUC";

/** What somebody does. A message that later steps speak of is given a name by `as`. */
export type Deed = { as?: string } & (
	| { says: string; html?: string; opens?: string }
	| { emotes: string }
	| { notices: string }
	/** Something no bridge has heard of, with words for those who have not either. */
	| { invents: string }
	| { answers: string; with: string; html?: string }
	| { corrects: string; with: string }
	| { deletes: string; because?: string }
	| { moderates: string; because: string }
	/** To a moderator of the MUC. */
	| { promotes: string }
	/** All the emoji they show on it from now on. */
	| { shows: string[]; on: string }
	/** In the thread that began with a message, or that its author opened. */
	| { continues: string; with: string }
	| { names: string; with: string }
	| { points: string; called?: string }
	| { asks: string; choices: string[] }
	| { votes: number; on: string }
	| { ends: string }
	| { sends: FileKind; called: string; with?: string; encrypted?: true }
	| { encrypts: string }
);
export type FileKind = "image" | "video" | "audio" | "voice" | "file" | "sticker";

/** The lines people read, in order; none where nobody reads any. */
type Lines = string | readonly string[];
export type Step = {
	/** What the bridge does: it goes, or comes back and thinks that ten minutes have passed. */
	bridge?: "goes" | "comes back";
	who?: string;
	deed?: Deed;
	where?: Place;
	/** What everybody else reads, if it is not the same for all by network. */
	seen?: Lines | Partial<Record<Network, Lines>>;
	/** What comes back to the one who did it. */
	told?: Lines;
};
export type Story = { file: string; name: string; in: readonly Place[]; steps: readonly Step[] };

const folder = new URL("./", import.meta.url);

/** Every script of the folder. Each step has one key that is a person's name. */
export const stories: readonly Story[] = readdirSync(folder)
	.filter((file) => file.endsWith(".yaml"))
	.map((file) => {
		const { steps, ...story } = parse(readFileSync(new URL(file, folder), "utf8"));
		const read = ({ seen, told, where, bridge, ...does }: Record<string, unknown>): Step => {
			const [who, deed] = Object.entries(does)[0] ?? [];
			return { seen, told, where, bridge, who, deed } as Step;
		};
		return { file, ...story, steps: steps.map(read) };
	});

export const linesOf = (lines: Lines | undefined): readonly string[] =>
	lines === undefined ? [] : typeof lines === "string" ? [lines] : lines;

/** What people of this network read of a step. */
export const seenBy = (network: Network, { seen }: Step): readonly string[] =>
	typeof seen === "object" && !Array.isArray(seen)
		? linesOf((seen as Partial<Record<Network, Lines>>)[network])
		: linesOf(seen as Lines | undefined);
