using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>A run whose items come, and whose time goes by, only when the test says so; in between, everything rests.</summary>
internal sealed class TimedRun<TOut> : IAsyncDisposable
{
    private readonly Channel<int> input = NewChannel();
    private readonly Channel<int> negative = NewChannel();
    private readonly QueueScheduler scheduler = new();
    private readonly List<string> seen = [];
    private readonly DateTimeOffset start;
    private TaskCompletionSource? block;
    private Action? arriving;
    private Action? ending;

    public TimedRun(ExecutionMode mode, Func<Source<int>, Source<TOut>> pipeline) : this(mode, (source, _) => pipeline(source))
    {
    }

    /// <param name="mode">How it runs; by the test's scheduler in any case.</param>
    /// <param name="pipeline">The pipeline of two sources; negative numbers come from the second.</param>
    public TimedRun(ExecutionMode mode, Func<Source<int>, Source<int>, Source<TOut>> pipeline)
    {
        start = Clock.GetUtcNow();
        Run = pipeline(Feed(input).Select(Arrive), Feed(negative).Select(Arrive)).ForEachAsync(async (item, _, cancellation) =>
        {
            seen.Add(string.Create(CultureInfo.InvariantCulture, $"{item}@{(Clock.GetUtcNow() - start).TotalSeconds}"));
            if (block is { } until) await until.Task.WaitAsync(cancellation);
        }).Start(new RunOptions { Mode = mode, Scheduler = scheduler, Time = Clock, TrackItems = true });
        Rest();
    }

    public TestClock Clock { get; } = new();

    public PipelineRun Run { get; }

    /// <summary>What came out, and after how many seconds: <c>1@0 2@1.5</c>.</summary>
    public string Seen => string.Join(' ', seen);

    /// <summary>The node of a kind.</summary>
    public NodeSnapshot Node(string kind) => Run.Snapshot().Nodes.Single(node => node.Node.Kind == kind);

    /// <summary>Items come, now.</summary>
    public void Send(params IEnumerable<int> items)
    {
        foreach (int item in items) Write(item);
        Rest();
    }

    /// <summary>Time goes by while the item is on its way: it gets ahead of the ticks that are due at the moment it comes.</summary>
    public void SendMeanwhile(double seconds, int item)
    {
        arriving = () => Clock.Advance(TimeSpan.FromSeconds(seconds));
        Send(item);
    }

    /// <summary>No more items come.</summary>
    public void End()
    {
        input.Writer.Complete();
        negative.Writer.Complete();
        Rest();
    }

    /// <summary>An item comes, and time goes by before the end behind it, which gets ahead of the ticks that are due at that
    /// moment.</summary>
    public void EndMeanwhile(double seconds, int item)
    {
        ending = () => Clock.Advance(TimeSpan.FromSeconds(seconds));
        Write(item);
        End();
    }

    /// <summary>Time goes by; what it sets going comes to rest at each moment.</summary>
    public void Pass(double seconds) => Clock.AdvanceAsync(TimeSpan.FromSeconds(seconds), () =>
    {
        Rest();
        return Task.CompletedTask;
    }).GetAwaiter().GetResult();

    /// <summary>Time goes by, and nothing runs before it has: the clock jumps, timers are late.</summary>
    public void Jump(double seconds)
    {
        Clock.Advance(TimeSpan.FromSeconds(seconds));
        Rest();
    }

    /// <summary>From here on the sink keeps the item it has.</summary>
    public void Block() => block = new TaskCompletionSource();

    public void Unblock()
    {
        TaskCompletionSource? until = block;
        block = null;
        until!.SetResult();
        Rest();
    }

    public void Rest() => scheduler.RunUntilIdle();

    public void Cancel()
    {
        _ = Run.CancelAsync();
        Rest();
    }

    /// <summary>It has ended normally, its books balance, and it has left no timer behind.</summary>
    public async Task AssertEndedAsync()
    {
        Assert.True(Run.Completion.IsCompleted, "the run has not ended");
        await Run.Completion;
        ItemCounts roots = Run.Snapshot().Roots!.Value;
        Assert.Equal((0L, 0L), (roots.Failed, roots.Pending));
        Assert.Equal(roots.Accepted, roots.Completed + roots.Skipped);
        Assert.Equal(0, Clock.ArmedTimers);
    }

    /// <summary>It was cancelled, and nothing is left of it.</summary>
    public void AssertCancelled()
    {
        Assert.True(Run.Completion.IsCanceled, "the run has not ended");
        Assert.Empty(Run.StillRunning);
        Assert.Equal(0, Clock.ArmedTimers);
    }

    public async ValueTask DisposeAsync()
    {
        _ = Run.CancelAsync();
        Rest();
        await Run.DisposeAsync();
    }

    private void Write(int item) => Assert.True((item < 0 ? negative : input).Writer.TryWrite(item));

    private Source<int> Feed(Channel<int> channel)
    {
        return Source.From(ItemsAsync());

        async IAsyncEnumerable<int> ItemsAsync([EnumeratorCancellation] CancellationToken cancellation = default)
        {
            await foreach (int item in channel.Reader.ReadAllAsync(cancellation)) yield return item;
            Interlocked.Exchange(ref ending, null)?.Invoke();
        }
    }

    private int Arrive(int item)
    {
        Interlocked.Exchange(ref arriving, null)?.Invoke();
        return item;
    }

    private static Channel<int> NewChannel() => Channel.CreateUnbounded<int>(
        new UnboundedChannelOptions { AllowSynchronousContinuations = true });
}

/// <summary>Moves the clock of a run that has threads of its own.</summary>
internal static class ClockDriver
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>From timer to timer, until the run has ended. Timers far away, such as the grace of a stopped run, are left
    /// alone.</summary>
    public static async Task DriveAsync(PipelineRun run, TestClock clock)
    {
        while (!run.Completion.IsCompleted)
        {
            using var stop = new CancellationTokenSource();
            Task timers = clock.WaitForTimersAsync(1, stop.Token);
            await Task.WhenAny(run.Completion, timers);
            await stop.CancelAsync();
            if (clock.NextDue is not { } next) continue;
            TimeSpan wait = next - clock.GetUtcNow();
            if (wait > Patience) break;
            clock.Advance(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
        }
        await run.Completion;
    }
}
