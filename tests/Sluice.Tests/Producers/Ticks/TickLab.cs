using System.Collections.Concurrent;
using System.Globalization;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Producers;

/// <summary>A tick producer in front of a consecutor, over several lives of the process. The wall clock can be set.</summary>
internal sealed class TickLab : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();
    private readonly TestClock clock = new();

    public TickLab() => Wall = new(clock);

    public WallClock Wall { get; }

    /// <summary>The number of calls of the function, for each tick.</summary>
    public ConcurrentDictionary<string, int> Starts { get; } = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static string Text(DateTimeOffset time) => time.ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    public string Started(Tick tick)
    {
        string text = Text(tick.Time);
        Starts.AddOrUpdate(text, 1, static (_, known) => known + 1);
        return text;
    }

    /// <summary>Begins a life of the process.</summary>
    public Life Begin(Source<string> source, IStreamStore? through = null, int seed = 1)
    {
        var consecutor = new Consecutor<string>("ticks", items => items | (_ => { }), Options(through ?? store));
        return new(this, consecutor, (source | consecutor).Start(new RunOptions
        {
            Time = Wall,
            Seed = seed,
            Mode = seed % 2 == 0
            ? ExecutionMode.SingleThread : ExecutionMode.MultiThread
        }));
    }

    public MortalStore Mortal(int dieAt, Moment moment) => new(store, dieAt, moment);

    /// <summary>Waits until <paramref name="lives"/> lives wait for their next ticks.</summary>
    public Task WaitingAsync(int lives) => clock.WaitForTimersAsync(lives, Cancellation);

    /// <summary>Moves the wall clock while no process runs.</summary>
    public void Pass(TimeSpan time) => clock.Advance(time);

    /// <summary>All accepted items, in order.</summary>
    public async Task<string[]> AcceptedAsync()
    {
        var seen = new ConcurrentQueue<string>();
        await using var consecutor = new Consecutor<string>("ticks", items => items | seen.Enqueue, Options(store));
        await consecutor.StartAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        return [.. seen];
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static ConsecutorOptions Options(IStreamStore store)
        => new() { Store = store, Process = new(), Stream = new() { Partitions = 1 }, Run = new() { Mode = ExecutionMode.SingleThread } };

    internal sealed class Life(TickLab lab, Consecutor<string> consecutor, PipelineRun run)
    {
        public PipelineRun Run => run;

        /// <summary>Lets time pass, from one timer to the next, until the run has ended or <paramref name="until"/> completes.</summary>
        public async Task PassAsync(TimeSpan time, Task? until = null)
        {
            Task ended = until is null ? run.Completion : Task.WhenAny(run.Completion, until);
            for (DateTimeOffset end = lab.clock.GetUtcNow() + time; ;)
            {
                await Task.WhenAny(ended, lab.clock.WaitForTimersAsync(1, Cancellation));
                if (ended.IsCompleted) return;
                if (lab.clock.NextDue is not { } due) continue;          // the run is about to end
                lab.clock.SetUtcNow(due < end ? due : end);
                if (due > end) return;
            }
        }

        public async Task StopAsync()
        {
            Assert.True(await run.StopAsync());
            await run.Completion;
            await consecutor.DisposeAsync();
        }

        /// <summary>Ends the life like a process that is killed.</summary>
        public async Task KillAsync()
        {
            _ = run.CancelAsync();
            await consecutor.AbandonAsync();
            await run.Completion.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.None,
                TaskScheduler.Default);
            await run.DisposeAsync();
        }
    }
}
