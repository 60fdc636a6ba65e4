using System.Diagnostics;
using System.Globalization;
using Sluice.Celery;
using Sluice.Flows;

namespace Sluice.Bench;

/// <summary>
/// From the start of a run to the first value of a processor in a Celery worker, on an idle system, against the round trip of a bare task
/// of the same worker, from a Python program that is warm. Both over one Redis.
/// </summary>
internal static class CeleryStarts
{
    private const string Python = "/usr/bin/python3", Rival = "celery-round-trip";

    private static readonly string Functions = Path.Combine(AppContext.BaseDirectory, "Python");
    private static readonly Processor Double = new("double") { Inputs = ["number"], Outputs = ["doubled"] };
    private static readonly Flow Flow = Sluice.Flows.Flow.From(Double).Resolve();
    private static MemoryStreamStore? store;
    private static Supervisor? supervisor;
    private static Process? worker, rival;

    public static Scenario Scenario { get; } = new("celery-start",
        "supervisor.StartAsync to the first value from a Celery worker, idle system; against task.delay().get(); the column is the p50",
    [
        new Comparison("celery-start", 500, 100, static count => count,
        [
            new Variant(Variant.Ours, StartsAsync),
            new Variant(Rival, RoundTripsAsync),
        ]) { WarmCount = 100 },
    ])
    { Finish = Stop };

    private static async Task<Outcome> StartsAsync(long count)
    {
        string broker = await WorkerAsync();
        if (supervisor is null)
        {
            store = new();
            supervisor = Supervisor.Attach(store, new() { Name = "bench" });
            supervisor.Register(Double, Executor.Celery(broker));
        }
        var times = new long[count];
        for (int i = 0; i < count; i++)
        {
            long began = Stopwatch.GetTimestamp();
            await using FlowRun run = await supervisor.StartAsync(Flow, [IOVal.Of("number", i)]);
            int doubled = await run.Output<int>("doubled").FirstAsync();
            times[i] = Stopwatch.GetTimestamp() - began;
            if (doubled != 2 * i) throw new WrongResultException($"{i} was doubled to {doubled}");
            await run.Completion;
        }
        Array.Sort(times);
        return new(count, times[count / 2] * 1e9 / Stopwatch.Frequency);
    }

    private static async Task<Outcome> RoundTripsAsync(long count)
    {
        if (rival is null)
        {
            rival = Start(await WorkerAsync(), Path.Combine(Functions, "bench_celery.py"));
            await UntilAsync(rival.StandardOutput, "ready");
        }
        await rival.StandardInput.WriteLineAsync(count.ToString(CultureInfo.InvariantCulture));
        return new(count, double.Parse((await rival.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture));
    }

    private static async Task<string> WorkerAsync()
    {
        string broker = $"redis://127.0.0.1:{(await BenchServer.GetAsync()).Port}/0";
        if (worker is not null) return broker;
        worker = Start(broker, "-m", "celery", "-A", "bench_celery", "worker", "-Q", "sluice,celery", "-c", "2", "-l", "WARNING",
            "--without-gossip", "--without-mingle", "--without-heartbeat");
        return broker;
    }

    private static Process Start(string broker, params string[] arguments)
    {
        var start = new ProcessStartInfo(Python, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Functions
        };
        (start.Environment["BENCH_BROKER"], start.Environment["C_FORCE_ROOT"]) = (broker, "1");
        start.Environment["PYTHONPATH"] = $"{PythonMaps.Package()}:{Functions}";
        return Process.Start(start)!;
    }

    private static async Task UntilAsync(StreamReader reader, string line)
    {
        while (await reader.ReadLineAsync() is var read && read != line)
        {
            if (read is null) throw new InvalidOperationException("The Python program has ended: is celery installed for it?");
        }
    }

    private static void Stop()
    {
        supervisor?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        store?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        foreach (Process? process in (Process?[])[rival, worker])
        {
            if (process is null) continue;
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
        BenchServer.Stop();
        (supervisor, store, rival, worker) = (null, null, null, null);
    }
}
