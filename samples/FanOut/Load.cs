using System.Diagnostics;
using Spectre.Console;

namespace FanOut;

/// <summary>Drives both pages with requests, in turns, so that what happens to the machine happens to both.</summary>
internal static class Load
{
    private const int Rounds = 5;

    public static async Task RunAsync(Uri server, int requests, int concurrency, CancellationToken cancellation)
    {
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = concurrency, UseProxy = false })
        {
            BaseAddress = server
        };
        var byGraph = new Times("graph", "product");
        var byHand = new Times("by hand", "by-hand");
        foreach (Times times in new[] { byGraph, byHand })
            await DriveAsync(http, times, requests / 10, concurrency, isWarmUp: true, cancellation);
        for (int round = 0; round < Rounds; round++)
            foreach (Times times in round % 2 == 0 ? new[] { byGraph, byHand } : [byHand, byGraph])
                await DriveAsync(http, times, requests / Rounds, concurrency, isWarmUp: false, cancellation);
        Table table = new Table().AddColumns("page", "requests", "failed", "p50", "p99", "requests/s");
        foreach (Times times in new[] { byGraph, byHand })
            table.AddRow(times.Name, $"{times.Taken.Count:N0}", $"{times.Failed:N0}", $"{times.Percentile(50):0.0} ms",
                $"{times.Percentile(99):0.0} ms", $"{times.PerSecond:N0}");
        AnsiConsole.Write(table);
    }

    private static async Task DriveAsync(HttpClient http, Times times, int requests, int concurrency, bool isWarmUp,
        CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(0, requests),
            new ParallelOptions { MaxDegreeOfParallelism = concurrency, CancellationToken = cancellation }, async (number, token) =>
        {
            long began = Stopwatch.GetTimestamp();
            using HttpResponseMessage response = await http.GetAsync(new Uri($"/{times.Path}/{1 + (number % 1000)}", UriKind.Relative),
                token);
            await response.Content.ReadAsByteArrayAsync(token);
            if (!isWarmUp) times.Add(Stopwatch.GetElapsedTime(began), response.IsSuccessStatusCode);
        });
        if (!isWarmUp) times.Spent += clock.Elapsed;
    }

    private sealed class Times(string name, string path)
    {
        public string Name => name;

        public string Path => path;

        public List<double> Taken { get; } = [];

        public int Failed { get; private set; }

        public TimeSpan Spent { get; set; }

        public double PerSecond => Taken.Count / Spent.TotalSeconds;

        public void Add(TimeSpan taken, bool succeeded)
        {
            lock (Taken)
            {
                Taken.Add(taken.TotalMilliseconds);
                if (!succeeded) Failed++;
            }
        }

        public double Percentile(int percent)
        {
            Taken.Sort();
            return Taken.Count == 0 ? 0 : Taken[Math.Min(Taken.Count - 1, Taken.Count * percent / 100)];
        }
    }
}
