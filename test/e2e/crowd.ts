import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { MatrixClient } from "../testbed/matrix-client.ts";
import type { Line, LiveLine, MucClient } from "../testbed/muc-client.ts";
import { sayUntilTaken } from "./lines.ts";

/** A time in which the bridge or one of its servers was away, in ms since 1970. */
type Outage = { from: number; until: number };
/** The longest time, in milliseconds, that an outage may keep a client out. */
const outWithin = 90_000;
/** Milliseconds for which a person waits for the answer to a line before the next one. */
const answerWithin = 10_000;
/** Milliseconds before an outage in which a written line may have been in flight. */
const underWay = 3_000;

/** The people of one hosted room. `pace`: milliseconds between two lines of a person. */
export type Crowd = Readonly<{
	room: string;
	matrix: readonly MatrixClient[];
	/** The clients of Matrix whose order is that of the archive: those of our homeserver. Default: all. */
	watching?: readonly MatrixClient[];
	xmpp: readonly MucClient[];
	/** Lines of each person. */
	lines: number;
	pace: number;
}>;

/** Has everybody write their lines while `happens` runs. Resolves with the outages when all lines are written. */
export async function talk(
	{ room, matrix, xmpp, lines, pace }: Crowd,
	happens: (outage: (work: () => Promise<unknown>) => Promise<void>) => Promise<void>,
): Promise<readonly Outage[]> {
	const outages: Outage[] = [];
	const outage = async (work: () => Promise<unknown>) => {
		const mine = { from: Date.now(), until: Number.POSITIVE_INFINITY };
		outages.push(mine);
		await work();
		mine.until = Date.now();
	};
	const numbers = Array.from({ length: lines }, (_, n) => n);
	const fromMatrix = matrix.map(async (client, who) => {
		await sleep((pace * who) / matrix.length);
		for (const n of numbers) {
			await sayUntilTaken(client, room, `matrix ${who} line ${n}`);
			await sleep(pace);
		}
	});
	const fromXmpp = xmpp.map(async (client, who) => {
		await sleep((pace * who) / xmpp.length);
		for (const n of numbers) {
			// A person reads that a line was refused, and writes it again.
			for (let again = 0; ; again++) {
				const line = `xmpp ${who} line ${n}${again ? `, again ${again}` : ""}`;
				for (const end = Date.now() + outWithin; !(await client.say(line)); await sleep(50))
					if (Date.now() > end) throw new Error(`${client.nick} does not come into the room`);
				if ((await client.answered(line, answerWithin)) !== "refused") break;
				await sleep(200);
			}
			await sleep(pace);
		}
	});
	const written = Promise.all([...fromMatrix, ...fromXmpp]);
	await Promise.all([written, happens(outage)]);
	return outages;
}

const wasAway = (outages: readonly Outage[], at: number) =>
	outages.some(({ from, until }) => at > from - underWay && at < until);

/** Waits until all are in the room, no client gets a further line for a while, and no line waits for its answer. */
async function rest({ xmpp, matrix }: Crowd, outages: readonly Outage[]): Promise<void> {
	const count = () => [
		...xmpp.map(({ known }) => known.size),
		...matrix.map(({ inbox }) => inbox.items.length),
	];
	// A line in flight at a kill gets no answer.
	const waits = ({ state, at }: { state: string; at: number }) => state === "sent" && !wasAway(outages, at);
	const end = Date.now() + 90_000;
	for (let before = "", still = 0; still < 10 && Date.now() < end; await sleep(200)) {
		const now = JSON.stringify(count());
		const open = xmpp.some(({ isIn, own }) => !isIn || [...own.values()].some(waits));
		still = now === before && !open ? still + 1 : 0;
		before = now;
	}
	expect(xmpp.filter(({ isIn }) => !isIn).map(({ nick }) => nick)).toEqual([]);
}

const isOf = (name: string) => (line: Line) => line.body.startsWith(`${name} `);
/** Returns the lines that stand behind a line which the archive has later, or that the archive has not at all. */
function disorder(lines: readonly LiveLine[], places: ReadonlyMap<string, number>): string[] {
	let last = -1;
	return lines.flatMap(({ id, body, stay, at }, index) => {
		const place = places.get(id);
		if (place !== undefined && place > last) {
			last = place;
			return [];
		}
		const before = lines[index - 1];
		return [
			`${body} (${id}): place ${place} after ${last}, stay ${stay} after ${before?.stay}, at ${at} after ${before?.at}`,
		];
	});
}

/**
 * Compares all lines on every client with each other and with the archive: each line once, by its id, in one order for all,
 * and no line of a sender lost without an error.
 */
export async function compare(crowd: Crowd, outages: readonly Outage[]): Promise<void> {
	await rest(crowd, outages);
	const { xmpp, matrix, room, lines } = crowd;
	const [first] = xmpp;
	const archive = (await first?.archive()) ?? [];
	const places = new Map(archive.map(({ id }, place) => [id, place]));
	const said = archive.filter((line) => isOf("matrix")(line) || isOf("xmpp")(line));
	expect(places.size, "ids in the archive").toBe(archive.length);
	const bodies = said.map(({ body }) => body);
	const twice = bodies.filter((body, place) => bodies.indexOf(body) !== place);
	expect(twice, "lines twice in the archive").toEqual([]);

	const byMatrix = matrix.flatMap((_, who) =>
		Array.from({ length: lines }, (_, n) => `matrix ${who} line ${n}`),
	);
	const there = new Set(bodies);
	expect(
		byMatrix.filter((body) => !there.has(body)),
		"lines of Matrix that are lost",
	).toEqual([]);

	const own = xmpp.flatMap((client) => [...client.own].map(([body, line]) => ({ body, ...line })));
	const refused = own.filter(({ state }) => state === "refused");
	const silent = own.filter(
		({ body, state, at }) => state !== "refused" && !there.has(body) && !wasAway(outages, at),
	);
	expect(
		silent.map(({ body }) => body),
		"lines of XMPP that are lost without an error",
	).toEqual([]);
	const denied = refused.filter(({ body }) => there.has(body));
	expect(
		denied.map(({ body }) => body),
		"lines that are there although their sender got an error",
	).toEqual([]);
	const reflected = own.filter(({ state }) => state === "reflected");
	expect(
		reflected.filter(({ body }) => !there.has(body)),
		"reflected lines that are lost",
	).toEqual([]);

	for (const client of xmpp) {
		const { nick, known, live } = client;
		expect(await client.archive(), `the archive as ${nick} sees it`).toEqual(archive);
		const missing = archive.filter(({ id }) => !known.has(id)).map(({ body }) => body);
		expect(missing, `lines that ${nick} does not have`).toEqual([]);
		expect(disorder(live, places), `lines of ${nick} out of order`).toEqual([]);
	}
	for (const { userId, inbox } of crowd.watching ?? matrix) {
		const heard = inbox.items.flatMap(
			({ from, room_id, type, event_id = "", content, origin_server_ts = 0 }) =>
				from === "timeline" && room_id === room && type === "m.room.message"
					? [{ id: event_id, body: String(content.body), at: origin_server_ts }]
					: [],
		);
		const spoken = heard.filter((line) => isOf("matrix")(line) || isOf("xmpp")(line));
		const ids = spoken.map(({ id }) => id);
		expect(ids.toSorted(), `lines of ${userId}`).toEqual(said.map(({ id }) => id).toSorted());
		// Synapse loses in a kill what it was about to hand over, and the bridge reads that behind the next events.
		const late = new Set(spoken.filter(({ at }) => wasAway(outages, at)).map(({ id }) => id));
		expect(
			ids.filter((id) => !late.has(id)),
			`order of ${userId}`,
		).toEqual(said.flatMap(({ id }) => (late.has(id) ? [] : [id])));
	}
	const count = (state: string) => own.filter((line) => line.state === state).length;
	const gone = own.filter(({ body, state }) => state === "sent" && !there.has(body));
	const ofOutages = outages.map(
		({ from, until }) => gone.filter(({ at }) => at > from - underWay && at < until).length,
	);
	console.log(`lost in flight, by outage: ${ofOutages.join(" ")}`);
	console.log(
		`${byMatrix.length} lines of Matrix; ${own.length} of XMPP, of these ${own.filter(({ body }) => there.has(body)).length} there, ${count("refused")} refused, ${count("sent")} without an answer; put out ${xmpp.map(({ outs }) => outs).join(" ")}`,
	);
}
