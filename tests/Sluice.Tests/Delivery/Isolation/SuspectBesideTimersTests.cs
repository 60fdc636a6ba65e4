using System.Collections.Concurrent;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>While a suspect of a crash runs alone, no timer of its process fires: a crash is the suspect's own.</summary>
public class SuspectBesideTimersTests
{
    private static readonly TimeSpan Soon = Member.LeaseTime / 3;
    private static readonly string[] Keys = [.. Enumerable.Range(0, 2).Select(partition => Enumerable.Range(0, 100)
        .Select(static n => $"k{n}").First(key => EntryKey.Of(key).PartitionOf(2) == partition))];

    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<string> steps = new();
    private readonly TaskCompletionSource suspect = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource timer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ATimerThatIsDueWaitsForTheSuspect(bool isElsewhere)
    {
        timer.SetResult();
        await using var store = new MemoryStreamStore(clock);
        var process = new ExclusiveExecution();
        await using Consecutor<string>? other = isElsewhere ? Make("other", store, process) : null;
        if (other is not null)
        {
            await other.StartAsync(Cancellation);
            await other.SendAsync($"set {Keys[1]}", Cancellation);
            await other.WaitForIdleAsync(Cancellation);
        }
        await CrashAsync(store, setsTimer: !isElsewhere);
        steps.Clear();
        await using Consecutor<string> work = Make("work", store, process);
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(() => !steps.IsEmpty);
        clock.Advance(Soon);
        for (int i = 0; i < 2_000; i++) await Member.NextAsync();
        Assert.Equal([$"hang {Keys[0]}"], steps);
        suspect.SetResult();
        await Member.UntilAsync(() => steps.Count == 2);
        Assert.Equal($"timer {Keys[1]}", steps.Last());
        Assert.Equal((0L, 0L), ((await work.WaitForIdleAsync(Cancellation)).Dead, work.Snapshot().Unaccounted));
    }

    [Fact]
    public async Task ASuspectWaitsForATimerThatFiresElsewhere()
    {
        suspect.SetResult();
        await using var store = new MemoryStreamStore(clock);
        var process = new ExclusiveExecution();
        await using Consecutor<string> other = Make("other", store, process);
        await other.StartAsync(Cancellation);
        await other.SendAsync($"set {Keys[1]}", Cancellation);
        await other.WaitForIdleAsync(Cancellation);
        clock.Advance(Soon);
        await Member.UntilAsync(() => steps.Contains($"timer {Keys[1]}"));
        await CrashAsync(store, setsTimer: false);
        steps.Clear();
        await using Consecutor<string> work = Make("work", store, process);
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(() => process.IsAsked);
        for (int i = 0; i < 2_000; i++) await Member.NextAsync();
        Assert.Empty(steps);
        timer.SetResult();
        Assert.Equal(0, (await work.WaitForIdleAsync(Cancellation)).Dead);
        Assert.Equal([$"hang {Keys[0]}"], steps);
    }

    /// <summary>A process dies while its last item is in flight.</summary>
    private async Task CrashAsync(IStreamStore store, bool setsTimer)
    {
        await using Consecutor<string> dies = Make("work", store, new(), hangs: true);
        await dies.StartAsync(Cancellation);
        if (setsTimer) await dies.SendAsync($"set {Keys[1]}", Cancellation);
        await dies.WaitForIdleAsync(Cancellation);
        await dies.SendAsync($"hang {Keys[0]}", Cancellation);
        await Member.UntilAsync(() => steps.Contains($"hang {Keys[0]}"));
        await dies.AbandonAsync();
    }

    private Consecutor<string> Make(string name, IStreamStore store, ExclusiveExecution process, bool hangs = false)
        => new(name, source => (source | StageNode.Of(() => new Alarm()) | Stage.Named("alarm")).ForEachAsync(
            async (string item, ItemContext _, CancellationToken cancellation) =>
            {
                steps.Enqueue(item);
                if (hangs) await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
                else await (item.StartsWith("timer", StringComparison.Ordinal) ? timer : suspect).Task.WaitAsync(cancellation);
            }) | Stage.Parallel(2),                  // the pump is free meanwhile
            Member.Options("me", store, clock, 2) with { Process = process, Delivery = DeliveryGuarantee.Confirm })
        { Key = static item => item.Split(' ')[1] };

    private sealed class Alarm : TimedStageNode<string, string, int>
    {
        protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
        {
            if (item.StartsWith("hang", StringComparison.Ordinal)) return output.PushAsync(item);
            Timers.Set(Soon);
            return default;
        }

        protected override ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation)
            => output.PushAsync($"timer {Key}");
    }
}
