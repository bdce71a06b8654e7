// The connection to the server, for ever: what is lost comes back by itself.

const RETRY_MS = [250, 500, 1000, 2000];

export function connect({ onMessage, onOpen, onLost }) {
  let failures = 0;
  const open = () => {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.kind === "snapshot") {
        failures = 0;
        onOpen();
      }
      onMessage(message);
    };
    socket.onclose = async () => {
      onLost();
      if (failures > 2 && (await tokenRefused())) return location.reload();
      setTimeout(open, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    };
  };
  open();
}

// The server is there again but asks for its token: only the page that asks for it can help.
async function tokenRefused() {
  try {
    return (await fetch("icon.svg", { cache: "no-store" })).status === 401;
  } catch {
    return false;
  }
}
