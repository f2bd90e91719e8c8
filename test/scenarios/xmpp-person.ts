import type { Heard, Slixmpp } from "../testbed/slixmpp.ts";
import { bytesOf } from "./files.ts";
import type { Ids, Names, Person } from "./person.ts";
import type { Deed } from "./script.ts";

const ns = { reactions: "urn:xmpp:reactions:0", retract: "urn:xmpp:message-retract:1" };

/** Returns a person with a slixmpp client, in a MUC under their own name or in a 1:1 chat. `share` publishes a file. */
export function xmppPerson(
	name: string,
	client: Slixmpp,
	to: string,
	room: boolean,
	names: Names,
	share: (file: string, bytes: Buffer, type: string) => string,
): Person {
	const start = client.lines.items.length;
	const from = (heard: Heard) => heard.from.split("/")[room ? 1 : 0] ?? "";
	const own = (heard: Heard) => room && from(heard) === name;
	const ids = (heard: Heard): Ids => ({
		id: heard.id,
		named: room ? heard.stanza_id : heard.id,
		from: heard.from,
		text: heard.body,
	});

	/** Sends a message; in a MUC, waits for its reflection. */
	async function say(body: string, more: Record<string, unknown> = {}): Promise<Ids> {
		const id = await client.does({ do: "say", to, room, body, ...more }, "said");
		if (!room) return { id, named: id, from: name, text: body };
		return ids(await client.hears("its own line", (heard) => own(heard) && heard.id === id));
	}

	/** Returns a mention element. A MUC does not need one: the nick at the start is enough. */
	function mention({ names: who, with: words }: Extract<Deed, { names: unknown }>): string {
		const [begin, end] = [words.indexOf(who), words.indexOf(who) + who.length];
		return `<mention xmlns="urn:xmpp:mentions:0" jid="${to}" begin="${begin}" end="${end}"/>`;
	}

	function file({ sends, called, with: words }: Extract<Deed, { sends: unknown }>) {
		const { bytes, type } = bytesOf(sends);
		const url = share(called, bytes, type);
		const disposition = sends === "voice" ? "voice" : "inline";
		const desc = words ? `<desc>${words}</desc>` : "";
		const sfs = `<file-sharing xmlns="urn:xmpp:sfs:0" disposition="${disposition}"><file xmlns="urn:xmpp:file:metadata:0"><name>${called}</name><media-type>${type}</media-type>${desc}</file><sources><url-data xmlns="http://jabber.org/protocol/url-data" target="${url}"/></sources></file-sharing>`;
		const sticker = `<sticker xmlns="urn:xmpp:stickers:0" pack="p"/>`;
		const oob = `<x xmlns="jabber:x:oob"><url>${url}</url></x>`;
		return say(url, { parts: [sfs, oob, ...(sends === "sticker" ? [sticker] : [])] });
	}

	async function does(deed: Deed): Promise<Ids> {
		const nothing = { id: "", named: "", from: name, text: "" };
		if ("says" in deed) return say(deed.says, deed.opens ? { thread: deed.opens } : {});
		if ("emotes" in deed) return say(`/me ${deed.emotes}`);
		if ("names" in deed) return say(deed.with, room ? {} : { parts: [mention(deed)] });
		if ("invents" in deed)
			return say(deed.invents, { parts: [`<dance xmlns="https://example.org/dance"/>`] });
		if ("points" in deed) return say(deed.points);
		if ("sends" in deed) return file(deed);
		if ("continues" in deed) return say(deed.with, { thread: names.threadId(deed.continues) });
		if ("encrypts" in deed) {
			const parts = [`<encrypted xmlns="eu.siacs.conversations.axolotl"/>`];
			return {
				...nothing,
				id: await client.does({ do: "say", to, room, body: deed.encrypts, parts }, "said"),
			};
		}
		const reply = async (target: string, body: string) => {
			const { named: id, from: author, text: quote } = names.ids(target);
			await client.does({
				do: "reply",
				to,
				room,
				id,
				author,
				nick: author.split("/")[1] ?? "Juliet",
				quote,
				body,
			});
			return nothing;
		};
		if ("answers" in deed) return reply(deed.answers, deed.with);
		if ("votes" in deed) return reply(deed.on, String(deed.votes));
		const target = (of: string) => ({ to, room, id: names.ids(of).named });
		if ("corrects" in deed)
			await client.does({ do: "correct", to, room, id: names.ids(deed.corrects).id, body: deed.with });
		else if ("deletes" in deed) await client.does({ do: "retract", ...target(deed.deletes) });
		else if ("shows" in deed) await client.does({ do: "react", ...target(deed.on), emoji: deed.shows });
		else if ("promotes" in deed)
			await client.does({ do: "role", to, nick: deed.promotes, role: "moderator" }, "moderated");
		else if ("moderates" in deed)
			await client.does({ do: "moderate", ...target(deed.moderates), reason: deed.because }, "moderated");
		else throw new Error(`nobody on XMPP can do ${JSON.stringify(deed)}`);
		return nothing;
	}

	/** Returns the line as this client shows it. A plus precedes a body that the client would show beside the content. */
	async function line(heard: Heard): Promise<string | undefined> {
		if (heard.error !== undefined) return `error: ${heard.error}`;
		const who = names.person(room ? from(heard) || "Room" : from(heard).split("@")[0]);
		const { body } = heard;
		// XEP-0428 §3: a fallback without a feature covers all features of the message.
		const hidden = (of: string) => heard.marked.includes(of) || heard.marked.includes(null);
		const beside = (of: string) => (body && !hidden(of) ? ` + ${body}` : "");
		if (heard.retracts !== undefined)
			return `${who} deletes ${names.message("named", heard.retracts)}${beside(ns.retract)}`;
		if (heard.reacts !== undefined)
			return `${who} shows ${heard.emoji?.sort().join(" ") || "nothing"} on ${names.message("named", heard.reacts)}${
				beside(ns.reactions) || (body && ` (for old clients: ${body})`)
			}`;
		const end = [
			heard.mentions.length > 0 && ` (to ${heard.mentions.join(", ")})`,
			heard.unstyled && " (literally)",
			(heard.delayed ?? Number.POSITIVE_INFINITY) * 1000 < names.backAt() && " (said earlier)",
		]
			.filter(Boolean)
			.join("");
		if (heard.corrects !== undefined)
			return `${who} corrects ${names.message("id", heard.corrects)}: ${body}${end}`;
		const thread = heard.thread ? ` in ${names.thread(heard.thread)}` : "";
		const answers = heard.answers ? ` to ${names.message("named", heard.answers)}` : "";
		const is = `${who}${thread}${answers}`;
		if (heard.place) return `${is} is at ${heard.place.join()} + ${body}${end}`;
		if (heard.url !== undefined) {
			const size = (await (await fetch(heard.url)).arrayBuffer()).byteLength;
			const { name: called, "media-type": type, desc } = heard.file ?? {};
			const words = desc ? `, “${desc}”` : "";
			return `${is} sends ${called}${words} (${type}, ${size} bytes)${body === heard.url ? "" : ` + ${body}`}`;
		}
		return body.startsWith("/me ") ? `* ${is} ${body.slice(4)}${end}` : `${is}: ${body}${end}`;
	}

	return {
		name,
		network: "XMPP",
		does,
		came: () =>
			client.lines.items
				.slice(start)
				.map(({ heard }) => heard)
				.filter((heard) => heard !== undefined)
				.filter((heard) => heard.from.split("/")[0] === to && !own(heard))
				.filter((heard) => heard.body || heard.reacts || heard.retracts || heard.error)
				.map((heard) => ({ line: () => line(heard), ids: ids(heard) })),
	};
}
