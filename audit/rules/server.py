"""Examples for server.yaml, never run: `make audit` checks that each bad line is found and no good one is."""

# ruleid: sql-made-of-text
connection.execute(text(f"SELECT * FROM users WHERE email = '{email}'"))
# ruleid: sql-made-of-text
text("SELECT * FROM users WHERE email = '%s'" % email)
# ruleid: sql-made-of-text
connection.execute("SELECT * FROM users WHERE email = " + email)
# ruleid: sql-made-of-text
connection.execute("SELECT {}".format(column))
# ok: sql-made-of-text
connection.execute(text("SELECT * FROM users WHERE email = :email"), {"email": email})

# ruleid: session-of-the-database
db.session.add(user)
# ok: session-of-the-database
actions.add(user)

# ruleid: clock-read-elsewhere
now = time.time()
# ruleid: clock-read-elsewhere
now = datetime.now(UTC)
# ok: clock-read-elsewhere
now = clock.now_ms()

# ruleid: socket-written-past-the-outbox
from simple_websocket import Server
# ruleid: socket-written-past-the-outbox
ws.send(frame)
# ok: socket-written-past-the-outbox
outbox.put(frame)

# ruleid: secret-in-a-log-line
log.info("refreshed", token=value)
# ruleid: secret-in-a-log-line
log.warning("refused", what=1, password=given)
# ruleid: secret-in-a-log-line
logger.info("key %s", settings.llm_api_key)
# ruleid: secret-in-a-log-line
log.info(f"got {refresh_token} back")
# ok: secret-in-a-log-line
log.info("refreshed", login_id=login.id, tokens=3)

# ruleid: bytes-that-become-objects
state = pickle.loads(data)
# ruleid: bytes-that-become-objects
policy = yaml.load(file, Loader=yaml.Loader)
# ok: bytes-that-become-objects
policy = yaml.compose(file, Loader=yaml.CSafeLoader)
# ok: bytes-that-become-objects
policy = json.loads(file)

# ruleid: command-by-a-shell
os.system("ls " + folder)
# ruleid: command-by-a-shell
subprocess.run("ls " + folder, shell=True)
# ok: command-by-a-shell
subprocess.run(["ls", folder])

# ruleid: comparison-that-tells-by-its-time
fits = line_mac == expected
# ruleid: comparison-that-tells-by-its-time
fits = row.token_hash == given
# ok: comparison-that-tells-by-its-time
fits = hmac.compare_digest(line_mac, expected)
# ok: comparison-that-tells-by-its-time
query = select(Login).where(Login.token_hash == shown)
