import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Shown } from "../../core/signal.ts";
import { createConcurrencyLimit } from "../concurrency-limit.ts";
import { pairOf } from "../direct/pair.ts";
import type { Component } from "../stream/component.ts";
import type { Element } from "../stream/xml.ts";
import { offline, presenceOf } from "./stanzas.ts";

/** People whose presence is remembered, chats in which one is shown, and the bytes of each memory. */
const [most, mostBytes] = [20_000, 8 * 1_048_576];
/** Lookups on the other network at the same time. */
const lookupsAtOnce = 5;
/** After this time, in ms, a presence is looked up again: a signal may have got lost. */
export const staleAfter = 300_000;

/** Shows accounts the presence of the people whom they chat with, as far as it is known. */
export function createShownPresences(deps: {
	link: Pick<Component, "send">;
	resource: string;
	/** Returns the elements that an available presence of a ghost has. */
	payloads(pair: RoomId): readonly Element[];
	/** Resolves with the presence of the person of a ghost, as the person of an account sees it. Never rejects. */
	lookUp(pair: RoomId): Promise<Shown>;
	now(): number;
}) {
	const { link, resource, now } = deps;
	const known = createBoundedMap<string, Readonly<{ shown: Shown; at: number }>>(most, {
		bytes: mostBytes,
		of: (ghost, { shown }) => textBytes(ghost, shown.status) + 100,
	});
	/** The presence that each account got last, unless it is offline. */
	const sent = createBoundedMap<RoomId, Shown>(most, {
		bytes: mostBytes,
		of: (pair, { status }) => textBytes(pair, status) + 100,
	});
	const paced = createConcurrencyLimit(lookupsAtOnce);

	async function current(pair: RoomId): Promise<Shown> {
		const [, ghost] = pairOf(pair);
		const last = known.get(ghost);
		if (last && now() - last.at < staleAfter) return last.shown;
		const shown = await paced("", () => deps.lookUp(pair));
		known.set(ghost, { shown, at: now() });
		return shown;
	}

	/** Returns the presence for an account, or for one of its clients. */
	function stanza(pair: RoomId, shown: Shown, to: string): Element {
		const [account, ghost] = pairOf(pair);
		if (shown.show === "offline") sent.delete(pair);
		else if (to === account || !sent.has(pair)) sent.set(pair, shown);
		return presenceOf(`${ghost}/${resource}`, to, shown, deps.payloads(pair));
	}

	return {
		/** Notes the presence of the person of a ghost. */
		note: (ghost: string, shown: Shown): void => known.set(ghost, { shown, at: now() }),
		/** Resolves with the presence for `to`: an account, or one of its clients that asks. */
		answer: async (pair: RoomId, to: string): Promise<Element> => stanza(pair, await current(pair), to),
		/** Sends an account the presence, unless it has got the same. `anew`: also then. @throws TemporaryError */
		async show(pair: RoomId, anew = false): Promise<void> {
			const shown = await current(pair);
			const before = sent.get(pair) ?? offline;
			if (!anew && before.show === shown.show && before.status === shown.status) return;
			await link.send(stanza(pair, shown, pairOf(pair)[0]));
		},
		/** Forgets what an account was shown, which gets no more. Returns whether it was shown as there. */
		end(pair: RoomId): boolean {
			return sent.delete(pair);
		},
		isShown: (pair: RoomId): boolean => sent.has(pair),
	};
}
export type ShownPresences = ReturnType<typeof createShownPresences>;
