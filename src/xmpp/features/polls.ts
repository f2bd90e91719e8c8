import type { PollAnswer } from "../../core/event.ts";
import * as phrases from "../../core/phrases.ts";
import { type Heard, type MessageFeature, wordsOf } from "./message.ts";

/** Polls: a question with numbers, and the numbers people answer or react with. Nothing else is a vote. */
export const polls: MessageFeature = {
	vars: [],
	read(_stanza, heard, { poll }) {
		const target = heard.act?.kind === "reaction" ? heard.act.target : heard.act ? undefined : heard.replyTo;
		const answers = target && poll(target.id);
		const votes = answers && chosen(heard, answers);
		return target && votes ? { ...heard, act: { kind: "vote", target, answers: votes } } : heard;
	},
	write(event, draft) {
		if (event.kind !== "poll") return draft;
		const answers = event.answers.map((answer) => answer.text);
		return { ...draft, body: `/me ${phrases.startedPoll(event.question, answers)}` };
	},
};

function chosen({ act, body }: Heard, answers: readonly PollAnswer[]): readonly PollAnswer[] | undefined {
	const numbers = act?.kind === "reaction" ? act.emoji.flatMap(keycap) : [written(wordsOf({ body }))];
	const votes = numbers.flatMap((number) => answers[(number ?? 0) - 1] ?? []);
	// Taking back every number is voting for none; other emoji say nothing about the poll.
	return votes.length > 0 || (act?.kind === "reaction" && act.emoji.length === 0) ? votes : undefined;
}
const written = (words: string): number | undefined => {
	const digits = /^\s*#?(\d{1,2})[.)]?\s*$/.exec(words)?.[1];
	return digits === undefined ? undefined : Number(digits);
};
const keycap = (emoji: string): readonly number[] => {
	const digit = /^(\d)\uFE0F?\u20E3$/u.exec(emoji)?.[1];
	return emoji === "🔟" ? [10] : digit === undefined ? [] : [Number(digit)];
};
