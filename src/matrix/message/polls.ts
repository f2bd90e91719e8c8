import type { Poll, PollAnswer } from "../../core/event.ts";
import { numberIn } from "../../core/open-polls.ts";
import { asObject, type Content, isContent, labelOf, type MatrixEvent, relationOf, text } from "../event.ts";
import * as phrases from "../phrases.ts";

// MSC3381. Clients still send its unstable names, so the bridge writes those, and reads both.

const unstable = "org.matrix.msc3381";
export const [startType, responseType, endType] = [
	`${unstable}.poll.start`,
	`${unstable}.poll.response`,
	`${unstable}.poll.end`,
];
const either = (stable: string, other: string) => (type: string) => type === stable || type === other;
export const isStart = either("m.poll.start", startType);
export const isResponse = either("m.poll.response", responseType);
export const isEnd = either("m.poll.end", endType);

export type Question = Pick<Poll, "question" | "answers" | "undisclosed"> & Readonly<{ most: number }>;
/** Every other kind is treated as undisclosed, and so is a poll without a kind. // MSC3381, "Events" */
const disclosed = ["m.disclosed", "m.poll.disclosed", `${unstable}.poll.disclosed`];

export function pollIn(content: Content): Question | undefined {
	const start = asObject(content["m.poll"] ?? content["m.poll.start"] ?? content[startType]);
	const question = labelOf(start.question);
	const list = Array.isArray(start.answers) ? start.answers.filter(isContent) : [];
	const answers = list
		.map((one): PollAnswer => ({ id: text(one["m.id"]) || text(one.id), text: labelOf(one) }))
		.filter((one) => one.id && one.text)
		.slice(0, 20);
	const most = typeof start.max_selections === "number" ? start.max_selections : 1;
	const undisclosed = !disclosed.includes(text(start.kind)) && ({ undisclosed: true } as const);
	return question && answers.length > 0 ? { question, answers, most, ...undisclosed } : undefined;
}

/** Returns the answers that a vote selects. Without the poll their texts are empty. */
export function votesIn(content: Content, poll: Question | undefined): readonly PollAnswer[] {
	const given = content["m.selections"] ?? asObject(content[responseType]).answers;
	const ids = Array.isArray(given) ? [...new Set(given.filter((id) => typeof id === "string"))] : [];
	if (!poll) return ids.slice(0, 20).map((id) => ({ id, text: "" }));
	const known = ids.map((id) => poll.answers.find((one) => one.id === id)).filter((one) => one !== undefined);
	return known.slice(0, poll.most);
}

/** Returns the result of a poll as text: the last vote of each person before the end counts. */
export function resultOf(poll: Question, votes: readonly MatrixEvent[], end: number): string {
	const last = new Map<string, MatrixEvent>();
	for (const vote of votes)
		if (
			isResponse(vote.type) &&
			vote.origin_server_ts <= end &&
			(last.get(vote.sender)?.origin_server_ts ?? 0) <= vote.origin_server_ts
		)
			last.set(vote.sender, vote);
	const chosen = [...last.values()].flatMap(({ content }) => votesIn(content, poll).map(({ id }) => id));
	const count = (id: string) => chosen.filter((one) => one === id).length;
	return phrases.pollResult(poll.answers.map((one) => ({ text: one.text, votes: count(one.id) })));
}

/**
 * Returns the answers that the numbers in a reply select; undefined when one of `words` is no valid number. XMPP and MQTT
 * people vote this way.
 */
export function votesByNumber(words: readonly string[], poll: Question): readonly PollAnswer[] | undefined {
	const chosen = words.map(numberIn).map((number) => number && poll.answers[number - 1]);
	const known = chosen.filter((one) => typeof one === "object");
	return known.length > 0 && known.length === words.length ? known.slice(-poll.most) : undefined;
}

const label = (words: string): Content => ({ "org.matrix.msc1767.text": words.toWellFormed() });
const about = (poll: string): Content => ({ "m.relates_to": { rel_type: "m.reference", event_id: poll } });

export const pollStart = ({ question, answers, undisclosed }: Omit<Question, "most">): Content => ({
	[startType]: {
		kind: `${unstable}.poll.${undisclosed ? "un" : ""}disclosed`,
		max_selections: 1,
		question: label(question),
		answers: answers.map(({ id, text: words }) => ({ id, ...label(words) })),
	},
	...label(
		phrases.numbered(
			question,
			answers.map((answer) => answer.text),
		),
	),
});
export const pollResponse = (poll: string, answers: readonly PollAnswer[]): Content => ({
	...about(poll),
	[responseType]: { answers: answers.map(({ id }) => id) },
});
export const pollEnd = (poll: string, words: string): Content => ({
	...about(poll),
	[endType]: {},
	...label(words),
});

/** Returns the poll that an event starts, undefined for any other event. */
export const pollOf = (event: MatrixEvent | undefined): Question | undefined =>
	event && isStart(event.type) && relationOf(event.content).type !== "m.replace"
		? pollIn(event.content)
		: undefined;
