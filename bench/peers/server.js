// The Node peer: accept, start, relay each token at once, with `ws` and node:http. No accounts, no storage, no resume.
import http from 'node:http';
import { randomUUID } from 'node:crypto';
import { WebSocket, WebSocketServer } from 'ws';

const upstream = new URL(`${process.env.LLM_BASE_URL}/chat/completions`);
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
const rooms = new Map();

const server = http.createServer((request, response) => response.end('ok'));
const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate: false, maxPayload: 65536 });

sockets.on('connection', (socket) => {
  const opened = new Set();
  socket.on('message', (data) => {
    const command = JSON.parse(data.toString());
    const result = handle(command, socket, opened);
    socket.send(JSON.stringify({ type: 'ok', id: command.id, result }));
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    for (const sessionId of opened) leave(sessionId, socket);
  });
});

function handle(command, socket, opened) {
  if (command.type === 'hello') return { protocol: 1 };
  const sessionId = command.session_id ?? randomUUID();
  if (!rooms.has(sessionId)) rooms.set(sessionId, new Set());
  rooms.get(sessionId).add(socket);
  opened.add(sessionId);
  if (command.type === 'message.send') relay(sessionId, command.text);
  return { session_id: sessionId };
}

function leave(sessionId, socket) {
  const room = rooms.get(sessionId);
  room?.delete(socket);
  if (room?.size === 0) rooms.delete(sessionId);
}

function publish(sessionId, event) {
  const frame = Buffer.from(JSON.stringify(event));
  for (const socket of rooms.get(sessionId) ?? []) {
    if (socket.readyState === WebSocket.OPEN) socket.send(frame, { binary: false });
  }
}

function relay(sessionId, question) {
  const runId = randomUUID();
  const messageId = randomUUID();
  let at = 0;
  let rest = '';
  const body = JSON.stringify({ model: 'bench', stream: true, messages: [{ role: 'user', content: question }] });
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const request = http.request(upstream, { method: 'POST', agent, headers }, (response) => {
    response.setEncoding('utf8');
    response.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) token(line);
    });
    response.on('end', () => publish(sessionId, { type: 'run.completed', run_id: runId, ends: { text: at } }));
  });
  request.on('error', (error) => publish(sessionId, { type: 'run.completed', run_id: runId, error: String(error) }));
  request.end(body);

  function token(line) {
    if (!line.startsWith('data: ') || line === 'data: [DONE]') return;
    const text = JSON.parse(line.slice(6)).choices[0]?.delta.content;
    if (!text) return;
    const end = at + Buffer.byteLength(text);
    publish(sessionId, {
      type: 'run.delta',
      session_id: sessionId,
      run_id: runId,
      message_id: messageId,
      part: 'text',
      epoch: 1,
      at,
      end,
      text,
    });
    at = end;
  }
}

server.listen(Number(process.env.PORT), '127.0.0.1');
