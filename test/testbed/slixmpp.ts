import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { Inbox } from "./inbox.ts";
import type { XmppAccount } from "./index.ts";
import { rootFolder } from "./process.ts";

const program = readFileSync(new URL("slixmpp.py", import.meta.url), "utf8");

/** A stanza as slixmpp's plugins read it; a field is absent where the stanza lacks it. */
export type Heard = {
	from: string;
	id: string;
	stanza_id: string;
	/** The body without its fallback for clients that do not support replies (XEP-0428). */
	body: string;
	corrects?: string;
	retracts?: string;
	reacts?: string;
	emoji?: string[];
	answers?: string;
	answered?: string;
	quote?: string;
	mentions: string[];
	/** Namespaces of the fallbacks: clients with these features do not show the body, or a part of it. */
	marked: (string | null)[];
	/** The condition or text of an error stanza. */
	error?: string;
	thread?: string;
	unstyled?: true;
	/** The time of the delay element, in seconds since 1970. */
	delayed?: number;
	url?: string;
	file?: {
		name?: string;
		"media-type"?: string;
		size?: number;
		width?: number;
		height?: number;
		length?: number;
		desc?: string;
		url: string;
		oob: string;
		thumbnails: Record<string, string>[];
		sticker: string | null;
	};
	/** Latitude and longitude. */
	place?: [string, string];
	/** The id of a line in the archive that it was read from. */
	archived?: string;
};
type Line = Partial<
	Record<"ready" | "joined" | "said" | "moderated" | "asked" | "failed" | "warned", string>
> & {
	heard?: Heard;
	archived?: readonly Heard[];
};
/** The queries that the program can send. */
type Question =
	| "description"
	| "items"
	| "people"
	| "vcard"
	| "software"
	| "zone"
	| "ping"
	| "self-ping"
	| "capabilities";
type Command = { do: string; to: string; room?: boolean } & Record<string, unknown>;

/** An XMPP client on slixmpp, which shares no code with the bridge. */
export class Slixmpp {
	readonly lines: Inbox<Line>;
	readonly #process: ChildProcess;
	#read = 0;

	private constructor(owner: string, child: ChildProcess) {
		this.#process = child;
		this.lines = new Inbox<Line>(owner, (line) => JSON.stringify(line));
		let rest = "";
		child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
			const whole = (rest + chunk).split("\n");
			rest = whole.pop() ?? "";
			for (const line of whole) this.lines.push(JSON.parse(line) as Line);
		});
		child.stderr?.setEncoding("utf8").on("data", (chunk: string) => this.lines.push({ warned: chunk }));
	}

	static async connect(account: XmppAccount): Promise<Slixmpp> {
		const { jid, password, c2s } = account;
		const python = ["env", "-i", "LANG=C.UTF-8", "python3", "-u", "-c", program];
		// The client dies with a killed test process.
		const steps = [
			"--pdeathsig",
			"KILL",
			"--",
			"chroot",
			rootFolder,
			...python,
			jid,
			password,
			new URL(c2s).port,
		];
		const self = new Slixmpp(jid, spawn("setpriv", steps, { stdio: ["pipe", "pipe", "pipe"] }));
		await self.#answer("ready");
		return self;
	}

	async #answer(name: keyof Line, ms = 20_000): Promise<Line> {
		const from = this.#read;
		const fits = (line: Line) =>
			this.lines.items.indexOf(line) >= from && (line[name] ?? line.failed) !== undefined;
		const line = await this.lines.waitFor(`"${name}"`, fits, ms);
		if (line[name] === undefined) throw new Error(line.failed);
		return line;
	}

	/** Sends a command to the Python program. With `name`, resolves with that field of the program's answer. */
	async does(command: Command, name?: "joined" | "said" | "moderated" | "asked"): Promise<string> {
		this.#read = this.lines.items.length;
		this.#process.stdin?.write(`${JSON.stringify(command)}\n`);
		return name ? String((await this.#answer(name))[name]) : "";
	}

	/**
	 * Resolves with the answer to a query, as the plugin for it reads it; `refused` has the condition of an error. `words`: of a
	 * search for people.
	 */
	async asks(to: string, what: Question, words?: string): Promise<unknown> {
		return JSON.parse(await this.does({ do: "ask", to, what, ...(words && { words }) }, "asked"));
	}

	/** Reads the whole archive of a room in pages of `max`. Returns its lines, the oldest first. */
	async archive(room: string, max: number, reverse: boolean): Promise<readonly Heard[]> {
		await this.does({ do: "archive", to: room, max, reverse });
		return (await this.#answer("archived", 60_000)).archived ?? [];
	}

	async hears(what: string, fits: (heard: Heard) => boolean): Promise<Heard> {
		const line = await this.lines.waitFor(what, ({ heard }) => heard !== undefined && fits(heard), 15_000);
		return line.heard as Heard;
	}

	close(): void {
		this.#process.kill();
	}
}
