using System.CommandLine;
using System.Security.Cryptography;
using Npgsql;

namespace Orders;

/// <summary>The command line, checked: one of the two is asked for.</summary>
internal sealed record Options(ServeOptions? Serve, DriveOptions? Drive)
{
    /// <summary>The environment variable with the connection string of <c>--serve</c>, if the command line has none.</summary>
    public const string StoreVariable = "ORDERS_STORE";

    private const int MostOrders = 1_000_000, MostKills = 10_000, MostPatience = 86_400;

    private const string About = """
        A small shop on PostgreSQL. An order, its stock and its event are one transaction; the event's shipment and its line in
        the sales book are written in the transaction that settles it. Whatever is killed, the books are right.

          dotnet run -c Release --project samples/Orders -- --drive 2000
          dotnet run -c Release --project samples/Orders -- --serve --store "Host=localhost;Database=shop;Username=app" \
               --products apple,pear
          curl -i http://127.0.0.1:5081/orders -H 'Content-Type: application/json' \
               -d '{"id":"0b5c2f3e-8f0e-4a52-9a4b-6a8a6d0e1a11","customer":"c-1","product":"apple","quantity":2,"card":"4711"}'

        POST /orders  201 the order is placed (again with the same id: still once); 402 the card is declined (one that begins
                      with "declined"); 404 no such product; 409 sold out; 422 the id belongs to another order; 503 repeat it,
                      with its id.
        GET /sluice   The dashboard, for browsers of this machine.

        A connection string with a password belongs in the variable ORDERS_STORE, which --serve reads if there is no --store:
        other users of the machine can read command lines.

        --drive starts a PostgreSQL of its own (the programs initdb and postgres must be installed) unless --store names one,
        starts two services, sends N orders, kills services, the server and its backends at random, freezes a service for
        longer than its lease, and compares the books in the end. If they are wrong, it keeps the data and says where they are.

        Exit codes: 0 done, and the books are right; 1 they are not, or it could not go on; 2 a mistake in what was asked for.
        """;

    /// <summary>Reads the command line; null when it asked for help, which has then been shown.</summary>
    /// <exception cref="UserMistake">An option is unknown, malformed or out of range, or two contradict each other.</exception>
    public static Options? Parse(string[] arguments)
    {
        Option<bool> serve = CommandLine.Flag("--serve", "Serve until SIGTERM or Ctrl+C.");
        Option<string> drive = CommandLine.Text("--drive", "N", "Send N orders, kill everything meanwhile, and check the books.");
        Option<string> store = CommandLine.Text("--store", "CONNECTION",
            "The connection string of a PostgreSQL database, with or without postgres: before it. With --drive: two new schemas in it.");
        Option<string> urls = CommandLine.Text("--urls", "URL", "With --serve: where to listen. Default: http://127.0.0.1:5081");
        Option<string> queue = CommandLine.Text("--queue", "SCHEMA",
            "With --serve: the schema of the events. Default: sluice");
        Option<string> products = CommandLine.Text("--products", "NAME,NAME", "With --serve: products to add, unless they exist.");
        Option<string> stock = CommandLine.Text("--stock", "N", "Pieces of each new product. Default: 1000 (--drive: some sell out)");
        Option<string> wait = CommandLine.Text("--wait", "SECONDS",
            "With --serve: how long to wait at the start for a database that does not answer. Default: 10");
        Option<string> seed = CommandLine.Text("--seed", "N",
            "With --drive: decides what is ordered, and when what is killed. Default: random, and shown.");
        Option<string> kills = CommandLine.Text("--kills", "N",
            "With --drive: how often something is killed. Default: one in 100 orders, 4 to 40 times");
        Option<string> patience = CommandLine.Text("--patience", "SECONDS",
            "With --drive: after how long without any progress to give up. Services start, leases end, and a killed server recovers in "
            + "that time. Default: 90");
        Option[] all = [serve, drive, store, urls, queue, products, stock, wait, seed, kills, patience];

        if (CommandLine.Parse(About, all, arguments) is not { } values) return null;
        if (values[serve] == (values[drive] is not null)) throw new UserMistake("Give either --serve or --drive N. See --help.");
        string? given = values[store] ?? (values[serve] ? Environment.GetEnvironmentVariable(StoreVariable) : null);
        string? connection = given is { } text ? Connection(text) : null;
        int? pieces = values.Number(stock, 1, int.MaxValue);
        foreach (Option<string> other in values[serve] ? (Option<string>[])[seed, kills, patience] : [urls, queue, products, wait])
            if (values[other] is not null) throw new UserMistake($"{other.Name} belongs to {(values[serve] ? "--drive" : "--serve")}.");
        if (values[serve])
            return new(new(connection ?? throw new UserMistake($"--serve needs --store CONNECTION, or the variable {StoreVariable}. See "
                + "--help."),
                values[urls] ?? "http://127.0.0.1:5081", values[queue] ?? "sluice",
                values[products]?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [], pieces ?? 1000,
                TimeSpan.FromSeconds(values.Number(wait, 0, 3600) ?? 10)), null);
        int orders = values.Number(drive, 1, MostOrders)!.Value;
        return new(null, new(orders, connection, values.Number(seed, 0, int.MaxValue) ?? RandomNumberGenerator.GetInt32(1, 100_000),
            values.Number(kills, 0, MostKills) ?? Math.Clamp(orders / 100, 4, 40), pieces,
            TimeSpan.FromSeconds(values.Number(patience, 1, MostPatience) ?? 90)));
    }

    private static string Connection(string text)
    {
        const string Prefix = "postgres:";
        try
        {
            return new NpgsqlConnectionStringBuilder(text.StartsWith(Prefix, StringComparison.Ordinal) ? text[Prefix.Length..] : text)
                .ConnectionString;
        }
        catch (ArgumentException malformed)
        {
            throw new UserMistake($"--store is no connection string: {malformed.Message}", malformed);
        }
    }
}

/// <summary>What <c>--serve</c> is asked for.</summary>
/// <param name="Database">The connection string.</param>
/// <param name="Urls">Where to listen.</param>
/// <param name="Queue">The schema of the events.</param>
/// <param name="Products">Products to add.</param>
/// <param name="Stock">Pieces of each of them.</param>
/// <param name="Wait">How long to wait at the start for a database that does not answer.</param>
internal sealed record ServeOptions(string Database, string Urls, string Queue, IReadOnlyList<string> Products, int Stock, TimeSpan Wait);

/// <summary>What <c>--drive</c> is asked for.</summary>
/// <param name="Orders">How many orders are sent.</param>
/// <param name="Database">The connection string; null for a server of its own.</param>
/// <param name="Seed">Decides what is ordered, and when what is killed.</param>
/// <param name="Kills">How often something is killed.</param>
/// <param name="Stock">Pieces of each product; null so that some sell out.</param>
/// <param name="Patience">After how long without any progress it is given up.</param>
internal sealed record DriveOptions(int Orders, string? Database, int Seed, int Kills, int? Stock, TimeSpan Patience);
