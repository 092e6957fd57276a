// Plays the clips in step: one button and one slider for all of them. The first leads, has the
// sound, and the others follow. `element`, `props`, `trigger` and `watch` come from gr.HTML.

const IDS = ["clip-a", "clip-b", "clip-heat"];
const SOFT_S = 0.03; // above this drift a follower runs a little faster or slower
const HARD_S = 0.3; // above this one it jumps
const SETTLE_MS = 200;

const play = element.querySelector(".play");
const seek = element.querySelector("input");
const clock = element.querySelector("output");
const sound = element.querySelector(".sound");
let playing = false;
let settling = 0;
let waiting = 0;
let worst = 0;
let told = null;

const videos = () =>
  IDS.map((id) => document.querySelector(`#${id} video`)).filter((video) => video && video.src);

const text = (seconds) =>
  `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;

function show() {
  const [lead] = videos();
  const duration = lead && isFinite(lead.duration) ? lead.duration : 0;
  const now = lead ? lead.currentTime : 0;
  seek.max = duration;
  if (document.activeElement !== seek || playing) seek.value = now;
  clock.textContent = `${text(now)} / ${text(duration)}`;
  seek.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${duration.toFixed(1)} seconds`);
  play.textContent = playing ? "Pause" : "Play";
  play.setAttribute("aria-label", playing ? "Pause both" : "Play both");
}

function follow() {
  if (!playing) return;
  const [lead, ...others] = videos();
  if (!lead || lead.ended) {
    stop();
    return;
  }
  for (const video of others) {
    const drift = video.currentTime - lead.currentTime;
    if (Math.abs(drift) > HARD_S) video.currentTime = lead.currentTime;
    else video.playbackRate = Math.abs(drift) > SOFT_S ? 1 - Math.sign(drift) * 0.08 : 1;
    if (video.paused && !video.ended) video.play().catch(() => {});
  }
  show();
  requestAnimationFrame(follow);
}

async function start() {
  const all = videos();
  if (!all.length) return;
  const [lead] = all;
  const from = lead.ended || lead.currentTime >= lead.duration - 0.05 ? 0 : lead.currentTime;
  all.forEach((video, place) => {
    video.muted = place > 0 || sound.getAttribute("aria-pressed") === "false";
    video.currentTime = from;
  });
  playing = true;
  await Promise.all(all.map((video) => video.play().catch(() => {})));
  follow();
}

function stop() {
  playing = false;
  const all = videos();
  for (const video of all) {
    video.pause();
    video.playbackRate = 1;
  }
  if (all.length) go(all[0].currentTime);
}

function go(seconds) {
  for (const video of videos()) {
    if (Math.abs(video.currentTime - seconds) > 0.001) video.currentTime = seconds;
  }
  show();
  clearTimeout(settling);
  settling = setTimeout(settle, SETTLE_MS);
}

// To the middle of the time for which a frame is shown, so that no rounding leads to another one.
function step(frames) {
  const [lead] = videos();
  if (!lead) return;
  if (playing) stop();
  const rate = Number(document.querySelector("#results [data-frame-rate]").dataset.frameRate);
  const place = Math.floor(lead.currentTime * rate + 0.01) + frames;
  go(Math.min(Math.max(0, place + 0.5), lead.duration * rate - 0.5) / rate);
}

// Once the clips rest at a moment, the page fetches its pictures for the slider.
function settle() {
  const [lead] = videos();
  if (playing || !lead || told === lead.currentTime) return;
  told = lead.currentTime;
  props.value = told;
  trigger("release");
}

play.addEventListener("click", () => (playing ? stop() : start()));
seek.addEventListener("input", () => {
  if (playing) stop();
  go(Number(seek.value));
});
for (const button of element.querySelectorAll(".step"))
  button.addEventListener("click", () => step(Number(button.dataset.frames)));
sound.addEventListener("click", () => {
  const on = sound.getAttribute("aria-pressed") === "false";
  sound.setAttribute("aria-pressed", String(on));
  sound.textContent = on ? "Sound on" : "Sound off";
  const [lead] = videos();
  if (lead) lead.muted = !on;
});
element.querySelector(".worst").addEventListener("click", () => {
  if (playing) stop();
  go(worst);
});
document.addEventListener("loadedmetadata", show, true);

// A new comparison says at which moment the mattes differ most: its clips are shown from there.
function begin() {
  if (props.value === told) return;
  worst = told = Number(props.value);
  playing = false;
  clearInterval(waiting);
  waiting = setInterval(() => {
    const all = videos();
    if (all.length < IDS.length || all.some((video) => video.readyState < 1)) return;
    clearInterval(waiting);
    for (const video of all) video.currentTime = worst;
    show();
  }, 100);
}

watch("value", begin);
begin(); // it may have come before this script did
