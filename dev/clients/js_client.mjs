// What matrix-js-sdk shows of a room; see client.py. The library applies edits itself, so its
// events are only listed, without those that replace another, as Element lists them.

import { createClient, ClientEvent, MatrixEventEvent, RelationType, RoomEvent } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

logger.setLevel("silent");
const settings = JSON.parse(process.argv[2]);
const client = createClient({
    baseUrl: settings.homeserver,
    userId: settings.user_id,
    deviceId: settings.device_id,
    accessToken: settings.access_token,
    logger,
});

function messages() {
    const events = client.getRoom(settings.room_id)?.getLiveTimeline().getEvents() ?? [];
    return events.filter(
        (event) => event.getType() === "m.room.message" && !event.isRelation(RelationType.Replace),
    );
}

function isWhole(event) {
    const content = event.getContent();
    // What is replaced keeps its marks in the new content.
    return settings.answers in content && !(settings.live in content);
}

function show() {
    const shown = messages();
    if (!shown.some(isWhole)) {
        return;
    }
    const listed = shown
        .filter((event) => event.getContent().msgtype === "m.text")
        .map((event) => ({ event_id: event.getId(), body: event.getContent().body }));
    process.stdout.write(`${JSON.stringify(listed)}\n`, () => process.exit(0));
}

client.on(RoomEvent.Timeline, show);
client.on(MatrixEventEvent.Replaced, show);
client.once(ClientEvent.Sync, () => {
    process.stderr.write("ready\n");
    show();
});
await client.startClient({ initialSyncLimit: 100, pollTimeout: 1000 });
