import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";

export type Network = "Matrix" | "XMPP";
/** hosted: a Matrix room that is shown as a MUC of the bridge. */
export type Place = "chat" | "MUC" | "hosted";

/** A person's action. `as` names its message for later steps. */
export type Deed = { as?: string } & (
	| { says: string; html?: string; opens?: string }
	| { emotes: string }
	| { notices: string }
	/** Sends content of an unknown type, with a text. */
	| { invents: string }
	| { answers: string; with: string; html?: string }
	| { corrects: string; with: string }
	| { deletes: string; because?: string }
	| { moderates: string; because: string }
	/** Makes a person a moderator of the MUC. */
	| { promotes: string }
	/** Reacts to a message: the emoji replace the earlier ones. */
	| { shows: string[]; on: string }
	/** Writes in the thread that a message began, or that its author opened. */
	| { continues: string; with: string }
	| { names: string; with: string }
	| { points: string; called?: string }
	/** `secretly`: the votes are shown after the end only. */
	| { asks: string; choices: string[]; secretly?: true }
	| { votes: number; on: string }
	| { ends: string }
	| { sends: FileKind; called: string; with?: string; encrypted?: true }
	| { encrypts: string }
);
export type FileKind = "image" | "video" | "audio" | "voice" | "file" | "sticker";

/** The lines that people read, in order. */
type Lines = string | readonly string[];
export type Step = {
	/** Stops the bridge, or restarts it with a clock ten minutes later. */
	bridge?: "goes" | "comes back";
	who?: string;
	deed?: Deed;
	where?: Place | readonly Place[];
	/** The lines that every other person reads, by network if they differ; a place: those of XMPP people there. */
	seen?: Lines | Partial<Record<Network | Place, Lines>>;
	/** The lines that the acting person reads in reply. */
	told?: Lines;
};
export type Story = { file: string; name: string; in: readonly Place[]; steps: readonly Step[] };

const folder = new URL("./", import.meta.url);

/** All scenarios of the folder. Each step has one key that is a person's name. */
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

/** Returns true for a step that is played in this place. */
export const isIn = ({ where }: Step, place: Place): boolean =>
	where === undefined || [where].flat().includes(place);

/** Returns the lines that people of this network read after a step. */
export function seenBy(network: Network, { seen }: Step, place: Place = "chat"): readonly string[] {
	if (typeof seen !== "object" || Array.isArray(seen)) return linesOf(seen as Lines | undefined);
	const by = seen as Partial<Record<Network | Place, Lines>>;
	return linesOf(network === "XMPP" ? (by[place] ?? by.XMPP) : by[network]);
}
