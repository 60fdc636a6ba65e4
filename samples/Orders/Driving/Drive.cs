using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Orders.Shop;
using Sluice;

namespace Orders.Driving;

/// <summary>Runs a shop, orders from it, kills everything meanwhile, and checks the books.</summary>
internal static class Drive
{
    /// <summary>How many services share the shop.</summary>
    public const int Services = 2;

    // Without any progress for so long, it is given up. Services start, leases end, and a killed server recovers in that time.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(200);

    /// <returns>Whether the books are right.</returns>
    /// <exception cref="UserMistake">The server or a service cannot be started.</exception>
    public static async Task<bool> RunAsync(DriveOptions options, CancellationToken stop)
    {
        await using OwnServer? own = options.Database is null ? await OwnServer.StartAsync(stop) : null;
        var plan = new Plan(options, own is not null);
        string schema = $"orders_{options.Seed}_{Environment.ProcessId}", queue = $"{schema}_queue";
        string shop = new NpgsqlConnectionStringBuilder(own?.Address ?? options.Database) { SearchPath = schema }.ConnectionString;
        await using NpgsqlDataSource database = NpgsqlDataSource.Create(shop);
        Console.WriteLine($"{plan.Orders.Count} orders with --seed {options.Seed} to {database.ConnectionString.Split("Password")[0]}");
        try
        {
            await using (NpgsqlCommand create = database.CreateCommand($"CREATE SCHEMA {schema}"))
                await create.ExecuteNonQueryAsync(stop);
            await Tables.CreateAsync(database, stop);
            await Tables.StockAsync(database, plan.Products, plan.Stock, stop);
        }
        catch (NpgsqlException cause)
        {
            throw new UserMistake($"--store: {cause.Message}", cause);
        }

        var tally = new Tally();
        IReadOnlyList<string> wrong;
        ShopProcess[] services = [.. Enumerable.Range(0, Services).Select(_ => new ShopProcess(shop,
            ["--serve", "--queue", queue, "--urls", "http://127.0.0.1:0", "--wait", "60"]))];
        var duration = Stopwatch.StartNew();
        try
        {
            foreach (ShopProcess service in services) service.Start();
            foreach (ShopProcess service in services) await service.FindAsync(stop);
            await OrderAsync(plan, services, new Troubles(plan, services, own, shop, tally), tally, stop);
            await WaitAsync(() => Books.AreClosedAsync(database, stop), stop);
            wrong = [.. await Books.CheckAsync(database, plan, tally, stop),
                .. await Books.CheckEventsAsync(database, shop, queue, stop)];
            foreach (ShopProcess service in services)
            {
                await service.FindAsync(stop).WaitAsync(Patience, stop);         // a process that only begins would just end
                int code = await service.TerminateAsync(stop).WaitAsync(Patience, stop);
                if (code != 0) wrong = [.. wrong, $"a service ended with exit code {code}"];
            }
        }
        catch (ServiceEndedException failure) when (tally.Answers.IsEmpty)
        {
            throw new UserMistake($"A service did not start: {failure.Message}", failure);
        }
        catch (Exception failure) when (failure is InvalidDataException or TimeoutException or NpgsqlException or ServiceEndedException
            or SluiceException
            || failure is OperationCanceledException && stop.IsCancellationRequested)
        {
            wrong = [failure is OperationCanceledException ? "it was interrupted" : failure.Message];
        }
        finally
        {
            foreach (ShopProcess service in services) service.Dispose();
        }

        if (wrong.Count == 0 && own is null)
        {
            await using NpgsqlCommand drop = database.CreateCommand($"DROP SCHEMA {schema} CASCADE; DROP SCHEMA {queue} CASCADE");
            await drop.ExecuteNonQueryAsync(CancellationToken.None);
        }
        Report(tally, wrong, duration.Elapsed);
        return wrong.Count == 0;
    }

    private static async Task OrderAsync(Plan plan, ShopProcess[] services, Troubles troubles, Tally tally, CancellationToken stop)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var customers = new Customers(services, tally);
        List<Task> work = [customers.SendAsync(plan.Orders, all.Token), troubles.RunAsync(all.Token)];
        Task watching = WaitAsync(() => Task.FromResult(false), all.Token, () => tally.Answers.Count, plan.Orders.Count);
        try
        {
            while (work.Count > 0)
            {
                Task ended = await Task.WhenAny([.. work, watching]);
                await ended;
                work.Remove(ended);
            }
        }
        finally
        {
            await all.CancelAsync();
            await Task.WhenAll([.. work, watching]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!Console.IsOutputRedirected) Console.Write("\r\x1b[K");
        }
    }

    /// <summary>Waits for a condition, as long as a number changes.</summary>
    private static async Task WaitAsync(Func<Task<bool>> condition, CancellationToken stop, Func<int>? progress = null, int of = 0)
    {
        var since = Stopwatch.StartNew();
        for (int before = -1; !await condition();)
        {
            if (progress?.Invoke() is { } now && now != before)
            {
                (before, since) = (now, Stopwatch.StartNew());
                if (!Console.IsOutputRedirected) Console.Write($"\r{now} of {of} orders answered ");
            }
            if (since.Elapsed > Patience) throw new TimeoutException($"Nothing went on for {Patience.TotalSeconds:0} seconds.");
            await Task.Delay(Beat, stop);
        }
    }

    private static void Report(Tally tally, IReadOnlyList<string> wrong, TimeSpan duration)
    {
        foreach (string problem in wrong) Console.WriteLine($"problem: {problem}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(wrong.Count == 0 ? "right" : "WRONG")}: "
            + $"{tally.Count(201)} orders placed, {tally.Count(402)} declined, {tally.Count(409)} sold out; {tally.Repeated} requests "
            + $"repeated; killed services {tally[TroubleKind.Service]} times, the server {tally[TroubleKind.Server]}, connections "
            + $"{tally[TroubleKind.Backends]}, frozen {tally[TroubleKind.Freeze]}; {duration.TotalSeconds:0} s"));
    }
}
