using System.Diagnostics;
using System.Text;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// <c>sluice top</c> on a terminal, over a store with 1,000 streams and a backlog of a million: the time from the start of its process
/// until the first stream is on the screen, and then its processor time; while the store is at rest, and while a process appends without a
/// pause.
/// </summary>
internal static class Top
{
    private const int Streams = 1_000, Partitions = 4, Entries = 1_000, Batch = 250, BytesPerEntry = 20;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    public static Scenario Scenario { get; } = new("top",
        $"sluice top over {Streams:N0} streams and a backlog of {Streams * Entries:N0}: first screen in ms, then % of a core", [])
    { MeasureAsync = MeasureAsync, Finish = BenchServer.Stop };

    private static async Task<IReadOnlyList<Result>> MeasureAsync(bool quick)
    {
        List<Result> results = [];
        using var scratch = new Scratch();
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(scratch.File, Durability.Process))
            await FillAsync(store);
        results.AddRange(await MeasureAsync("top-sqlite", $"sqlite:{scratch.File}", quick));
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(scratch.File, Durability.Process))
            results.AddRange(await WhileWrittenAsync(store, "top-sqlite-busy", $"sqlite:{scratch.File}", quick));

        RedisServer server = await BenchServer.GetAsync();
        await using Sluice.Redis.RedisStreamStore shared = await Sluice.Redis.RedisStreamStore.ConnectAsync(server.Address);
        await FillAsync(shared);
        results.AddRange(await MeasureAsync("top-redis", $"redis:{server.Address}", quick));
        results.AddRange(await WhileWrittenAsync(shared, "top-redis-busy", $"redis:{server.Address}", quick));
        return results;
    }

    private static async Task FillAsync(IStreamStore store)
    {
        for (int stream = 0; stream < Streams; stream++)
        {
            string name = Name(stream);
            await store.OpenStreamAsync(name, new() { Partitions = Partitions, MaxItems = long.MaxValue });
            await store.AddGroupAsync(new(name, name));
            await AppendAsync(store, name, "filler", from: 1, Entries);
        }
    }

    private static async Task AppendAsync(IStreamStore store, string stream, string producer, long from, int count)
    {
        using var batch = new EntryBatch { Stream = stream };
        for (long number = from; number < from + count; number += batch.Count)
        {
            batch.Clear();
            while (batch.Count < Math.Min(Batch, count)) batch.Add(new byte[BytesPerEntry]);
            AppendResult result = await store.AppendAsync(new(stream, producer, 0, number, batch));
            if (result.Status != AppendStatus.Accepted) throw new WrongResultException($"an append was {result.Status}");
        }
    }

    private static async Task<List<Result>> WhileWrittenAsync(IStreamStore store, string comparison, string text, bool quick)
    {
        using var end = new CancellationTokenSource();
        Task writing = Task.Run(async () =>
        {
            for (int call = 0; !end.IsCancellationRequested; call++)
                await AppendAsync(store, Name(call % Streams), "writer", from: (call / Streams * 10) + 1, 10);
        });
        List<Result> results = await MeasureAsync(comparison, text, quick);
        await end.CancelAsync();
        await writing;
        return results;
    }

    private static async Task<List<Result>> MeasureAsync(string comparison, string store, bool quick)
    {
        (int rounds, TimeSpan span) = quick ? (1, TimeSpan.FromSeconds(5)) : (3, TimeSpan.FromSeconds(30));
        var (first, second) = (new Measurement(Variant.Ours), new Measurement("second"));
        var (used, core) = (new Measurement(Variant.Ours), new Measurement("core"));
        second.Add(1000, double.NaN);
        core.Add(100, double.NaN);
        for (int round = 0; round < rounds; round++)
        {
            long started = Stopwatch.GetTimestamp();
            using var terminal = new Terminal(store);
            await terminal.UntilAsync("stream-");
            first.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds, double.NaN);
            await Task.Delay(Settling);
            TimeSpan before = terminal.Used();
            started = Stopwatch.GetTimestamp();
            await Task.Delay(span);
            used.Add(100 * (terminal.Used() - before) / Stopwatch.GetElapsedTime(started), double.NaN);
        }
        return [new($"{comparison}-first", [first, second]) { Unit = "ms" }, new(comparison, [used, core]) { Unit = "% of core" }];
    }

    private static string Name(int stream) => $"stream-{stream:000}";

    /// <summary>The command on a terminal of 120 by 40, which the program <c>script</c> gives it.</summary>
    private sealed class Terminal : IDisposable
    {
        private readonly Process script;
        private readonly StringBuilder output = new();
        private readonly Task reading;
        private Process? command;

        public Terminal(string store)
        {
            var build = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
            string program = Path.Combine(build.Parent!.Parent!.FullName, "Sluice.Cli", build.Name, "Sluice.Cli.dll");
            script = Process.Start(new ProcessStartInfo("script", ["--quiet", "--flush", "--command",
                $"stty cols 120 rows 40; echo pid $$.; exec env TERM=xterm dotnet {program} top {store}", "/dev/null"])
            { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            reading = ReadAsync();
        }

        /// <summary>Waits until the terminal has shown a text.</summary>
        public async Task UntilAsync(string text)
        {
            while (true)
            {
                lock (output)
                {
                    string shown = output.ToString();
                    if (shown.Contains(text, StringComparison.Ordinal))
                    {
                        int from = shown.IndexOf("pid ", StringComparison.Ordinal) + 4;
                        command = Process.GetProcessById(int.Parse(shown[from..shown.IndexOf('.', from)],
                            System.Globalization.CultureInfo.InvariantCulture));
                        return;
                    }
                    if (reading.IsCompleted) throw new WrongResultException($"sluice top has ended: {shown}");
                }
                await Task.Delay(1);
            }
        }

        /// <summary>The processor time of the command.</summary>
        public TimeSpan Used()
        {
            command!.Refresh();
            return command.TotalProcessorTime;
        }

        public void Dispose()
        {
            command?.Kill();
            if (!script.WaitForExit(TimeSpan.FromSeconds(30))) script.Kill();
            command?.Dispose();
            script.Dispose();
        }

        private async Task ReadAsync()
        {
            char[] buffer = new char[16 * 1024];
            while (await script.StandardOutput.ReadAsync(buffer) is > 0 and var read)
                lock (output) output.Append(buffer, 0, read);
        }
    }
}
