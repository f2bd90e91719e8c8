import { setTimeout as sleep } from "node:timers/promises";
import { child, type Element, text } from "../src/xmpp/stream/xml.ts";
import { rest, until } from "./flow.ts";
import { ledger } from "./ledger.ts";
import type { Scene } from "./scenes.ts";
import { openRoom, type World, world } from "./world.ts";

/** The rooms of Matrix that people of XMPP join as MUCs. */

const mucUser = "http://jabber.org/protocol/muc#user";
const isOwn = (stanza: Element): boolean =>
	stanza.name === "presence" &&
	(child(stanza, "x", mucUser)?.getChildren("status") ?? []).some(({ attrs }) => attrs.code === "110");

/**
 * Joins a room as a client of `jid`. Resolves with the stanzas that the client
 * has got when the subject comes, which ends a join.
 */
async function join({ xmpp }: World, address: string, jid: string, take: (stanza: Element) => void) {
	const found = { presences: 0, ownAt: 0, subjectAt: 0 };
	const ended = new Promise<void>((resolve, reject) => {
		xmpp.clients.set(jid, (stanza) => {
			if (stanza.attrs.type === "error") reject(new Error(`a join was refused: ${stanza}`));
			take(stanza);
			if (stanza.name === "presence" && found.subjectAt === 0) found.presences++;
			if (isOwn(stanza)) found.ownAt ||= performance.now();
			if (text(stanza, "body") !== undefined || !child(stanza, "subject")) return;
			found.subjectAt ||= performance.now();
			resolve();
		});
	});
	xmpp.raw(
		`<presence from='${jid}' to='${address}/${jid.split("@")[0]}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
	);
	await ended;
	return found;
}

/** Measures the join of a room of so many members, then lines of those who were not shown. */
export function largeRoom(members: number): Scene["run"] {
	return async (which, { profile }) => {
		const scene = await world({ members }, () => undefined);
		const subject = await scene.start(which, profile);
		const { hs, xmpp, crowd } = scene;
		try {
			await until("the link", xmpp.connected);
			if (!crowd) throw new Error("no room of members");
			await sleep(rest);
			const [cpu, rss] = [subject.cpu(), subject.rss()];
			const shown = new Set<string>();
			let [stanzas, nameless] = [0, 0];
			const took = await join(scene, crowd.address, "romeo@people.test/phone", ({ name, attrs }) => {
				stanzas++;
				if (name === "presence") shown.add(attrs.from ?? "");
				else if (attrs.from?.includes("/") && !shown.has(attrs.from)) nameless++;
			});
			const joinCpu = subject.cpu() - cpu;
			await sleep(1_000);
			const { requests } = hs.state;
			const grown = subject.rss() - rss;
			const hidden = crowd.people.slice(-100);
			const before = stanzas;
			for (const one of hidden) hs.say(crowd.room.id, one, "a first line");
			await until("the lines", () => stanzas >= before + 2 * hidden.length);
			await sleep(500);
			return {
				"own presence after the join on Matrix, ms": took.ownAt - hs.state.joinedAt,
				"subject after the join on Matrix, ms": took.subjectAt - hs.state.joinedAt,
				"presences until then": took.presences,
				"homeserver requests in all": requests,
				"CPU, ms": joinCpu,
				"RSS, MiB more": grown,
				"stanzas for each first line of a hidden member": (stanzas - before) / hidden.length,
				"lines without a presence before": nameless,
			};
		} finally {
			await subject.stop();
			await scene.close();
		}
	};
}

/** Measures a line to so many occupants on ten servers: the cost of each copy beyond the first. */
export function broadcast(occupants: number): Scene["run"] {
	return async (which, { quick, profile }) => {
		let book = ledger();
		const scene = await world({ members: 1 }, () => undefined);
		const subject = await scene.start(which, profile);
		const { hs, xmpp, crowd } = scene;
		const lines = quick ? 500 : 2_000;
		let copies = 0;
		const enter = (n: number) =>
			join(scene, crowd?.address ?? "", `romeo${n}@people${n % 10}.test/phone`, (stanza) => {
				const body = text(stanza, "body");
				if (body === undefined) return;
				copies++;
				// One client keeps the book.
				if (n === 0) book.heard(body);
			});
		/** Resolves with the processor time of the lines, in ms. */
		async function speak(clients: number): Promise<number> {
			book = ledger();
			copies = 0;
			const before = subject.cpu();
			for (let n = 0; n < lines; n++) hs.say(crowd?.room.id ?? "", crowd?.people[0] ?? "", book.say(0));
			await until("all copies", () => copies >= lines * clients, 60_000);
			await sleep(500);
			return subject.cpu() - before;
		}
		try {
			await until("the link", xmpp.connected);
			await sleep(rest);
			await enter(0);
			await speak(1);
			const one = await speak(1);
			for (let n = 1; n < occupants; n++) await enter(n);
			await speak(occupants);
			const all = await speak(occupants);
			const { lost, twice, inversions } = book.tally();
			return {
				"CPU of a line to 1 occupant, µs": (one * 1_000) / lines,
				[`CPU of a line to ${occupants} occupants, µs`]: (all * 1_000) / lines,
				"CPU of each further copy, µs": ((all - one) * 1_000) / lines / (occupants - 1),
				"lost, twice or out of order": lost + twice + inversions,
			};
		} finally {
			await subject.stop();
			await scene.close();
		}
	};
}

/** Measures hosted rooms with so many occupants each, in which nothing happens. */
export function hostedIdle(rooms: number, occupants: number): Scene["run"] {
	return async (which, { quick, profile }) => {
		const scene = await world({}, () => undefined);
		const subject = await scene.start(which, profile);
		const { hs, xmpp } = scene;
		const all = Array.from({ length: rooms }, (_, n) => openRoom(hs, `room${n}x`, 1));
		const enter = async (seat: number) => {
			for (let n = 0; n < rooms; n += 20)
				await Promise.all(
					all
						.slice(n, n + 20)
						.map(({ address }, at) =>
							join(
								scene,
								address,
								`romeo${n + at}x${seat}@people${(n + at) % 20}.test/phone`,
								() => undefined,
							),
						),
				);
		};
		const quiet = async () => {
			await sleep(rest);
			return subject.rss();
		};
		try {
			await until("the link", xmpp.connected);
			await sleep(rest);
			const empty = await quiet();
			await enter(0);
			const one = await quiet();
			for (let seat = 1; seat < occupants; seat++) await enter(seat);
			const full = await quiet();
			await sleep(rest);
			const ms = quick ? 20_000 : 60_000;
			const [cpu, heard, requests] = [subject.cpu(), xmpp.state.heard, hs.state.requests];
			await sleep(ms);
			return {
				"CPU, % of a core": ((subject.cpu() - cpu) * 100) / ms,
				"stanzas written, /min": ((xmpp.state.heard - heard) * 60_000) / ms,
				"homeserver requests, /min": ((hs.state.requests - requests) * 60_000) / ms,
				"memory of a room with one occupant, KiB": ((one - empty) * 1_024) / rooms,
				"memory of a further occupant, KiB": ((full - one) * 1_024) / (rooms * (occupants - 1)),
				"RSS, MiB": full,
			};
		} finally {
			await subject.stop();
			await scene.close();
		}
	};
}
