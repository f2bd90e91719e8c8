import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { PermanentError } from "../core/errors.ts";
import type { Opened } from "../core/media.ts";
import type { Avatar } from "../core/person.ts";
import { image } from "../media/image.ts";
import { itemIn, nickIn, nodeRequest, pictureIn, vcard4In, vcard4Node } from "./account-nodes.ts";
import { createConcurrencyLimit } from "./concurrency-limit.ts";
import { xmppNetwork } from "./from-xmpp.ts";
import { bare, domain } from "./jid.ts";
import { avatarData, avatarMetadata, decoded, fullNameIn, nameIn, photoBytes } from "./photo.ts";
import * as phrases from "./phrases.ts";
import { StanzaError } from "./stanza-error.ts";
import type { Component } from "./stream/component.ts";
import { child, type Element, text, xml } from "./stream/xml.ts";
import { nickNs } from "./to-xmpp.ts";

/** How long a server or a client may take to send a vCard, in ms. */
const patience = 30_000;
/** VCards that are asked of one server at the same time. */
const atOnce = 4;
/** Pictures that are kept from the reading of a vCard until somebody opens them, and their bytes. */
const [kept, keptBytes] = [100, 4 * 1_048_576];

/** Accounts that were asked for their picture, their bytes, and how long their answers count, in ms. */
const [remembered, rememberedBytes, askedAgainAfter] = [5_000, 4 * 1_048_576, 24 * 3_600_000];

const form = /^face ([0-9a-f]{40}) (.+)$/s;

/**
 * Returns the picture with this hash of the account or occupant at a JID; null
 * for the empty hash, which says that there is none.
 */
export const faceAt = (jid: string, hash: string): Avatar | null =>
	hash === "" ? null : { network: xmppNetwork, ref: `face ${hash} ${jid}`, hash };

/** Returns the picture of a presence as a part of the person at this JID; none if the presence says nothing of one. */
export const faceOf = (jid: string, photo: string | undefined): Readonly<{ avatar?: Avatar | null }> =>
	photo === undefined ? {} : { avatar: faceAt(jid, photo) };

/** The name and picture that an account publishes; undefined for a part that it does not publish. */
export type Profile = Readonly<{ name: string | undefined; hash: string | undefined }>;

export const isFace = (ref: string): boolean => form.test(ref);

/** Reads the vCards of people on XMPP, and the pictures in them. */
export function createFaces(deps: {
	link: Pick<Component, "iq">;
	/** Returns the JID of ours that asks: an occupant in a MUC, for the vCards of its occupants. Undefined where none can. */
	asker(of: string): string | undefined;
	now(): number;
}) {
	const paced = createConcurrencyLimit(atOnce);
	/** The pictures of accounts, and when these were asked. */
	const asked = createBoundedMap<string, Readonly<{ at: number; hash: Promise<string | undefined> }>>(
		remembered,
		{ bytes: rememberedBytes, of: (jid) => textBytes(jid) + 300 },
	);
	const pictures = createBoundedMap<string, Buffer>(kept, {
		bytes: keptBytes,
		of: (hash, bytes) => textBytes(hash) + bytes.length,
	});

	async function ask(jid: string, payload: Element): Promise<Element> {
		const from = deps.asker(jid);
		if (from === undefined) throw new PermanentError("failed", phrases.fileGone);
		const iq = xml("iq", { type: "get", from, to: jid }, payload);
		return paced(domain(jid), () => deps.link.iq(iq, patience));
	}

	/** Notes a picture. Returns its hash; undefined for bytes that are no picture. */
	function note(bytes: Buffer | undefined): string | undefined {
		if (!bytes || !image(bytes)) return undefined;
		const hash = createHash("sha1").update(bytes).digest("hex");
		pictures.set(hash, bytes);
		return hash;
	}

	/** Resolves with the vCard at a JID, and the hash of the picture in it. @throws StanzaError, TemporaryError, PermanentError */
	async function vcard(
		jid: string,
	): Promise<Readonly<{ card: Element | undefined; hash: string | undefined }>> {
		const answer = await ask(jid, xml("vCard", { xmlns: "vcard-temp" }));
		const card = child(answer, "vCard", "vcard-temp");
		const hash = card && note(photoBytes(card));
		return { card, hash };
	}

	// XEP-0054 §3.1, XEP-0060 §6.5.9: an account without a vCard, or without a node that we may read.
	const orNothing = (error: unknown) => {
		if (error instanceof StanzaError) return undefined;
		throw error;
	};

	const node = (jid: string, name: string, id?: string): Promise<Element | undefined> =>
		ask(jid, nodeRequest(name, id)).then(itemIn, orNothing);

	/** Asks for the picture among the nodes of the account (XEP-0084 §4.3). */
	async function data(jid: string, id: string): Promise<void> {
		const item = await node(jid, avatarData, id);
		const base64 = item && text(item, "data", avatarData);
		if (base64 !== undefined) note(decoded(base64));
	}

	/** Resolves with the hash of the picture that an account keeps in its vCard, or else in its node. */
	async function read(jid: string): Promise<string | undefined> {
		const { hash } = (await vcard(jid).catch(orNothing)) ?? {};
		return hash ?? (await named(jid));
	}
	// "" says that there is none.
	const named = async (jid: string): Promise<string | undefined> =>
		pictureIn(await node(jid, avatarMetadata)) || undefined;

	return {
		/**
		 * Resolves with the picture of an account, which is asked for it once a day; undefined where it has none.
		 * @throws TemporaryError, PermanentError
		 */
		async picture(jid: string): Promise<Avatar | undefined> {
			const last = asked.get(jid);
			const isOld = !last || last.at <= deps.now() - askedAgainAfter;
			const one = isOld ? { at: deps.now(), hash: read(jid) } : last;
			asked.set(jid, one);
			const hash = await one.hash.catch((error: unknown) => {
				asked.delete(jid);
				throw error;
			});
			return faceAt(jid, hash ?? "") ?? undefined;
		},
		/** Resolves with the full name in the vCard of an occupant of a MUC; undefined where it has none. @throws as `open` */
		async fullName(occupant: string): Promise<string | undefined> {
			const { card } = (await vcard(occupant).catch(orNothing)) ?? {};
			return card && fullNameIn(card);
		},
		/**
		 * Resolves with the name and the hash of the picture that an account gives itself. Its nodes are asked for the
		 * parts that its vCard lacks: some servers keep both in step, others do not. @throws TemporaryError, PermanentError
		 */
		async profile(jid: string): Promise<Profile> {
			const { card, hash: photo } = (await vcard(jid).catch(orNothing)) ?? {};
			const name = card && nameIn(card);
			const hash = photo ?? (await named(jid));
			if (name !== undefined && hash !== undefined) return { name, hash };
			const newer = vcard4In(await node(jid, vcard4Node));
			return {
				name: name ?? newer.name ?? nickIn(await node(jid, nickNs)),
				hash: hash ?? note(newer.picture),
			};
		},
		/**
		 * Opens a picture by the `ref` of {@link faceAt}. Bytes with another hash are the picture of somebody else, such as the
		 * next holder of a nick. @throws PermanentError, TemporaryError
		 */
		async open(ref: string): Promise<Opened> {
			const [, hash = "", jid = ""] = form.exec(ref) ?? [];
			if (!pictures.has(hash)) await vcard(jid).catch(orNothing);
			if (!pictures.has(hash) && jid === bare(jid)) {
				await data(jid, hash);
				if (!pictures.has(hash)) note(vcard4In(await node(jid, vcard4Node)).picture);
			}
			const bytes = pictures.get(hash);
			if (!bytes) throw new PermanentError("not-found", phrases.fileGone);
			return { body: Readable.from([bytes], { objectMode: false }), size: bytes.length };
		},
	};
}
export type Faces = ReturnType<typeof createFaces>;
