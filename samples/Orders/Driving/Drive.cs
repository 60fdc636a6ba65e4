using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Orders.Shop;
using Sluice;
using Sluice.PostgreSql;
using Sluice.Storage;

namespace Orders.Driving;

/// <summary>Runs a shop, orders from it, kills everything meanwhile, and checks the books.</summary>
internal static class Drive
{
    /// <summary>How many services share the shop.</summary>
    public const int Services = 2;

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
        List<string> wrong = [];
        ShopProcess[] services = [.. Enumerable.Range(1, Services).Select(number => new ShopProcess(number, shop,
            ["--serve", "--queue", queue, "--urls", "http://127.0.0.1:0", "--wait", "60"]))];
        var waiting = new Waiting(services, options.Patience);
        var duration = Stopwatch.StartNew();
        try
        {
            foreach (ShopProcess service in services) service.Start();
            foreach (ShopProcess service in services) await service.FindAsync(stop);
            await OrderAsync(plan, services, new Troubles(plan, services, own, shop, tally), tally, waiting, stop);
            await CompareAsync(database, shop, queue, plan, tally, waiting, wrong, stop);
            foreach (ShopProcess service in services)
            {
                // a process that only begins would just end
                await WithinAsync(service.FindAsync(stop), options.Patience, "a service does not begin", stop);
                int code = await WithinAsync(service.TerminateAsync(stop), options.Patience, "a service does not end", stop);
                if (code != 0) wrong.Add($"a service ended with exit code {code}");
            }
        }
        catch (ServiceEndedException failure) when (tally.Answers.IsEmpty)
        {
            string left = own is null ? $" The schema {schema} stays in the database." : "";
            throw new UserMistake($"A service did not start: {failure.Message}{left}", failure);
        }
        catch (Exception failure) when (failure is InvalidDataException or TimeoutException or NpgsqlException or ServiceEndedException
            or SluiceException
            || failure is OperationCanceledException && stop.IsCancellationRequested)
        {
            wrong.Add(failure is OperationCanceledException ? "it was interrupted" : failure.Message);
        }
        finally
        {
            foreach (ShopProcess service in services) service.Dispose();
        }

        Report(tally, wrong, duration.Elapsed);
        if (wrong.Count > 0)
        {
            if (!stop.IsCancellationRequested)
                foreach (string line in services.SelectMany(static service => service.Log)) Console.Error.WriteLine(line);
            if (own is null || !stop.IsCancellationRequested) Console.WriteLine(
                $"What the shop has left is in the schemas {schema} and {queue}"
                + (own is null ? "." : $" of the PostgreSQL data directory {own.Keep()}."));
        }
        else if (own is null)
        {
            try
            {
                await using NpgsqlCommand drop = database.CreateCommand($"DROP SCHEMA {schema} CASCADE; DROP SCHEMA {queue} CASCADE");
                await drop.ExecuteNonQueryAsync(CancellationToken.None);
            }
            catch (NpgsqlException refused)
            {
                Console.Error.WriteLine($"orders: the schemas {schema} and {queue} stay: {refused.Message}");
            }
        }
        return wrong.Count == 0;
    }

    private static async Task<T> WithinAsync<T>(Task<T> work, TimeSpan patience, string otherwise, CancellationToken stop)
    {
        try
        {
            return await work.WaitAsync(patience, stop);
        }
        catch (TimeoutException late) when (!work.IsCompleted)
        {
            throw new TimeoutException($"{otherwise} within {patience.TotalSeconds:0} s", late);
        }
    }

    /// <summary>Waits until all events are entered, and compares the books. If they are not entered, the comparison shows which are
    /// missing.</summary>
    private static async Task CompareAsync(NpgsqlDataSource database, string shop, string queue, Plan plan, Tally tally, Waiting waiting,
        List<string> wrong, CancellationToken stop)
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(shop,
            new PostgresStoreOptions { Schema = queue, AutoCreate = false }, stop);
        long? outstanding = null;
        try
        {
            await waiting.UntilAsync(async () =>
            {
                outstanding = await Books.FindOutstandingAsync(database, store, stop) ?? outstanding;
                return outstanding == 0;
            }, () => outstanding ?? -1, stop);
        }
        catch (TimeoutException late)
        {
            wrong.Add(late.Message);
        }
        wrong.AddRange(await Books.CheckAsync(database, plan, tally, stop));
        wrong.AddRange(await Books.CheckEventsAsync(database, store, stop));
    }

    private static async Task OrderAsync(Plan plan, ShopProcess[] services, Troubles troubles, Tally tally, Waiting waiting,
        CancellationToken stop)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var customers = new Customers(services, tally);
        List<Task> work = [customers.SendAsync(plan.Orders, all.Token), troubles.RunAsync(all.Token)];
        Task watching = waiting.UntilAsync(static () => Task.FromResult(false), () =>
        {
            if (!Console.IsOutputRedirected) Console.Write($"\r{tally.Answers.Count} of {plan.Orders.Count} orders answered ");
            return tally.Answers.Count;
        }, all.Token);
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

    private static void Report(Tally tally, List<string> wrong, TimeSpan duration)
    {
        foreach (string problem in wrong) Console.WriteLine($"problem: {problem}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(wrong.Count == 0 ? "right" : "WRONG")}: "
            + $"{tally.Count(201)} orders placed, {tally.Count(402)} declined, {tally.Count(409)} sold out; {tally.Repeated} requests "
            + $"repeated; killed services {tally[TroubleKind.Service]} times, the server {tally[TroubleKind.Server]}, connections "
            + $"{tally[TroubleKind.Backends]}, frozen {tally[TroubleKind.Freeze]}; {duration.TotalSeconds:0} s"));
    }
}
