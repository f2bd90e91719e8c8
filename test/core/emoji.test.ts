import { describe, expect, test } from "vitest";
import { emojiForm } from "../../src/core/emoji.ts";

const selector = "\uFE0F";

describe("emojiForm", () => {
	test.each(["👍", "❤", "☺", "🐈", "©", "🅰"])(
		"gives %s, which is on Unicode's variation list, the selector",
		(emoji) => {
			for (const form of [emoji, emoji + selector, `${emoji}\uFE0E`])
				expect(emojiForm(form)).toBe(emoji + selector);
		},
	);
	test.each(["😂", "🎉", "🚀", "🤔"])("takes the selector from %s, which is not on the list", (emoji) => {
		for (const form of [emoji, emoji + selector]) expect(emojiForm(form)).toBe(emoji);
	});
	test.each([
		["👍🏽", "👍🏽"],
		["2\u20E3", "2\uFE0F\u20E3"],
		["❤\u200D🔥", "❤\uFE0F\u200D🔥"],
		["🐈\uFE0F\u200D⬛", "🐈\u200D⬛"],
		["🧑\u200D⚕", "🧑\u200D⚕\uFE0F"],
		["🇩🇪", "🇩🇪"],
	])("returns %s in the form that Unicode recommends for interchange", (emoji, form) => {
		expect(emojiForm(emoji)).toBe(form);
	});
	test.each(["2", "#", ":blobcat:", "I ❤ you", "", "ok"])("leaves the text %j as it is", (text) => {
		expect(emojiForm(text)).toBe(text);
	});
});
