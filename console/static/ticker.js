// A worker's timers are not slowed down in a background tab; a page's are, and a claim would be lost with them.
setInterval(() => postMessage("tick"), 10000);
