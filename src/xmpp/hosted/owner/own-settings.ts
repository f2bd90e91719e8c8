import type { RoomId } from "../../../core/ids.ts";
import type { Bridge } from "../../../core/network.ts";

/** The settings of a room that Matrix cannot hold: the bridge keeps them, for people of XMPP alone. */
export type OwnSettings = Readonly<{
	/** The most people in the room when somebody of XMPP joins. */
	maxUsers?: number | undefined;
	/** The people who may write private messages to others; absent: all. */
	privately?: "participants" | "moderators" | "none" | undefined;
	/** It lets people of XMPP into a room that others enter by invitation. */
	password?: string | undefined;
	/** The room ends when the last person of XMPP leaves. */
	temporary?: true | undefined;
}>;

const keyOf = (view: RoomId) => `xmpp settings ${view}`;

/** Keeps the settings in the journal. */
export function createSettingsStore({ bridge }: { bridge(): Pick<Bridge, "cursor" | "saveCursor"> }) {
	return {
		/** Resolves with the settings of the room of this view. */
		async of(view: RoomId): Promise<OwnSettings> {
			const saved = await bridge().cursor(keyOf(view));
			return saved === undefined ? {} : (JSON.parse(saved) as OwnSettings);
		},
		/** Resolves when the settings are on disk; empty ones take no space. */
		save(view: RoomId, settings: OwnSettings): Promise<void> {
			const text = JSON.stringify(settings);
			return bridge().saveCursor({ key: keyOf(view), value: text === "{}" ? undefined : text });
		},
	};
}
export type SettingsStore = ReturnType<typeof createSettingsStore>;
