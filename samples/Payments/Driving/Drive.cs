using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Payments.Serving;

namespace Payments.Driving;

/// <summary>Sends payments to a server, kills it meanwhile, and compares what has come of them with what was sent.</summary>
internal static class Drive
{
    // Without any progress for so long, it is given up: a start takes a few seconds on a slow machine.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(100);

    /// <returns>Whether nothing is lost, nothing there twice, and every balance right.</returns>
    /// <exception cref="UserMistake">The server cannot be started as asked for.</exception>
    public static async Task<bool> RunAsync(DriveOptions options, CancellationToken stop)
    {
        var temporary = options.Store is null ? Directory.CreateTempSubdirectory("payments-") : null;
        var store = options.Store ?? Path.Combine(temporary!.FullName, "payments.db");
        var files = new StoreFiles(store, options.Ledger ?? StoreFiles.LedgerBeside(store));
        var plan = new Plan(options);
        var findings = new Findings(plan);
        var tally = new Tally();
        Console.WriteLine($"{options.Payments} payments with --seed {options.Seed} to {store}");
        using var victim = new Victim(["--serve", "--store", $"sqlite:{files.Store}", "--ledger", files.Ledger, .. options.Arguments]);
        try
        {
            await SendAsync(plan, victim, tally, stop);
            await CollectAsync(victim, findings, files, stop);
        }
        catch (ServerEndedException failure)
        {
            if (tally.Acknowledged == 0 && victim.Killed == 0 && !failure.HasListened)
            {
                temporary?.Delete(recursive: true);
                throw new UserMistake(failure.Message.StartsWith("payments: ", StringComparison.Ordinal)
                    ? failure.Message["payments: ".Length..] : failure.Message, failure);
            }

            findings.Problems.Add(failure.HasListened ? failure.Message : $"the server did not start again: {failure.Message}");
        }
        catch (Exception failure) when (failure is InvalidDataException or HttpRequestException or TimeoutException or FormatException)
        {
            findings.Problems.Add(failure.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            findings.Problems.Add("it was interrupted");
        }

        var isRight = Report.Print(plan, tally, findings, victim.Killed);
        if (isRight) temporary?.Delete(recursive: true);
        else Console.WriteLine($"\nWhat the server has left is in {Path.GetDirectoryName(store)}.");
        return isRight;
    }

    private static async Task SendAsync(Plan plan, Victim victim, Tally tally, CancellationToken cancellation)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var http = new HttpClients(victim, tally);
        List<Task> work =
        [
            http.SendAsync(plan.Http, all.Token),
            .. plan.Tcp.Select((payments, number) => new TcpSender($"client-{number}", payments, victim, tally).SendAsync(all.Token)),
            victim.KillAsync(plan.Kills, tally, all.Token),
        ];
        var watching = WatchAsync(plan, victim, tally, all.Token);
        try
        {
            // The first one that fails ends the others.
            while (work.Count > 0)
            {
                var ended = await Task.WhenAny([.. work, watching]);
                await ended;
                work.Remove(ended);
            }
        }
        finally
        {
            await all.CancelAsync();
            await Task.WhenAll([.. work, watching]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task WatchAsync(Plan plan, Victim victim, Tally tally, CancellationToken cancellation)
    {
        var sinceProgress = Stopwatch.StartNew();
        for (var before = (-1, -1); ;)
        {
            await victim.CheckAliveAsync();
            var now = (tally.Acknowledged, victim.Killed);
            if (now != before) sinceProgress.Restart();
            if (sinceProgress.Elapsed > Patience) throw new TimeoutException(
                $"nothing was acknowledged for {Patience.TotalSeconds} seconds");
            before = now;
            if (!Console.IsOutputRedirected) Console.Write(
                $"\r{now.Acknowledged} of {plan.Payments.Count} acknowledged, {now.Killed} kills ");
            try
            {
                await Task.Delay(Beat, cancellation);
            }
            finally
            {
                if (cancellation.IsCancellationRequested && !Console.IsOutputRedirected) Console.Write("\r\x1b[K");
            }
        }
    }

    /// <summary>Waits until all is processed, asks for what there is, stops the server, and reads what it has written.</summary>
    private static async Task CollectAsync(Victim victim, Findings findings, StoreFiles files, CancellationToken cancellation)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress =
            (await victim.FindAsync(cancellation)).Http
        };
        await WaitAsync(async () => (await GetAsync("snapshot")).EnumerateObject()
            .All(consecutor => consecutor.Value.GetProperty("isIdle").GetBoolean()), "not everything was processed", cancellation);
        findings.ReadBalances(await GetAsync("balances"));
        findings.ReadDead(await GetAsync("dead"));
        await WaitAsync(() => Task.FromResult(Findings.Totals(files) >= findings.Balance), $"{files.Totals} has not all that was booked",
            cancellation);
        if (await victim.TerminateAsync(cancellation) is var exitCode and not 0)
            findings.Problems.Add($"the server ended with exit code {exitCode} when it was asked to end");
        findings.ReadFiles(files);

        async Task<JsonElement> GetAsync(string path)
        {
            using var answer = JsonDocument.Parse(await http.GetStringAsync(path, cancellation));
            return answer.RootElement.Clone();
        }
    }

    private static async Task WaitAsync(Func<Task<bool>> condition, string otherwise, CancellationToken cancellation)
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            if (waited.Elapsed > Patience) throw new TimeoutException(string.Create(CultureInfo.InvariantCulture,
                $"{otherwise} within {Patience.TotalSeconds} seconds"));
            await Task.Delay(Beat, cancellation);
        }
    }
}
