import http from "node:http";
import https from "node:https";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { Media } from "../core/event.ts";
import type { Log } from "../core/log.ts";
import type { Opened } from "../core/media.ts";
import type { Outbound } from "../core/network.ts";
import { slice } from "../media/range.ts";
import { withSize } from "../media/spool.ts";
import { inTime } from "../media/stream.ts";
import { bareType, named } from "../media/types.ts";
import * as phrases from "./phrases.ts";
import { neutral, StanzaError } from "./stanza-error.ts";
import type { Component } from "./stream/component.ts";
import { child, type Element, text, xml } from "./stream/xml.ts";

const ns = "urn:xmpp:http:upload:0";
const items = "http://jabber.org/protocol/disco#items";
const info = "http://jabber.org/protocol/disco#info";
/** XEP-0363 §4: the only headers of a slot that may be sent. */
const headersTaken = new Set(["authorization", "cookie", "expires"]);
const silence = 30_000;
/** The most services of the server that are asked, all at once: a slow one delays no other. */
const mostAsked = 20;
/** The least rate at which a file has to go from its source to the service; as for readers of links (`media/serve.ts`). */
const leastRate = { grace: 120_000, perSecond: 16_384 };

type Slot = Readonly<{ put: string; get: string; headers: Readonly<Record<string, string>> }>;

/** Uses the XMPP server's upload service (XEP-0363) if the bridge has no public URL. Few services accept components. */
export function createUploads(deps: {
	link: Pick<Component, "iq">;
	component: string;
	open(source: Media["source"]): Promise<Opened>;
	log: Log;
	/** For tests. */
	leastRate?: typeof leastRate;
}) {
	const { link, component, log } = deps;
	let service: { jid: string; largest: number } | undefined;

	const ask = (to: string, payload: Element) =>
		link.iq(xml("iq", { type: "get", from: component, to }, payload));

	async function slot(of: string, name: string, size: number, mime: string | undefined): Promise<Slot> {
		const wanted = { xmlns: ns, filename: name, size: String(size), "content-type": mime };
		const answer = child(await ask(of, xml("request", wanted)), "slot", ns);
		const put = answer?.getChild("put");
		const [to = "", get = ""] = [put?.attrs.url, answer?.getChild("get")?.attrs.url];
		if (![to, get].every((url) => /^https?:/.test(url) && URL.canParse(url)))
			throw new PermanentError("failed", phrases.fileRefused);
		const headers = (put?.getChildren("header") ?? [])
			.map((one) => [one.attrs.name ?? "", one.getText().replace(/[\r\n]/g, "")] as const)
			.filter(([key]) => headersTaken.has(key.toLowerCase()));
		return { put: to, get, headers: Object.fromEntries(headers) };
	}

	/** Resolves with the service at this JID if it grants the component a slot. Rejects for any other one. */
	async function granting(jid: string): Promise<NonNullable<typeof service>> {
		try {
			return await tried(jid);
		} catch (error) {
			log.debug({ err: error, service: jid }, "no upload service for us");
			throw error;
		}
	}

	async function tried(jid: string): Promise<NonNullable<typeof service>> {
		const query = child(await ask(jid, xml("query", { xmlns: info })), "query", info);
		if (!query?.getChildren("feature").some((one) => one.attrs.var === ns))
			throw new PermanentError("failed", phrases.noPublic);
		const limits = query
			.getChildren("x", "jabber:x:data")
			.flatMap((form) => form.getChildren("field"))
			.filter((field) => field.attrs.var === "max-file-size")
			.map((field) => Number(text(field, "value")));
		await slot(jid, "trivium.txt", 1, "text/plain");
		return { jid, largest: limits[0] || Number.MAX_SAFE_INTEGER };
	}

	return {
		/** Returns the largest file that the service takes, in bytes; undefined if there is no service. */
		largest: () => service?.largest,
		/** Searches the XMPP server for an upload service, the first one that grants a slot. Never rejects. */
		async look(): Promise<void> {
			const server = component.slice(component.indexOf(".") + 1);
			try {
				const query = child(await ask(server, xml("query", { xmlns: items })), "query", items);
				const listed = (query?.getChildren("item") ?? []).flatMap(({ attrs }) => attrs.jid ?? []);
				const others = listed.filter((jid) => jid !== component).slice(0, mostAsked);
				service = await Promise.any(others.map(granting)).catch(() => undefined);
				if (service) log.info({ service: service.jid }, "files go to the XMPP server's upload service");
			} catch (error) {
				log.debug({ err: error }, "no upload service found");
			}
		},
		/** Uploads a file once for each delivery; resolves with its URL. */
		put: (media: Media, once: Outbound["once"]): Promise<string> =>
			once(`file ${media.source.ref}`, () => store(media)),
	};

	async function store(media: Media): Promise<string> {
		if (!service) throw new PermanentError("failed", phrases.noPublic);
		const { jid, largest } = service;
		const opened = await deps.open(media.source);
		opened.body.on("error", () => undefined);
		try {
			const late = () => new TemporaryError(phrases.fileNoAnswer);
			const steady = inTime(opened.body, deps.leastRate ?? leastRate, late);
			return await withSize(steady, opened.size, async (body, size) => {
				if (size > largest) throw new PermanentError("invalid", phrases.fileTooLarge(largest));
				const mime = bareType(media.mime ?? opened.mime);
				const place = await slot(jid, named(media.name, mime), size, mime);
				await send(place, slice(body, 0, size - 1), size, mime);
				return place.get;
			});
		} catch (error) {
			throw error instanceof StanzaError ? neutral(error) : error;
		} finally {
			opened.body.destroy();
		}
	}
}

function send({ put, headers }: Slot, body: Readable, size: number, mime: string | undefined) {
	const { request } = put.startsWith("https:") ? https : http;
	return new Promise<void>((resolve, reject) => {
		const type = mime && { "content-type": mime };
		const outgoing = request(put, {
			method: "PUT",
			agent: false,
			headers: { ...headers, ...type, "content-length": size },
		});
		const failed = (cause: Error) => reject(new TemporaryError(phrases.fileNoAnswer, { cause }));
		outgoing.setTimeout(silence, () => outgoing.destroy(new Error("no answer in time")));
		// An error while reading the file is not the service's fault.
		outgoing.on("error", (error) =>
			body.errored instanceof PermanentError ? reject(body.errored) : failed(error),
		);
		outgoing.on("response", (answer) => {
			answer.resume();
			const { statusCode: status = 0 } = answer;
			if (status >= 200 && status < 300) resolve();
			else if (status >= 500) failed(new Error(`the upload service answered ${status}`));
			else reject(new PermanentError("failed", phrases.fileRefused));
		});
		pipeline(body, outgoing).catch(() => undefined);
	});
}
