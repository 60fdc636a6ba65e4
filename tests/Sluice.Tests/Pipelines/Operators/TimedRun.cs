using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>A run in which items come and time passes only when the test says so.</summary>
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

    public TimedRun(ExecutionMode mode, Func<Source<int>, Source<TOut>> pipeline, int? maxBufferedItems = null)
        : this(mode, (source, _) => pipeline(source), maxBufferedItems)
    {
    }

    /// <param name="mode">The execution mode. The test's scheduler runs the pipeline in every mode.</param>
    /// <param name="pipeline">Builds the pipeline from two sources. The second source emits the negative numbers.</param>
    /// <param name="maxBufferedItems">The room in front of each island; null for the default.</param>
    public TimedRun(ExecutionMode mode, Func<Source<int>, Source<int>, Source<TOut>> pipeline, int? maxBufferedItems = null)
    {
        start = Clock.GetUtcNow();
        Run = pipeline(Feed(input).Select(Arrive), Feed(negative).Select(Arrive)).ForEachAsync(async (item, _, cancellation) =>
        {
            seen.Add(string.Create(CultureInfo.InvariantCulture, $"{item}@{(Clock.GetUtcNow() - start).TotalSeconds}"));
            if (block is { } until) await until.Task.WaitAsync(cancellation);
        }).Start(new RunOptions
        {
            Mode = mode,
            Scheduler = scheduler,
            Time = Clock,
            TrackItems = true,
            MaxBufferedItems = maxBufferedItems ?? new RunOptions().MaxBufferedItems,
        });
        Rest();
    }

    public TestClock Clock { get; } = new();

    public PipelineRun Run { get; }

    /// <summary>The output, with the seconds since the start: <c>1@0 2@1.5</c>.</summary>
    public string Seen => string.Join(' ', seen);

    /// <summary>The number of work items that were executed.</summary>
    public int Executed => scheduler.Executed;

    /// <summary>The only node of a kind.</summary>
    public NodeSnapshot Node(string kind) => Run.Snapshot().Nodes.Single(node => node.Node.Kind == kind);

    /// <summary>Sends items now.</summary>
    public void Send(params IEnumerable<int> items)
    {
        foreach (int item in items) Write(item);
        Rest();
    }

    /// <summary>Advances the clock while the item is on its way, so that the item arrives before the ticks that are due then.</summary>
    public void SendMeanwhile(double seconds, int item)
    {
        arriving = () => Clock.Advance(TimeSpan.FromSeconds(seconds));
        Send(item);
    }

    /// <summary>Ends both sources.</summary>
    public void End()
    {
        input.Writer.Complete();
        negative.Writer.Complete();
        Rest();
    }

    /// <summary>Sends an item, advances the clock and ends the sources, so that the end arrives before the ticks that are due
    /// then.</summary>
    public void EndMeanwhile(double seconds, int item)
    {
        ending = () => Clock.Advance(TimeSpan.FromSeconds(seconds));
        Write(item);
        End();
    }

    /// <summary>Advances the clock from timer to timer, and runs the work that each timer starts.</summary>
    public void Pass(double seconds) => Clock.AdvanceAsync(TimeSpan.FromSeconds(seconds), () =>
    {
        Rest();
        return Task.CompletedTask;
    }).GetAwaiter().GetResult();

    /// <summary>Advances the clock in one jump before any work runs, so that timers are late.</summary>
    public void Jump(double seconds)
    {
        Clock.Advance(TimeSpan.FromSeconds(seconds));
        Rest();
    }

    /// <summary>Makes the sink wait in its next item until <see cref="Unblock"/>.</summary>
    public void Block() => block = new TaskCompletionSource();

    public void Unblock()
    {
        TaskCompletionSource? until = block;
        block = null;
        until!.SetResult();
        Rest();
    }

    /// <summary>Lets the sink, which waits in an item, have that item and wait in the next one.</summary>
    public void Step()
    {
        TaskCompletionSource? until = block;
        Block();
        until!.SetResult();
        Rest();
    }

    public void Rest() => scheduler.RunUntilIdle();

    public void Cancel()
    {
        _ = Run.CancelAsync();
        Rest();
    }

    /// <summary>Asserts that the run ended normally, that its item counts balance, and that no timer is armed.</summary>
    public async Task AssertEndedAsync()
    {
        Assert.True(Run.Completion.IsCompleted, "the run has not ended");
        await Run.Completion;
        ItemCounts roots = Run.Snapshot().Roots!.Value;
        Assert.Equal((0L, 0L), (roots.Failed, roots.Pending));
        Assert.Equal(roots.Accepted, roots.Completed + roots.Skipped);
        Assert.Equal(0, Clock.ArmedTimers);
    }

    /// <summary>Asserts that the run was cancelled, and that no stage runs and no timer is armed.</summary>
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

/// <summary>Advances the clock of a run that uses real threads.</summary>
internal static class ClockDriver
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Advances the clock from timer to timer until the run has ended. Distant timers, such as the stop timeout, do not
    /// fire.</summary>
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
