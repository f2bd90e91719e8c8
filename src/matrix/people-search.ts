import type { Person } from "../core/person.ts";
import type { Client } from "./client.ts";
import { asObject, isId, text } from "./event.ts";
import type { Ghosts } from "./ghosts.ts";
import type { Members } from "./members.ts";

/** People of one answer. */
const most = 50;
/** Characters of the longest text that is searched for. */
const longest = 200;

/**
 * Returns the function that searches the user directory of our homeserver. It searches as the ghost of the person who
 * asks: the bot would find the people of every private room that it is in.
 */
export function createPeopleSearch(deps: {
	client: Pick<Client, "searchPeople">;
	ghosts: Pick<Ghosts, "account">;
	members: Pick<Members, "person">;
	isOurs(mxid: string): boolean;
}) {
	const { client, ghosts, members, isOurs } = deps;
	return async (words: string, by: Person): Promise<readonly Person[]> => {
		const { results } = await client.searchPeople(words.slice(0, longest), most, await ghosts.account(by));
		const found = Array.isArray(results) ? results.slice(0, most).map(asObject) : [];
		return found
			.filter(({ user_id: id }) => text(id).startsWith("@") && isId(text(id)) && !isOurs(text(id)))
			.map((one) => members.person(text(one.user_id), text(one.display_name), text(one.avatar_url)));
	};
}
