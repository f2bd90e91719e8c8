import { mayFollow, unsent } from "../../core/errors.ts";

/**
 * Lines of a chat that are written and not confirmed. A kill of the bridge repeats them, since nobody can be asked which of
 * them arrived, so they are few. They share one ping, so fewer would cost more.
 */
const unconfirmedAtMost = 8;

type Chat = { written: number; waiting: Waiting[] };
type Waiting = Readonly<{ go(): void; fail(error: unknown): void }>;

/**
 * Returns a function that runs `write` when fewer lines of the room are unconfirmed, in the order of the calls. After a
 * temporary error, which leaves a line in doubt, the lines that wait fail as unsent: none may overtake it.
 */
export function createPace(most = unconfirmedAtMost) {
	const chats = new Map<string, Chat>();

	async function turn(chat: Chat): Promise<void> {
		if (chat.written < most) return void chat.written++;
		await new Promise<void>((resolve, reject) => chat.waiting.push({ go: resolve, fail: reject }));
	}

	function confirmed(room: string, chat: Chat): void {
		const next = chat.waiting.shift();
		if (next) next.go();
		else if (--chat.written === 0) chats.delete(room);
	}

	return async <T>(room: string, write: () => Promise<T>): Promise<T> => {
		const chat = chats.get(room) ?? { written: 0, waiting: [] };
		chats.set(room, chat);
		await turn(chat);
		const writing = write();
		await mayFollow(writing).catch((error: unknown) => {
			for (const one of chat.waiting.splice(0)) one.fail(unsent(error));
		});
		confirmed(room, chat);
		return writing;
	};
}
