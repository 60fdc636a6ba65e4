using System.CommandLine;
using Payments.Driving;
using Payments.Serving;

namespace Payments;

/// <summary>The command line, checked: one of the two is asked for.</summary>
internal sealed record Options(ServeOptions? Serve, DriveOptions? Drive)
{
    private const string About = """
        Takes in payments over HTTP and TCP, keeps a balance for each account, and writes every change of it to a ledger:
        exactly once, whatever happens to the process.

          dotnet run -c Release --project samples/Payments -- --serve --store sqlite:payments.db
          curl -i http://127.0.0.1:5080/payments -H 'Content-Type: application/json' -H 'Idempotency-Key: 1' \
               -d '{"account":"a-1","amount":12.50,"payee":"shop"}'
          curl http://127.0.0.1:5080/balances

        POST /payments  One payment (application/json), or one in each line (application/x-ndjson), which are accepted
                        together or not at all. 202 says that they are durable. What is no payment is a 400 that says where:
                        malformed JSON, a member that is missing, null or of another type, an amount that is text. 413 is too
                        long, 429 no room at present. A request that is repeated under its Idempotency-Key is answered as
                        before, and counted once (for a day); send it unchanged, or it is a 422.
        GET /balances   One object: each account with its balance, exact, as text. It is what is committed, some milliseconds
                        behind the 202. It waits two seconds at most for what was accepted before to be processed; with
                        ?wait=0 not at all.
        GET /dead       Payments that failed for good, each with the reason.
        GET /rejected   Payments that were accepted, but cannot be booked, a line each: the account or the payee is blank,
                        longer than 200 characters or has control characters; the amount is zero or less, above
                        1000000000000, or has more than 8 decimals.
        GET /snapshot   Where every accepted payment is, in each of the three consecutors.
        GET /sluice     The dashboard, for browsers of this machine.

        Files: the store; the ledger (account,number,amount,payee,balance; the numbers of an account go from 1 without a gap);
        beside the store FILE.totals.csv, what was booked in each window (a line for each 100,000 payments where they are
        more), and FILE.rejected.ndjson. What stands at the end of a file may not be committed yet while the server runs.
        SIGTERM or Ctrl+C ends what is under way; the next start goes on. Over TCP (--tcp), in lines: "hello ID" is answered
        with the last number N of that client; then "N+1 {payment}" and so on, answered by "ok N" when they are durable.

        Exit codes: 0 done; 1 it could not go on, or (--drive) payments were lost or counted twice; 2 a mistake in what was
        asked for; 3 stopped without its store, which did not answer for 15 s (nothing that was accepted is lost).
        """;

    /// <summary>Reads the command line; null when it asked for help, which has then been shown.</summary>
    /// <exception cref="UserMistake">An option is unknown, malformed or out of range, or two contradict each other.</exception>
    public static Options? Parse(string[] arguments)
    {
        var serve = CommandLine.Flag("--serve", "Serve until SIGTERM or Ctrl+C.");
        var drive = CommandLine.Text("--drive", "N",
            "Start a server, send it N payments over HTTP and TCP, kill and restart it at random meanwhile, and compare what came of them "
                + "in the end.");
        var urls = CommandLine.Text("--urls", "URL",
            "Where to listen for HTTP. Default: http://127.0.0.1:5080 (with --drive: a free port)");
        var store = CommandLine.Text("--store", "sqlite:FILE", "The store. With --drive a new one, in a temporary directory unless given.");
        var ledger = CommandLine.Text("--ledger", "FILE", "The ledger. Default: FILE.ledger.csv beside the store.");
        var tcp = CommandLine.Text("--tcp", "PORT",
            "Take in payments over TCP as well, on the loopback; 0 for a free port. Off unless given (with --drive: a free port).");
        var window = CommandLine.Text("--window", "SECONDS", "How long the windows of the totals are. Default: 3600");
        var durability = CommandLine.Text("--durability", "power|process",
            "power: a 202 survives the loss of power; process: only the end of the process, and is faster. Default: power");
        var poison = CommandLine.Text("--poison", "TEXT",
            "Payments to payees that begin with TEXT always fail, and end as dead letters after 11 attempts.");
        var seed = CommandLine.Text("--seed", "N",
            "With --drive: decides what is sent, and after how many payments it is killed. Default: random, and shown.");
        var kills = CommandLine.Text("--kills", "N", "With --drive: how often it is killed. Default: one in 200 payments, 2 to 20 times");
        Option[] all = [serve, drive, urls, store, ledger, tcp, window, durability, poison, seed, kills];

        if (CommandLine.Parse(About, all, arguments) is not { } values) return null;
        if (values[serve] == (values[drive] is not null)) throw new UserMistake("Give either --serve or --drive N. See --help.");
        if (!values[serve]) return new Options(null,
            DriveOptions.Parse(values, drive, urls, store, ledger, tcp, window, durability, poison, seed, kills));
        if ((values[seed] ?? values[kills]) is not null)
            throw new UserMistake($"{(values[seed] is null ? kills : seed).Name} belongs to --drive.");
        return new Options(ServeOptions.Parse(values, urls, store, ledger, tcp, window, durability, poison), null);
    }
}
