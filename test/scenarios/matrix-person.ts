import { createCipheriv, createHash, randomBytes, randomUUID } from "node:crypto";
import type { MatrixClient, SeenEvent } from "../testbed/matrix-client.ts";
import { bytesOf } from "./files.ts";
import type { Ids, Names, Person } from "./person.ts";
import type { Deed } from "./script.ts";

type Table = Record<string, unknown>;
const table = (value: unknown) => (value ?? {}) as Table;
const poll = "org.matrix.msc3381.poll";
const label = (words: string) => ({ "org.matrix.msc1767.text": words });
const said = (value: unknown) => String(table(value)["org.matrix.msc1767.text"]);
const text = (body: string, more: Table = {}) => ({ msgtype: "m.text", body, ...more });
const kinds: Record<string, string> = { voice: "m.audio", sticker: "m.sticker" };

/** Returns a person with a Matrix client. `members` maps the MXIDs in the room to display names. */
export function matrixPerson(
	name: string,
	client: MatrixClient,
	room: string,
	members: ReadonlyMap<string, string | undefined>,
	names: Names,
): Person {
	const start = client.inbox.items.length;
	/** The reactions in the room, by event id. */
	const reactions = new Map<string, { on: string; by: string; emoji: string }>();
	/** This person's reactions: event ids by message and emoji. */
	const mine = new Map<string, Map<string, string>>();
	const edits = new Set<string>();
	const answers = new Map<string, Map<string, string>>();

	const nameOf = (mxid: unknown) =>
		names.person((members.get(String(mxid)) ?? String(mxid)).replace(/ \((owner|admin|moderator)\)$/, ""));
	const mxidOf = (person: string) => [...members.keys()].find((mxid) => nameOf(mxid) === person) ?? person;

	async function redact(event: string, reason?: string): Promise<string> {
		const path = `v3/rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(event)}/${randomUUID()}`;
		const answer = await client.request<{ event_id: string }>("PUT", path, reason ? { reason } : {});
		return answer.event_id;
	}

	async function upload(bytes: Buffer, type: string): Promise<string> {
		const base = client.base;
		const answer = await fetch(`${base}/_matrix/media/v3/upload`, {
			method: "POST",
			headers: { authorization: `Bearer ${client.accessToken}`, "content-type": type },
			body: new Uint8Array(bytes),
		});
		return ((await answer.json()) as { content_uri: string }).content_uri;
	}

	async function file({ sends, called, with: words, encrypted }: Extract<Deed, { sends: unknown }>) {
		const { bytes, type } = bytesOf(sends);
		const msgtype = kinds[sends] ?? `m.${sends}`;
		const info = { mimetype: type, size: bytes.length };
		const named = sends === "sticker" ? { body: words } : { body: words ?? called, filename: called };
		const voice = { "org.matrix.msc3245.voice": {}, "org.matrix.msc1767.audio": { duration: 3000 } };
		const content = { ...named, info, ...(sends === "voice" && voice) };
		if (!encrypted) return { ...content, msgtype, url: await upload(bytes, type) };
		const [key, iv] = [randomBytes(32), Buffer.concat([randomBytes(8), Buffer.alloc(8)])];
		const cipher = createCipheriv("aes-256-ctr", key, iv).update(bytes);
		const base64 = (value: Buffer) => value.toString("base64").replace(/=+$/, "");
		return {
			...content,
			msgtype,
			file: {
				v: "v2",
				url: await upload(cipher, "application/octet-stream"),
				key: { kty: "oct", key_ops: ["encrypt"], alg: "A256CTR", k: key.toString("base64url"), ext: true },
				iv: base64(iv),
				hashes: { sha256: base64(createHash("sha256").update(cipher).digest()) },
			},
		};
	}

	async function show(emoji: readonly string[], on: string): Promise<void> {
		const shown = mine.get(on) ?? new Map<string, string>();
		mine.set(on, shown);
		for (const key of emoji) {
			if (shown.has(key)) continue;
			const relation = { rel_type: "m.annotation", event_id: names.ids(on).id, key };
			shown.set(key, await client.send(room, { "m.relates_to": relation }, "m.reaction"));
		}
		for (const [key, event] of shown) {
			if (emoji.includes(key)) continue;
			shown.delete(key);
			await redact(event);
		}
	}

	const formatted = (body: string, html?: string) =>
		text(body, html ? { format: "org.matrix.custom.html", formatted_body: html } : {});

	async function content(deed: Deed): Promise<[Table, string?]> {
		if ("says" in deed) return [formatted(deed.says, deed.html)];
		if ("emotes" in deed) return [{ msgtype: "m.emote", body: deed.emotes }];
		if ("notices" in deed) return [{ msgtype: "m.notice", body: deed.notices }];
		if ("invents" in deed) return [{ body: deed.invents }, "org.example.dance"];
		if ("encrypts" in deed)
			return [{ algorithm: "m.megolm.v1.aes-sha2", ciphertext: "AwgAEnAC" }, "m.room.encrypted"];
		if ("answers" in deed) {
			const relation = { "m.in_reply_to": { event_id: names.ids(deed.answers).id } };
			return [{ ...formatted(deed.with, deed.html), "m.relates_to": relation }];
		}
		if ("corrects" in deed) {
			const relation = { rel_type: "m.replace", event_id: names.ids(deed.corrects).id };
			return [text(`* ${deed.with}`, { "m.new_content": text(deed.with), "m.relates_to": relation })];
		}
		if ("continues" in deed) {
			const event_id = names.ids(deed.continues).id;
			const relation = {
				rel_type: "m.thread",
				event_id,
				is_falling_back: true,
				"m.in_reply_to": { event_id },
			};
			return [text(deed.with, { "m.relates_to": relation })];
		}
		if ("names" in deed) {
			const everybody = deed.names === "all";
			const meant = everybody ? { room: true } : { user_ids: [mxidOf(deed.names)] };
			return [text(deed.with, { "m.mentions": meant })];
		}
		if ("points" in deed) return [{ msgtype: "m.location", body: deed.called ?? "", geo_uri: deed.points }];
		if ("asks" in deed) {
			const choices = deed.choices.map((one, index) => ({ id: `c${index + 1}`, ...label(one) }));
			const start = {
				question: label(deed.asks),
				kind: `${poll}.${deed.secretly ? "un" : ""}disclosed`,
				max_selections: 1,
				answers: choices,
			};
			return [{ ...label(deed.asks), [`${poll}.start`]: start }, `${poll}.start`];
		}
		if ("votes" in deed) {
			const relation = { rel_type: "m.reference", event_id: names.ids(deed.on).id };
			const chosen = { answers: [`c${deed.votes}`] };
			return [{ "m.relates_to": relation, [`${poll}.response`]: chosen }, `${poll}.response`];
		}
		if ("ends" in deed) {
			const relation = { rel_type: "m.reference", event_id: names.ids(deed.ends).id };
			return [{ ...label("It is over."), "m.relates_to": relation, [`${poll}.end`]: {} }, `${poll}.end`];
		}
		if ("sends" in deed) {
			const { msgtype, ...rest } = await file(deed);
			return deed.sends === "sticker" ? [rest, "m.sticker"] : [{ msgtype, ...rest }];
		}
		throw new Error(`nobody on Matrix can do ${JSON.stringify(deed)}`);
	}

	async function does(deed: Deed): Promise<Ids> {
		const called = (id: string, text = "") => ({ id, named: id, from: client.userId, text });
		if ("deletes" in deed) return called(await redact(names.ids(deed.deletes).id, deed.because));
		if ("moderates" in deed) return called(await redact(names.ids(deed.moderates).id, deed.because));
		if ("shows" in deed) {
			await show(deed.shows, deed.on);
			return called("");
		}
		const [what, type] = await content(deed);
		const id = await client.send(room, what, type);
		answers.set(id, choicesIn(what));
		return called(id, String(what.body));
	}
	const choicesIn = (what: Table) =>
		new Map(
			((table(what[`${poll}.start`]).answers ?? []) as Table[]).map((one) => [String(one.id), said(one)]),
		);

	/** Returns the text as a client shows it: the formatted body if there is one, with links to people in brackets. */
	function words(content: Table): string {
		const shown = String(content.formatted_body ?? content.body);
		return shown.replace(
			/<a href="https:\/\/matrix\.to\/#\/([^"]+)">(.*?)<\/a>/g,
			(_all, mxid, inner) =>
				`[${nameOf(decodeURIComponent(mxid)) === inner.replace(/^@/, "") ? inner : mxid}]`,
		);
	}
	function meant(content: Table): string {
		const { user_ids: ids = [], room: all } = table(content["m.mentions"]) as {
			user_ids?: string[];
			room?: true;
		};
		const who = [...ids.map(nameOf), ...(all ? ["all"] : [])];
		return who.length > 0 ? ` (to ${who.join(", ")})` : "";
	}
	async function fileLine(content: Table): Promise<string> {
		const path = String(content.url ?? table(content.file).url).slice("mxc://".length);
		const answer = await fetch(`${client.base}/_matrix/client/v1/media/download/${path}`, {
			headers: { authorization: `Bearer ${client.accessToken}` },
		});
		const size = (await answer.arrayBuffer()).byteLength;
		const { msgtype, filename, body } = content;
		const kind = "org.matrix.msc3245.voice" in content ? "voice message" : (msgtype ?? "sticker");
		const type = table(content.info).mimetype;
		const words = filename === body || filename === undefined ? "" : `, “${body}”`;
		return `${String(kind).replace("m.", "")} ${filename ?? body}${words} (${type}, ${size} bytes)`;
	}

	async function line(event: SeenEvent): Promise<string | undefined> {
		const { type, content, event_id: id = "", sender = "" } = event;
		const who = nameOf(sender);
		const relation = table(content["m.relates_to"]);
		const about = (of = relation.event_id) => names.message("named", of);
		if (type === "m.reaction") {
			reactions.set(id, { on: about(), by: who, emoji: String(relation.key) });
			return shows(who, about());
		}
		if (type === "m.room.redaction") {
			const target = String(content.redacts ?? (event as unknown as Table).redacts);
			const reaction = reactions.get(target);
			reactions.delete(target);
			if (reaction) return shows(who, reaction.on);
			const because = content.reason ? `, because ${content.reason}` : "";
			// A redacted edit is not shown: the client only shows that the message is gone.
			return edits.has(target) ? undefined : `${who} deletes ${about(target)}${because}`;
		}
		if (type === `${poll}.start`) {
			const choices = choicesIn(content);
			answers.set(id, choices);
			return `${who} asks ${said(table(content[type]).question)} ${[...choices.values()].join(", ")}`;
		}
		if (type === `${poll}.response`) {
			const given = (table(content[`${poll}.response`]).answers ?? []) as string[];
			const choices = answers.get(String(relation.event_id));
			return `${who} votes ${given.map((one) => choices?.get(one) ?? one).join(", ")} on ${about()}`;
		}
		if (type === `${poll}.end`) return `${who} ends ${about()}`;
		if (type === "m.sticker") return `${who} sends ${await fileLine(content)}`;
		// MSC2487: clients show it, if at all, beside the message that it refers to.
		if (type === "com.beeper.message_send_status") return undefined;
		if (type !== "m.room.message") return `${who}: ${type}`;

		const now = relation.rel_type === "m.replace" ? table(content["m.new_content"]) : content;
		// Only ghosts' events count as late: a person's own events always have their original time.
		const ghost = sender.startsWith("@_xmpp_");
		const early = ghost && (event.origin_server_ts ?? 0) < names.backAt() ? " (said earlier)" : "";
		const end = meant(content) + early;
		if (relation.rel_type === "m.replace") {
			edits.add(id);
			return `${who} corrects ${about()}: ${words(now)}${end}`;
		}
		const reply = table(relation["m.in_reply_to"]).event_id;
		const thread = relation.rel_type === "m.thread" ? ` in ${about()}` : "";
		const to = reply && relation.is_falling_back !== true ? ` to ${about(reply)}` : "";
		const is = `${who}${thread}${to}`;
		if ("url" in content || "file" in content) return `${is} sends ${await fileLine(content)}${end}`;
		if (content.msgtype === "m.location") return `${is} is at ${content.geo_uri}${end}`;
		if (content.msgtype === "m.emote") return `* ${is} ${words(content)}${end}`;
		return `${is}${content.msgtype === "m.notice" ? " (notice)" : ""}: ${words(content)}${end}`.replace(
			/XMPP room [^ ]+@[^ ]+/,
			"XMPP room",
		);
	}

	const shows = (who: string, on: string) => {
		const all = [...reactions.values()]
			.filter((one) => one.by === who && one.on === on)
			.map((one) => one.emoji);
		return `${who} shows ${all.sort().join(" ") || "nothing"} on ${on}`;
	};

	return {
		name,
		network: "Matrix",
		does,
		came: () =>
			client.inbox.items
				.slice(start)
				.filter(
					(event) =>
						event.room_id === room &&
						event.from === "timeline" &&
						event.state_key === undefined &&
						event.sender !== client.userId,
				)
				.map((event) => ({
					line: () => line(event),
					ids: {
						id: event.event_id ?? "",
						named: event.event_id ?? "",
						from: event.sender ?? "",
						text: String(event.content.body),
					},
				})),
	};
}
