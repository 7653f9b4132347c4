"""A nightly job in miniature: reads orders, starts a child to count them, writes a summary and delivers it
over TCP. On the way it tries, as an unprivileged user, a file that is not for it."""

import csv
import json
import os
import socket
import subprocess
import threading


def main():
    with open("orders.csv", newline="") as file:
        orders = list(csv.DictReader(file))
    with open("/etc/hostname") as file:
        host = file.read().strip()
    counted = subprocess.run(["wc", "-l", "orders.csv"], capture_output=True, text=True, check=True)
    summary = {
        "host": host,
        "orders": len(orders),
        "lines": int(counted.stdout.split()[0]),
        "total": sum(int(order["amount"]) for order in orders),
        "payroll": read_unprivileged("payroll.csv"),
    }
    with open("summary.json", "w") as file:
        json.dump(summary, file)
    deliver(json.dumps(summary).encode())
    print(f"delivered: {summary}")


def read_unprivileged(path):
    """What becomes of reading `path` as nobody, in a child of its own."""
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            open(path).close()
        except PermissionError:
            os._exit(1)
        os._exit(0)
    refused = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "refused" if refused else "readable"


def deliver(message):
    """Sends `message` to a listener on loopback, which is this same process."""
    listener = socket.create_server(("127.0.0.1", 0))
    received = []

    def receive():
        connection, _ = listener.accept()
        with connection:
            received.append(connection.recv(65536))

    receiver = threading.Thread(target=receive)
    receiver.start()
    with socket.create_connection(listener.getsockname()) as connection:
        connection.sendall(message)
    receiver.join()
    listener.close()
    assert received == [message]


main()
