import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../../../core/backoff.ts";
import { TemporaryError } from "../../../core/errors.ts";
import type { RoomSettings } from "../../../core/hosting.ts";
import { viewOf } from "../addresses.ts";
import type { HostedContext } from "../context.ts";
import type { Goal } from "../join/find-room.ts";
import type { OwnSettings } from "../owner/own-settings.ts";
import type { LockedRoom } from "./locked-rooms.ts";

/** A room whose form was submitted. */
export type Wanted = Pick<LockedRoom, "address" | "alias" | "person" | "seed"> &
	Readonly<{ settings: RoomSettings; own: OwnSettings }>;

const prefix = "xmpp making ";

/**
 * Makes the source room of a form, and gives it its address. The form is on disk until that is done, since a kill of the bridge
 * in between would leave the room without its plain address. @throws PermanentError, TemporaryError
 */
export async function make(wanted: Wanted, context: HostedContext): Promise<Goal> {
	const { saveCursor } = context.bridge();
	const key = prefix + wanted.address;
	await saveCursor({ key, value: JSON.stringify(wanted) });
	try {
		return await makeNow(wanted, context);
	} finally {
		await saveCursor({ key, value: undefined });
	}
}

async function makeNow(
	{ address, alias, person, seed, settings, own }: Wanted,
	context: HostedContext,
): Promise<Goal> {
	const { views } = context.bridge();
	const facts = await views.source(context.of).create(alias, person, settings, seed);
	const view = viewOf(facts.id, context.component);
	await context.aliases.note(address, facts.id);
	await context.settings.save(view, own);
	await views.open(context.of, facts.room, view, person);
	return { view, source: facts.room, facts };
}

/** Makes the rooms that an earlier run was making. Resolves when each has begun; joins at their addresses wait for them. */
export async function makeRest(context: HostedContext): Promise<void> {
	for (const { key, value } of await context.bridge().cursors(prefix)) {
		const wanted = JSON.parse(value) as Wanted;
		const { promise: first, resolve } = Promise.withResolvers<void>();
		context.making.set(wanted.address, first);
		void context.guard.run("room that an earlier run was making", async () => {
			try {
				await makeInTime(wanted, resolve, context);
			} finally {
				context.making.delete(wanted.address);
				resolve();
				await context.bridge().saveCursor({ key, value: undefined });
			}
		});
	}
}

/** Makes a room as soon as the source answers. `tried` is called after each attempt that it does not answer. */
async function makeInTime(wanted: Wanted, tried: () => void, context: HostedContext): Promise<void> {
	for (let failures = 0; ; failures++)
		try {
			await makeNow(wanted, context);
			return;
		} catch (error) {
			if (!(error instanceof TemporaryError)) throw error;
			tried();
			await wait(backoff(failures, { first: 1_000, most: 60_000 }), undefined, { ref: false });
		}
}
