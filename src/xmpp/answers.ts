import { textBytes } from "../core/bounded-map.ts";
import { TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Mapping } from "../core/mapping.ts";
import { type ErrorType, errorReply, stanzaError } from "./stanza-error.ts";
import type { Component } from "./stream/component.ts";
import { type Element, xml } from "./stream/xml.ts";

/** Answers that are kept until they can be sent, and the bytes of their texts in memory. */
const [mostKept, mostBytes] = [1_000, 1_048_576];
const setting = "xmpp answers";

/** An error that answers a line, without the line itself. */
type Kept = Readonly<{
	from: string;
	to: string;
	id?: string;
	type: ErrorType;
	condition: string;
	text?: string;
}>;

const bytesOf = ({ from, to, id, condition, text }: Kept) => textBytes(from, to, id, condition, text) + 100;

/**
 * Sends the answers to lines of 1:1 chats. An error alone tells the sender that a line reached nobody, so the
 * bridge keeps an error while the link is broken or the bridge stops, and sends it when the link is up again, or at the next
 * start. An error to a MUC must not be kept, since it puts an occupant out who may have come back by then
 * (XEP-0045 §16.4).
 */
export function createAnswers(deps: {
	link: Pick<Component, "send">;
	/** The store of the answers that a stop leaves. */
	settings: Pick<Mapping, "setting" | "saveSetting">;
	log: Log;
}) {
	const { link, settings, log } = deps;
	let kept: Kept[] = [];
	let bytes = 0;
	let stored = false;

	function keep(answer: Kept): void {
		kept.push(answer);
		bytes += bytesOf(answer);
		while (kept.length > mostKept || bytes > mostBytes) bytes -= bytesOf(kept.shift() as Kept);
	}

	/** Sends the answer to a line; an error that cannot be sent now is kept. Never rejects. */
	async function send(answer: Element): Promise<void> {
		try {
			await link.send(answer);
		} catch (error) {
			if (!(error instanceof TemporaryError))
				log.error({ err: error }, "the answer to a message could not be sent");
			else if (answer.attrs.type === "error") keep(shortForm(answer));
		}
	}

	async function save(): Promise<void> {
		if (kept.length === 0 && !stored) return;
		stored = kept.length > 0;
		await settings.saveSetting(setting, JSON.stringify(kept));
	}

	return {
		send,
		/** Sends the answers that were kept: the link is up. */
		async sendKept(): Promise<void> {
			const all = kept;
			kept = [];
			bytes = 0;
			for (const answer of all) await send(longForm(answer));
			await save();
		},
		/** Takes the answers that the last stop left. Called before the link is up. */
		async load(): Promise<void> {
			for (const one of JSON.parse((await settings.setting(setting)) ?? "[]") as readonly Kept[]) keep(one);
			stored = kept.length > 0;
		},
		/** Stores the answers that are still kept, for the next start. */
		save,
	};
}

function shortForm(answer: Element): Kept {
	const { from = "", to = "", id } = answer.attrs;
	const { type, condition, text } = stanzaError(answer);
	return { from, to, ...(id !== undefined && { id }), type, condition, ...(text !== undefined && { text }) };
}

const longForm = ({ from, to, id, type, condition, text }: Kept): Element =>
	errorReply(xml("message", { from: to, to: from, id }), type, condition, text);
