import { createHmac } from "node:crypto";
import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { personKey } from "../../core/hosting.ts";
import { createRateLimit } from "../../core/limits.ts";
import type { Shown } from "../../core/signal.ts";
import { createActs } from "./administration/acts.ts";
import { createRecords } from "./administration/record.ts";
import { createAliases } from "./aliases.ts";
import type { History } from "./archive/history.ts";
import { createBroadcast } from "./broadcast.ts";
import { takeRecord } from "./configuration.ts";
import type { HostedContext } from "./context.ts";
import { createLockedRooms } from "./creation/locked-rooms.ts";
import { dropSession } from "./leaving.ts";
import { createPendingLines } from "./lines/pending.ts";
import { createMemberships } from "./memberships.ts";
import { endRoom, endTemporaryRoom } from "./owner/destroy.ts";
import { createSettingsStore } from "./owner/own-settings.ts";
import { createReturns } from "./returns.ts";
import { createRooms } from "./rooms.ts";
import { createSessionStore } from "./sessions.ts";
import type { World } from "./world.ts";

/** Returns the parts that hosted rooms share. `secret` is read at the start. */
export function createContext(world: World, secret: () => string, history: History): HostedContext {
	const { link, log, now, bridge, of } = world;
	const rooms = createRooms();
	const memberships = createMemberships({
		source: () => bridge().views.source(of),
		log,
		now: () => now().at,
	});
	const store = createSessionStore({ bridge, guard: world.guard });
	const mayAsk = createRateLimit(world.requests, () => now().at);
	const pending = createPendingLines(() => now().at);
	const context: HostedContext = {
		...world,
		availability: createBoundedMap<string, Shown>(20_000, {
			bytes: 8 * 1_048_576,
			of: (key, { status = "" }) => textBytes(key, status) + 100,
		}),
		aliases: createAliases({ bridge, component: world.component }),
		locked: createLockedRooms(store),
		making: new Map(),
		settings: createSettingsStore({ bridge }),
		emptied(room, by) {
			const { id: view, facts } = room;
			if (room.own.temporary && facts.made)
				void world.guard.run("end of a room", () => endRoom({ by, view, facts, room }, {}, context));
		},
		...{ rooms, memberships, pending, store, history },
		mayAsk: (kind, account) => mayAsk(`${kind} ${account}`),
		acts: createActs(() => now().at),
		records: createRecords({
			...{ bridge, log },
			changed(view, record) {
				const room = rooms.get(view);
				if (room) takeRecord(room, record, context);
			},
		}),
		pictures: {
			get: (ref) => world.faces.get({ network: of, ref }),
			soon: (ref) => world.faces.soon({ network: of, ref }),
		},
		returns: createReturns({
			...{ ...world, rooms, memberships, pending, store },
			stayedAway: (place, person) => endTemporaryRoom(place, person, context),
		}),
		out: createBroadcast({
			...{ link, log },
			lose(session) {
				const joined = rooms.joinedAs(session);
				if (joined) dropSession(joined, context);
			},
		}),
		occupantId: (room, person) =>
			createHmac("sha256", secret())
				.update(`${room.facts.seed ?? room.id}\0${personKey(person)}`)
				.digest("base64url"),
	};
	return context;
}
