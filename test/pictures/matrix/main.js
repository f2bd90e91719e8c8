import olmJs from "@matrix-org/olm/olm.js?url";
import olmWasm from "@matrix-org/olm/olm.wasm?url";
import olmLegacy from "@matrix-org/olm/olm_legacy.js?url";
import {
	Client,
	createNavigation,
	createRouter,
	FeatureSet,
	LoadStatus,
	Platform,
	RoomView,
	RoomViewModel,
	viewClassForTile,
} from "hydrogen-view-sdk";
import "hydrogen-view-sdk/assets/theme-element-light.css";
import sandbox from "hydrogen-view-sdk/download-sandbox.html?url";
import worker from "hydrogen-view-sdk/main.js?url";

/** Shows one room as Hydrogen does; the fragment of the address names the homeserver, the person and the room. */
const { homeserver, user, password, room } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
history.replaceState(undefined, "", location.pathname);
const container = document.querySelector("#app");
const platform = new Platform({
	container,
	assetPaths: {
		downloadSandbox: sandbox,
		worker,
		olm: { wasm: olmWasm, legacyBundle: olmLegacy, wasmBundle: olmJs },
		serviceWorker: "sw.js",
	},
	config: {},
	options: { development: false },
});
const navigation = createNavigation();
platform.setNavigation(navigation);
await platform.init();
const urlRouter = createRouter({ navigation, history: platform.history });
urlRouter.attach();
const client = new Client(platform);
const login = await client.queryLogin(homeserver).result;
client.startWithLogin(login.password(user, password));
const settled = [LoadStatus.Ready, LoadStatus.Error, LoadStatus.LoginFailed];
await client.loadStatus.waitFor((status) => settled.includes(status)).promise;
if (client.loginFailure || client.loadError) throw new Error(String(client.loginFailure ?? client.loadError));
const { session } = client;
const model = new RoomViewModel({
	room: session.rooms.get(room),
	ownUserId: session.userId,
	platform,
	urlRouter,
	navigation,
	features: await FeatureSet.load(platform.settingsStorage),
});
await model.load();
container.append(new RoomView(model, viewClassForTile).mount());
document.title = "shown";
