import { type CheckResult, fails, lacks, works } from "../core/check-result.ts";
import { TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import * as phrases from "./phrases.ts";
import { StanzaError } from "./stanza-error.ts";
import { type Component, largestStanza } from "./stream/component.ts";
import { child, xml } from "./stream/xml.ts";
import * as to from "./to-xmpp.ts";
import { createUploads } from "./uploads.ts";

/** The settings that the bridge needs from the XMPP server besides the component itself, each with its cure. */

type Link = Pick<Component, "iq">;
const itemsNs = "http://jabber.org/protocol/disco#items";
const infoNs = "http://jabber.org/protocol/disco#info";
/** Services of the server that are asked what they are. */
const servicesAsked = 20;
/** In ms. */
const patience = 5_000;

/** Resolves with a line for the MUC service of our own server, if the server names one; it is asked as rooms are. */
export async function checkRooms(link: Link, component: string): Promise<readonly CheckResult[]> {
	const what = "rooms";
	const server = component.slice(component.indexOf(".") + 1);
	const items = await link
		.iq(xml("iq", { type: "get", from: component, to: server }, xml("query", { xmlns: itemsNs })), patience)
		.catch(() => undefined);
	// The component's parent domain need not be an XMPP server.
	const listed = items && child(items, "query", itemsNs)?.getChildren("item");
	const services = [...new Set((listed ?? []).map(({ attrs }) => attrs.jid ?? ""))];
	for (const jid of services.slice(0, servicesAsked)) {
		if (jid === "" || jid === component) continue;
		try {
			const query = child(await link.iq(to.discoInfo(component, jid), patience), "query", infoNs);
			const identities = query?.getChildren("identity") ?? [];
			const isMuc = identities.some(({ attrs }) => attrs.category === "conference" && attrs.type === "text");
			if (isMuc) return [works(what, jid)];
		} catch (error) {
			if (!(error instanceof StanzaError)) return [fails(what, phrases.serviceSilent(jid))];
		}
	}
	return [];
}

/** Resolves with how people on XMPP get files, if the bridge has no public address for them. */
export async function checkFiles(link: Link, component: string, log: Log): Promise<CheckResult> {
	const what = "files";
	const open = () => Promise.reject(new TemporaryError("nothing is sent"));
	const uploads = createUploads({ link, component, open, log });
	await uploads.look();
	return uploads.largest() === undefined
		? lacks(what, phrases.filesByNameOnly(component))
		: works(what, phrases.filesUploaded);
}

/**
 * Sends ourselves the largest stanza that the bridge writes. A smaller limit of the server ends the stream, so
 * `check` does not ask this of a running bridge.
 */
export async function checkStanzaSize(
	link: Link,
	component: string,
	ended: Promise<unknown>,
): Promise<CheckResult> {
	const what = "stanza size";
	const filling = xml("filling", { xmlns: "urn:trivium:size" }, "x".repeat(largestStanza - 1_024));
	const request = xml("iq", { type: "get", from: `${component}/size`, to: `${component}/size` }, filling);
	const answered = link.iq(request, patience).then(
		() => "there" as const,
		(error: unknown) => (error instanceof StanzaError ? ("there" as const) : ("late" as const)),
	);
	const answer = await Promise.race([ended.then(() => "ended" as const), answered]);
	if (answer === "there") return works(what);
	return fails(
		what,
		answer === "ended" ? phrases.stanzaLimit(largestStanza) : phrases.linkSlow(largestStanza),
	);
}
