using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>Runs of which a processor has no host any more can be removed, and services that live for minutes remove runs.</summary>
public sealed class AbandonedWorkTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(9);
    private static readonly TimeSpan Keep = TimeSpan.FromDays(1);
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    private readonly TestClock clock = new();

    [Fact]
    public async Task ACancelledRunWhoseHostHasDiedForGoodCanBeDeleted()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Supervisor starter = Join(store, "starter", Timeout.InfiniteTimeSpan);
        await CancelAfterDeathAsync(store, starter);
        await AdvanceUntilAsync(async () => !await DeletedAsync());
        clock.Advance(Lease);
        await AdvanceUntilAsync(DeletedAsync);
        Assert.Empty(await store.ListStreamsAsync("flow/", FlowLab.Cancellation));
        GroupInfo hosts = (await store.FindGroupAsync(FlowNames.Hosts("work"), FlowLab.Cancellation))!;
        Assert.DoesNotContain(hosts.Members, static member => member.Name == "starter");
        Assert.DoesNotContain(hosts.Partitions, static partition => partition.Owner == "starter");

        async Task<bool> DeletedAsync()
        {
            try
            {
                return await starter.DeleteAsync("r", FlowLab.Cancellation);
            }
            catch (InvalidOperationException e)
            {
                Assert.Contains("has not ended yet on dying. Delete the run when it has, or, if that service is gone, when it has been "
                    + "silent for 9 s.", e.Message, StringComparison.Ordinal);
                return false;
            }
        }
    }

    /// <summary>The service joins the group of the processor for a moment, and leaves it whatever happens meanwhile.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADeletionThatIsCancelledOrFailsInTheMiddleCanBeRepeated(bool isCancelled)
    {
        await using var inner = new MemoryStreamStore(clock);
        await using var store = new BrokenOffStore(inner);
        await using Supervisor starter = Join(store, "starter", Timeout.InfiniteTimeSpan);
        await CancelAfterDeathAsync(store, starter);
        await AdvanceUntilAsync(async () => await FailedAsync(default));
        clock.Advance(Lease);

        using var giveUp = new CancellationTokenSource();
        if (isCancelled) store.CancelsAfterHeartbeat = giveUp;
        else store.FailsToLeave = true;
        if (isCancelled)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starter.DeleteAsync("r", giveUp.Token));
        else await AdvanceUntilAsync(async () => await FailedAsync(default) is var _);
        store.Gate.TrySetResult();
        var looks = new Rounds(10_000);
        while (await IsMemberAsync())
        {
            Assert.True(await looks.GoOnAsync(), "The starter stays a member.");
            await Task.Yield();
        }
        await AdvanceUntilAsync(async () => !await FailedAsync(FlowLab.Cancellation));
        Assert.Empty(await store.ListStreamsAsync("flow/", FlowLab.Cancellation));

        async Task<bool> IsMemberAsync() => (await inner.FindGroupAsync(FlowNames.Hosts("work"), FlowLab.Cancellation))!.Members
            .Any(static member => member.Name == "starter");

        async Task<bool> FailedAsync(CancellationToken cancellation)
        {
            try
            {
                await starter.DeleteAsync("r", cancellation);
                return false;
            }
            catch (Exception e) when (e is InvalidOperationException or StreamStoreException)
            {
                return true;
            }
        }
    }

    /// <summary>Also if the service is the next start of the host that died, under the same name and without the processor.</summary>
    [Theory]
    [InlineData("starter")]
    [InlineData("dying")]
    public async Task ACancelledRunWhoseHostHasDiedForGoodIsRemovedAfterItsRetention(string sweeper)
    {
        await using var store = new MemoryStreamStore(clock);
        await using Supervisor starter = Join(store, "starter", sweeper == "starter" ? Keep : Timeout.InfiniteTimeSpan);
        await CancelAfterDeathAsync(store, starter);
        await using Supervisor? next = sweeper == "starter" ? null : Join(store, sweeper, Keep);
        DateTimeOffset cancelled = clock.GetUtcNow();
        while ((await store.ListStreamsAsync("flow/", FlowLab.Cancellation)).Count > 0)
        {
            await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
            clock.Advance(TimeSpan.FromMinutes(1));
            Assert.True(clock.GetUtcNow() - cancelled < 2 * Keep, "the run is kept for ever");
        }
        Assert.True(clock.GetUtcNow() - cancelled >= Keep, $"the run was removed after {clock.GetUtcNow() - cancelled}");
    }

    /// <remarks>Formerly the first look was an hour after the start.</remarks>
    [Fact]
    public async Task AServiceThatLivesForASmallPartOfAMinuteRemovesRuns()
    {
        await using var store = new MemoryStreamStore(clock);
        await using (Supervisor host = Join(store, "host", Timeout.InfiniteTimeSpan))
        {
            host.Register(Work, StartTests.CopyAsync);
            await using FlowRun run = await host.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)],
                cancellation: FlowLab.Cancellation);
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        }
        clock.Advance(Keep);
        await using Supervisor brief = Join(store, "brief", Keep);
        DateTimeOffset began = clock.GetUtcNow();
        while ((await store.ListStreamsAsync("flow/", FlowLab.Cancellation)).Count > 0)
        {
            await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
            if (clock.GetUtcNow() - began < TimeSpan.FromSeconds(11)) clock.Advance(TimeSpan.FromSeconds(1));
            else await Task.Yield();
        }
    }

    private sealed class BrokenOffStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private CancellationTokenSource? cancels;
        private int failsToLeave;

        /// <summary>Cancelled once the next heartbeat of the starter was executed, whose answer does not come before the gate.</summary>
        public CancellationTokenSource? CancelsAfterHeartbeat { set => cancels = value; }

        public bool FailsToLeave { set => failsToLeave = value ? 1 : 0; }

        public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
        {
            HeartbeatResult result = await base.HeartbeatAsync(request, cancellation);
            if (request.Group == FlowNames.Hosts("work") && Interlocked.Exchange(ref cancels, null) is { } over)
            {
                await over.CancelAsync();
                await Gate.Task;
            }
            return result;
        }

        public override ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default)
            => group == FlowNames.Hosts("work") && Interlocked.Exchange(ref failsToLeave, 0) == 1
            ? throw new StreamStoreException("The connection is cut.") : base.LeaveAsync(group, member, instance, cancellation);
    }

    private Supervisor Join(IStreamStore store, string name, TimeSpan keep)
        => Supervisor.Attach(store, new() { Name = name, Time = clock, LeaseDuration = Lease, RunRetentionDuration = keep });

    private async Task CancelAfterDeathAsync(IStreamStore store, Supervisor starter)
    {
        Supervisor dying = Join(store, "dying", Timeout.InfiniteTimeSpan);
        dying.Register(Work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(1, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], run: "r", allOutputs: true,
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await dying.AbandonAsync();
        await run.CancelAsync(cancellation: FlowLab.Cancellation);
    }

    private async Task AdvanceUntilAsync(Func<Task<bool>> isSoAsync)
    {
        Task<bool> asking = isSoAsync();
        while (!asking.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.True(await asking);
    }
}
