import { TemporaryError } from "../core/errors.ts";
import { type Client, createMatrixClient, hasCode, MatrixError } from "./client.ts";

/** The device of the bot's own session: the same at each start, so that there is only one. */
const device = "TRIVIUM";

export type OwnAliases = ReturnType<typeof createOwnAliases>;

/**
 * Gives rooms aliases outside our namespaces, as any person of the homeserver can. Synapse lets an application service do
 * this in a session of its own only. A namespace for all aliases would be the other way, and would bring us the events of all
 * rooms. // Matrix spec, "Client-Server API extensions", "m.login.application_service"
 */
export function createOwnAliases(deps: {
	client: Pick<Client, "call" | "setAlias" | "removeAlias">;
	homeserver: string;
	localpart: string;
}) {
	type Naming = Pick<Client, "setAlias" | "removeAlias"> & Partial<Pick<Client, "close">>;
	/** The session, once the homeserver has refused the application service. */
	let session: Promise<Naming> | undefined;

	async function login(): Promise<Naming> {
		const { access_token: token } = await deps.client.call<{ access_token: string }>(
			"POST",
			"/_matrix/client/v3/login",
			{
				body: {
					type: "m.login.application_service",
					identifier: { type: "m.id.user", user: deps.localpart },
					device_id: device,
					initial_device_display_name: "Trivium: addresses of rooms",
				},
			},
		);
		return createMatrixClient({ homeserver: deps.homeserver, token });
	}

	function begin(): Promise<Naming> {
		const begun = login();
		session = begun;
		begun.catch(() => {
			if (session === begun) session = undefined;
		});
		return begun;
	}

	const isEnded = (error: unknown): boolean =>
		error instanceof TemporaryError && error.cause instanceof MatrixError && error.cause.status === 401;

	async function run(work: (as: Naming) => Promise<unknown>): Promise<void> {
		const used = session;
		try {
			await work(used === undefined ? deps.client : await used);
		} catch (error) {
			// An admin may have ended the session.
			if (!hasCode(error, "M_EXCLUSIVE") && !(used !== undefined && isEnded(error))) throw error;
			// A login ends the session before it, so the works that were refused at once share the one that the first begins.
			await work(await (session === used || session === undefined ? begin() : session));
		}
	}

	return {
		/** Gives a room an alias. @throws MatrixError, TemporaryError */
		set: (alias: string, room: string): Promise<void> => run((as) => as.setAlias(alias, room)),
		/** Takes an alias away. @throws MatrixError, TemporaryError */
		remove: (alias: string): Promise<void> => run((as) => as.removeAlias(alias)),
		async stop(): Promise<void> {
			(await session?.catch(() => undefined))?.close?.();
		},
	};
}
