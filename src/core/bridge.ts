import { randomBytes } from "node:crypto";
import { createAllCommands } from "./all-commands.ts";
import { createAllowance } from "./allowance.ts";
import { createArchive } from "./archive.ts";
import { parts } from "./batch.ts";
import { createBlocks } from "./blocks.ts";
import type { Command } from "./command.ts";
import { greetedKey } from "./dedupe.ts";
import { createDelivery } from "./deliver.ts";
import { createEndedLinks } from "./ended-links.ts";
import { PermanentError } from "./errors.ts";
import { createGuard, type Guard } from "./guard.ts";
import { createHeld } from "./held.ts";
import type { Seen } from "./hosting.ts";
import type { Copy, NetworkName } from "./ids.ts";
import { createInFlight } from "./in-flight.ts";
import type { Entry, Journal, Lane, NewRow, Row } from "./journal.ts";
import { createLanes } from "./lanes.ts";
import type { Log } from "./log.ts";
import type { Mapping, Portal } from "./mapping.ts";
import { type Meter, noMeter } from "./meter.ts";
import { createMovedRooms } from "./moved-rooms.ts";
import { withName, withNames } from "./names.ts";
import type { Bridge, Network, Received } from "./network.ts";
import { createOnlookers } from "./onlookers.ts";
import { createOutageLog } from "./outages.ts";
import { createPeople } from "./people.ts";
import { atLeast } from "./permissions.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import { createPolicies } from "./policies.ts";
import { createPortals, type Portals } from "./portals.ts";
import { createReflection } from "./reflection.ts";
import { createRepeats } from "./repeats.ts";
import { createRoomCapabilities } from "./room-capabilities.ts";
import { createRoomInvites } from "./room-invites.ts";
import { createRoomLooks } from "./room-looks.ts";
import { createRoomMaking } from "./room-making.ts";
import { createRouter, type Rules } from "./route.ts";
import { createSenderNotices } from "./sender-notices.ts";
import { createSignals } from "./signals.ts";
import { createSuperseded } from "./superseded.ts";
import { createSync } from "./sync.ts";
import { createViewBound } from "./view-bound.ts";
import { createViews } from "./views.ts";

/** Interval in ms at which the log of outages looks at the sides, and the lanes look for rows that have expired. */
const lookEvery = 1_000;

export type Running = Bridge &
	Readonly<{
		/** Starts the networks, the portals and the lanes, which deliver the rows of earlier runs. The stores must be open. */
		start(): Promise<void>;
		/** Makes the mirrors of the config, after `start`. */
		mirror: Portals["mirror"];
		/** Returns the number of rows in doubt: sent and not confirmed. */
		inDoubt(): number;
		/** Stops taking events in, and drains the lanes for at most `ms`. Rows that are left stay on disk for the next start. */
		stop(ms: number): Promise<void>;
	}>;

/** Creates the core: it takes events in, writes them to the journal and delivers them in order. It knows no network by name. */
export function createBridge(deps: {
	networks: readonly Network[];
	mapping: Mapping;
	journal: Journal;
	rules: Rules;
	log: Log;
	/** Called with each message that a redaction deletes. */
	redacted?: (message: Copy) => Promise<void>;
	/** Commands that belong neither to a network nor to core. */
	commands?: readonly Command[];
	meter?: Meter;
	/** Notes the item that is being handled, so that an item that ends the process is set aside at the next start. */
	guard?: Guard;
	/** The version of the bridge, which people can ask for. */
	version?: string;
	/** How many rows one lane may hold. */
	laneRows?: number;
	/** How many rooms may be shown in full. */
	mostViews?: number;
}): Running {
	const { networks, mapping, journal, log } = deps;
	const blocks = createBlocks(mapping, deps.rules.level);
	const rules: Rules = { ...deps.rules, level: blocks.level };
	const allowed = (person: Person) => atLeast(rules.level(person), "use");
	const byName = new Map(networks.map((one) => [one.name, one]));
	const network = (name: NetworkName): Network => {
		const found = byName.get(name);
		if (!found)
			throw new PermanentError("not-found", phrases.unknownNetwork(name, [...byName.keys()].join(", ")));
		return found;
	};
	const waiting = (name: NetworkName): number => lanes.depth((lane) => target(lane)?.name === name);
	const outages = createOutageLog({ networks, waiting, log });
	const meter = outages.counting(deps.meter ?? noMeter);
	const portals = createPortals({ mapping, journal, network, allowed, log });
	const sendNotice = createSenderNotices({ network, log });
	const guard = deps.guard ?? createGuard(log);
	const allowance = createAllowance(rules.limits);
	const held = createHeld({ journal, allowance, deliver: released, guard, log, meter });
	const policies = createPolicies({
		...{ mapping, journal, network, log },
		receive: (events) => receive(events),
	});
	const route = createRouter({
		...deps,
		rules,
		policies,
		portals,
		network,
		sendNotice,
		allowance,
		held,
	});
	const inFlight = createInFlight();
	const sender = createDelivery({
		inFlight,
		reactions: rules.reactions,
		mapping,
		journal,
		portals,
		network,
		log,
		meter,
		sendNotice,
		guard,
	});
	/** Returns the target network of a lane. */
	const target = ({ link }: Lane) => byName.get(portals.networkOf(link) as NetworkName);
	function window(lane: Lane): number {
		const { window: most = 1, chatWindow = most } = target(lane) ?? {};
		return portals.isChat(lane.link) ? chatWindow : most;
	}
	const superseded = createSuperseded();
	const away = (lane: Lane) => outages.isAway(target(lane)?.name);
	const lanes = createLanes(journal, { ...sender, window, away }, log, deps.laneRows);

	/**
	 * Queues the rows in their lanes. A full lane refuses new rows at once with a sender notice and keeps its older ones.
	 * Resolves when the refusals are on disk and each notice was tried once; until then the source server has to wait:
	 * the back-pressure on a flood.
	 */
	async function deliverAll(rows: readonly Row[]): Promise<void> {
		const needless = superseded.by(rows).filter(lanes.mayWait);
		const tooMany = lanes.push(rows);
		await Promise.all([
			...tooMany.map((row) => sender.fail(row, new PermanentError("busy", phrases.laneFull))),
			...needless.map(async (row) => {
				// False: the row has been attempted.
				if (!(await journal.expire(row))) return;
				lanes.drop(row);
				meter.merged(row.from);
			}),
		]);
	}

	/** Queues the rows that a rate limit held back, but for those of people who have been blocked since. */
	async function released(rows: readonly Row[]): Promise<void> {
		const isLeave = ({ event }: Row) => event.kind === "membership" && event.change === "leave";
		// A person who was blocked meanwhile is no longer shown, so their leave goes out.
		const blocked = rows.filter((row) => route.isBlocked(row.event) && !isLeave(row));
		await deliverAll(rows.filter((row) => !blocked.includes(row)));
		for (const row of blocked) await sender.fail(row, new PermanentError("forbidden", phrases.blocked));
	}

	/** Writes the entries and queues their rows. `last`: no later part of the batch can cancel a row of this one. */
	async function accept(entries: readonly Entry[], last: boolean): Promise<void> {
		const begins = last ? lanes.begins() : () => false;
		const begun = (row: NewRow) => (!row.held && begins(row.lane) ? { ...row, begun: true } : row);
		let rows: readonly Row[];
		try {
			rows = await journal.accept(entries.map((entry) => ({ ...entry, rows: entry.rows.map(begun) })));
		} catch (error) {
			held.settled(entries, new Set());
			throw error;
		}
		const fresh = new Set(rows.map(({ operation }) => operation));
		held.settled(entries, fresh);
		for (const { rows: wanted, into } of entries) {
			const [row] = wanted;
			const again = row && into === undefined && !fresh.has(row.operation);
			if (row) meter.received(row.event.sender.network, row.event.kind, again === true);
		}
		await deliverAll(rows.filter((row) => !row.held)).catch((error: unknown) =>
			log.error({ err: error }, "the rows that a full lane refused could not be settled"),
		);
	}

	let looking: NodeJS.Timeout | undefined;
	function look(): Promise<void> {
		outages.look();
		return lanes.expire();
	}
	let turn: Promise<unknown> = Promise.resolve();

	/** Runs one call at a time, so that the order of calls is the order in the journal. */
	async function inTurn(work: () => Promise<{ saved: Promise<void> }>): Promise<void> {
		const mine = turn.then(work);
		turn = mine.catch(() => undefined);
		// The next call does not wait for this commit, so that both may share one.
		await (await mine).saved;
	}

	const receive = (events: readonly Received[]): Promise<void> =>
		inTurn(async () => {
			const saved: Promise<void>[] = [];
			const batch = parts(events.map(withNames));
			try {
				for (const [index, part] of batch.entries()) {
					const entries = await route.entries(part);
					if (entries.length > 0) saved.push(accept(entries, index === batch.length - 1));
				}
			} catch (error) {
				// The source repeats the batch, and the journal knows the accepted parts of it by their keys.
				await Promise.allSettled(saved);
				throw error;
			}
			return { saved: Promise.all(saved).then(() => undefined) };
		});

	const saveCursor: Bridge["saveCursor"] = ({ key, value }) =>
		inTurn(async () => ({ saved: journal.saveCursor(key, value) }));

	const makeSpace = createViewBound({ mapping, network, portals, log, most: deps.mostViews });
	const views = createViews({
		network,
		journal,
		portals,
		rules,
		allowed,
		bans: policies.bans,
		mayOpen: route.mayOpen,
		making: createRoomMaking({ rules, allowed }),
		makeSpace,
	});
	const repeats = createRepeats(journal.places);
	const reflect = createReflection({ mapping, journal, repeats, network, guard, isShown: views.isShown });
	/** Resolves when the files of the messages that people of other networks deleted in a source are given out no more. */
	async function forgetFiles(of: NetworkName, timeline: readonly Seen[]): Promise<void> {
		for (const { room, sender, what } of timeline)
			if (what.kind === "said" && what.event.kind === "redaction" && sender.network !== of)
				await deps.redacted?.({ network: of, room, id: what.event.target.id });
	}
	async function seen(of: NetworkName, timeline: readonly Seen[]): Promise<void> {
		const turn = inTurn(() => reflect(of, timeline));
		await forgetFiles(of, timeline);
		return turn;
	}
	const archive = createArchive({ places: journal.places, source: views.source });

	const sync = createSync({ journal, allowed, receive });
	const moves = createMovedRooms({ portals, network, journal, sync, receive, guard, log });
	const signals = createSignals({ mapping, portals, journal, inFlight, network, allowed, guard, log });

	const abilities = createRoomCapabilities({ mapping, network, reactions: rules.reactions, guard, log });

	const bridge: Running = {
		receive,
		capabilities: abilities.of,
		...{ changed: abilities.changed, isPublic: abilities.isPublic },
		signal: signals.take,
		...createPeople({
			...{ network, mapping, journal, mayReach: route.mayReach },
			byName: (name) => byName.get(name),
		}),
		cursor: (key) => journal.cursor(key),
		cursors: (prefix) => journal.cursors(prefix),
		saveCursor,
		command: (call) => commands.run(call),
		sync,
		portal: portals.only,
		...createRoomInvites({ network, portals, mayOpen: route.mayOpen, mayReach: route.mayReach }),
		async openDirect(one, other, room) {
			const [ours, theirs] = [withName(one), withName(other)];
			const known = await mapping.portalBetween(ours, theirs);
			if (!known) route.mayOpen(ours, theirs);
			const portal = await portals.openDirect(ours, theirs, room);
			try {
				await portals.attach(await withOther(portal));
			} catch (error) {
				// A chat that a network refuses is no chat: left behind, it would be tried again at each start.
				if (!known && error instanceof PermanentError) await portals.drop(portal);
				throw error;
			}
			return known?.links.find((link) => link.network === ours.network && link.room !== room)?.room;
		},
		commandsFor: (person) => commands.usable(person),
		async greeting(to, { network: of, room, prefix }) {
			// A flood of strangers that ask for the greeting must not fill the disk.
			if ((await route.hear(to, () => journal.once(greetedKey(of, room)))) !== "new") return undefined;
			return commands.greeting(withName(to), { prefix });
		},
		resume(name) {
			// The side is back: the log says so before the first delivery.
			outages.look();
			lanes.resume((lane) => target(lane)?.name === name);
		},
		close: portals.close,
		policyChanged: policies.changed,
		...createRoomLooks({ portal: portals.only, network }),
		ended: createEndedLinks({ portals, network, sync, log }),
		moved: moves.moved,
		async open({ network: of, ref }, range) {
			const { open } = network(of);
			if (!open) throw new PermanentError("not-found", phrases.fileGone);
			return open(ref, range);
		},
		partly: (event, { reason, message }, target) =>
			sendNotice(event, new PermanentError(reason, message, { partly: true }), target),
		mayOpen: (person) => route.mayOpen(person),
		mayReach: route.mayReach,
		sees: createOnlookers({ mapping, network }),
		allows: (person, level) => atLeast(rules.level(person), level),
		secret: (name) => mapping.once(`secret ${name}`, () => randomBytes(32).toString("base64url")),
		seen,
		beginArchive: (of, room) => inTurn(async () => ({ saved: journal.places.forget(of, room) })),
		views: {
			...{ look: views.look, open: views.open, source: views.source, invited: views.invited },
			...{ makesRooms: views.makesRooms, mayMake: views.mayMake, close: views.close },
			...archive,
		},
		mirror: portals.mirror,
		ownRoom: portals.ownRoom,
		inDoubt: lanes.inDoubt,
		async hasMessage(of, room, id) {
			if ((await journal.copies({ network: of, room, id })).length > 0) return true;
			return (await network(of).hasMessage?.(room, id)) ?? false;
		},
		async start() {
			looking = setInterval(() => void guard.run("timer of the lanes and outages", look), lookEvery).unref();
			await blocks.start();
			await repeats.start(await mapping.portals());
			// Events that come in meanwhile wait for it, so that none overtakes those that an earlier run held back.
			const loaded = inTurn(async () => {
				await held.load();
				return { saved: Promise.resolve() };
			});
			loaded.catch(() => undefined);
			for (const one of networks) await one.start(bridge);
			await loaded;
			await portals.start();
			await moves.start();
			void guard.run("start of the policy lists", policies.start);
			await lanes.start();
			held.start();
			outages.look();
		},
		async stop(ms) {
			clearInterval(looking);
			signals.stop();
			await Promise.allSettled(networks.map((one) => one.pause()));
			await held.stop();
			await lanes.stop(ms);
			for (const one of networks.toReversed())
				await one
					.stop()
					.catch((error: unknown) =>
						log.warn({ err: error, network: one.name }, "a network did not stop in order"),
					);
		},
	};

	/** Makes the second room of a new 1:1 chat at once, so that the other person sees the chat before its first message. */
	async function withOther(portal: Portal): Promise<Portal> {
		const link = portal.links.find((one) => !one.room);
		const [one, other] = portal.between ?? [];
		if (!link || !one || !other) return portal;
		const [ours, theirs] = one.network === link.network ? [one, other] : [other, one];
		return portals.roomMade(portal, link, await portals.directRoom(ours, theirs));
	}

	const { version = "?" } = deps;
	const commands = createAllCommands({
		...{
			networks,
			network,
			mapping,
			journal,
			portals,
			bridge,
			blocks,
			policies,
			allowed,
			rules,
			version,
			log,
		},
		byName: (name) => byName.get(name as NetworkName),
		config: deps.rules.level,
		further: deps.commands ?? [],
		hear: route.hear,
		mayOpen: route.mayOpen,
		held: held.count,
		deliverAll,
	});
	return bridge;
}
