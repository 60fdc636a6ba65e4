using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Dashboard;

namespace Sluice.Bench;

/// <summary>
/// The processor time of a program with a pipeline of 50 nodes that moves: without a dashboard, with one that nobody looks at, and with one
/// that ten viewers look at. The program is a process of its own and only its processor time counts, so the viewers cost nothing here.
/// </summary>
internal static class Watched
{
    public const string ServerOption = "--dashboard-server";

    private const int Nodes = 50, Viewers = 10;
    private const string Without = "none";
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100), Settling = TimeSpan.FromSeconds(8);
    private static string? finish;

    public static Scenario Scenario { get; } = new("dashboard",
        $"the cost of a dashboard, in % of a core of its program: {Viewers} viewers of a pipeline of {Nodes} nodes that moves, or none", [])
    { MeasureAsync = MeasureAsync, Finish = static () => Console.WriteLine(finish) };

    /// <summary>The program: it says its address, and ends with its input.</summary>
    public static async Task ServeAsync(string dashboard)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using WebApplication app = builder.Build();
        Source<long> source = Source.Interval(Pace);
        for (int node = 2; node < Nodes; node++) source = source | (static (long number) => number + 1) | Stage.Named($"add-{node}");
        await using PipelineRun run = (source | (static _ => { })).Start();
        if (run.Topology.Nodes.Count != Nodes) throw new InvalidOperationException($"The pipeline has {run.Topology.Nodes.Count} nodes.");
        if (dashboard != Without) app.MapSluice("/sluice", new() { Runs = new Dictionary<string, PipelineRun> { ["moving"] = run } });
        await app.StartAsync();
        Console.WriteLine(app.Urls.Single());
        await Task.Run(Console.ReadLine);
        await app.StopAsync(new CancellationToken(canceled: true));
    }

    private static async Task<IReadOnlyList<Result>> MeasureAsync(bool quick)
    {
        (int rounds, TimeSpan span) = quick ? (1, TimeSpan.FromSeconds(10)) : (5, TimeSpan.FromSeconds(20));
        using var plain = new Program(Without);
        using var shown = new Program("dashboard");
        var (ten, nobody, none) = (new Measurement("ten-viewers"), new Measurement("nobody-looks"), new Measurement("no-dashboard"));
        var (more, core) = (new Measurement(Variant.Ours), new Measurement("core"));
        core.Add(100, double.NaN);
        long bytes = 0;
        await LookAsync(shown, Settling, static async wait => await wait);       // until its code is compiled
        for (int round = 0; round < rounds; round++)
        {
            double without = await plain.SpendAsync(span), alone = await shown.SpendAsync(span), watched = 0;
            bytes += await LookAsync(shown, span, async wait =>
            {
                watched = await shown.SpendAsync(span);
                await wait;
            });
            none.Add(without, double.NaN);
            nobody.Add(alone, double.NaN);
            ten.Add(watched, double.NaN);
            more.Add(watched - alone, double.NaN);
        }
        finish = string.Create(CultureInfo.InvariantCulture,
            $"  each viewer got {bytes / 1024.0 / Viewers / rounds / span.TotalSeconds:F1} KiB a second");
        return
        [
            new("dashboard", [more, core]) { Unit = "% of core" },
            new("dashboard-program", [ten, nobody, none]) { Unit = "% of core" },
        ];
    }

    // Ten viewers, each of whom must get something.
    private static async Task<long> LookAsync(Program program, TimeSpan span, Func<Task, Task> meanwhile)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var end = new CancellationTokenSource();
        Task<long>[] all = [.. Enumerable.Range(0, Viewers).Select(_ => ViewAsync(client, program.Address, end.Token))];
        await meanwhile(Task.Delay(span));
        await end.CancelAsync();
        long[] bytes = await Task.WhenAll(all);
        if (Array.Exists(bytes, static one => one < 10_000)) throw new WrongResultException("a viewer of the dashboard saw nothing");
        return bytes.Sum();
    }

    private static async Task<long> ViewAsync(HttpClient client, string address, CancellationToken end)
    {
        long bytes = 0;
        using var request = new HttpRequestMessage(HttpMethod.Get, address + "/sluice/runs/moving");
        request.Headers.Accept.ParseAdd("text/event-stream");
        try
        {
            using HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, end);
            answer.EnsureSuccessStatusCode();
            await using Stream events = await answer.Content.ReadAsStreamAsync(end);
            byte[] buffer = new byte[64 * 1024];
            while (await events.ReadAsync(buffer, end) is > 0 and var read) bytes += read;
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return bytes;
        }
        throw new WrongResultException("the dashboard has ended the stream of a viewer");
    }

    /// <summary>The other process.</summary>
    private sealed class Program : IDisposable
    {
        private readonly Process process;

        public Program(string dashboard)
        {
            string program = Environment.ProcessPath!;
            string[] own = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
            process = Process.Start(new ProcessStartInfo(program, [.. own, ServerOption, dashboard])
            { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            Address = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The program of the dashboard has ended.");
        }

        public string Address { get; }

        /// <summary>Waits for a time, and returns the processor time that the program took in it, in % of a core.</summary>
        public async Task<double> SpendAsync(TimeSpan span)
        {
            TimeSpan before = Used();
            long started = Stopwatch.GetTimestamp();
            await Task.Delay(span);
            return 100 * (Used() - before) / Stopwatch.GetElapsedTime(started);
        }

        public void Dispose()
        {
            process.StandardInput.Close();
            if (!process.WaitForExit(TimeSpan.FromSeconds(30))) process.Kill();
            process.Dispose();
        }

        private TimeSpan Used()
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
    }
}
