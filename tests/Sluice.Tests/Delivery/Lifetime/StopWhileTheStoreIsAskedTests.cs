using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor is stopped while it waits for its store. No code of the user runs, so no text speaks of such code.</summary>
/// <remarks>The clock stands still: a stop that waits for a timeout would never end.</remarks>
public class StopWhileTheStoreIsAskedTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<string> warnings = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(nameof(IStreamStore.LeaseAsync))]
    [InlineData(nameof(IStreamStore.FindGroupAsync))]            // behind a lease that has failed
    [InlineData(nameof(IStreamStore.ListStateAsync))]            // before a round
    [InlineData(nameof(IStreamStore.ReadStateAsync))]            // before a round, of its keys
    public async Task AStopDoesNotWaitForACallOfThePump(string call)
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new SilentStore(memory);
        Consecutor<int> work = Make(store);
        await work.StartAsync(Cancellation);
        store.Silent = call;
        await work.SendAsync(1, Cancellation);
        await store.Asked.Task.WaitAsync(Patience, Cancellation);
        await work.StopAsync(TimeSpan.Zero, CancellationToken.None).WaitAsync(Patience, Cancellation);
        await work.Completion;
        Assert.Empty(warnings);
        GroupInfo group = (await memory.FindGroupAsync(Member.Group, Cancellation))!;
        Assert.Empty(group.Members);
        Assert.Null(group.Partitions[0].Owner);

        // The late answer does no harm, and the stop costs the item no attempt.
        store.Silent = null;
        store.Answer.SetResult();
        await using Consecutor<int> next = Make(memory);
        await next.StartAsync(Cancellation);
        ConsecutorSnapshot end = await next.WaitForIdleAsync(Cancellation).WaitAsync(Patience, Cancellation);
        Assert.Equal((1L, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));

        Consecutor<int> Make(IStreamStore at)
            => new("work", static source => source | StageNode.Of(static () => new CountByKey<int>()) | Stage.Named("count")
                | (static _ => { }), Options(at))
            { Key = static n => $"{n}" };
    }

    /// <remarks>The release waits for the answer to the commit, for a part of the lease duration; the run does not.</remarks>
    [Fact]
    public async Task AStopDoesNotWaitForTheCommitBeforeAnItemStarts()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new SilentStore(memory);
        var work = new Consecutor<int>("work", static source => source.ForEach(static _ => { }), Options(store) with
        {
            Delivery = DeliveryGuarantee.None,
            Run = new() { Time = clock, StopTimeout = TimeSpan.FromHours(10) }
        });
        await work.StartAsync(Cancellation);
        store.Silent = nameof(IStreamStore.CommitAsync);
        await work.SendAsync(1, Cancellation);
        await store.Asked.Task.WaitAsync(Patience, Cancellation);
        long begun = clock.GetTimestamp();
        Task<bool> stop = work.StopAsync(TimeSpan.Zero, CancellationToken.None);
        while (!stop.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(0.5));
            await Task.Delay(1, Cancellation);       // a stop whose thread stands still must not seem to take hours
        }
        Assert.InRange(clock.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromHours(9));
        Assert.DoesNotContain(warnings, static text => text.Contains("does not heed", StringComparison.Ordinal));
        store.Silent = null;
        store.Answer.SetResult();
    }

    [Fact]
    public async Task AStopDoesNotWaitForTheStateOfAnItem()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new SilentStore(memory) { FailsState = true };
        Consecutor<int> work = Make(store);
        await work.SendAsync(1, Cancellation);
        await work.StartAsync(Cancellation);
        await store.Asked.Task.WaitAsync(Patience, Cancellation);
        await work.StopAsync(TimeSpan.Zero, CancellationToken.None).WaitAsync(Patience, Cancellation);
        await work.Completion;
        Assert.DoesNotContain(warnings, static text => text.Contains("does not heed", StringComparison.Ordinal));

        await using Consecutor<int> next = Make(memory);
        await next.StartAsync(Cancellation);
        ConsecutorSnapshot end = await next.WaitForIdleAsync(Cancellation).WaitAsync(Patience, Cancellation);
        Assert.Equal((1L, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));

        // The key is not known before the stage, so the row is read when the item comes there.
        Consecutor<int> Make(IStreamStore at) => new("work",
            static source => source | (static n => $"{n}") | Stage.KeyBy(static (string text) => text)
                | StageNode.Of(static () => new CountByKey<string>()) | Stage.Named("count") | (static _ => { }),
            Options(at));
    }

    private ConsecutorOptions Options(IStreamStore store)
        => Member.Options("one", store, clock) with
        {
            OnWarning = warnings.Enqueue,
            StateMemory = new(0),
            Delivery = DeliveryGuarantee.Confirm
        };

    /// <summary>Does not answer one kind of call, and ignores its token; or fails each read of a row of the node 'count'.</summary>
    private sealed class SilentStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public volatile string? Silent;

        public bool FailsState { get; init; }

        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node,
            IReadOnlyList<string> keys, CancellationToken cancellation = default)
        {
            if (!FailsState || node != "count") return base.ReadStateAsync(group, partition, node, keys, cancellation);
            Asked.TrySetResult();
            throw new StreamStoreException("The connection is cut.");
        }

        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
            => Silent == nameof(FindGroupAsync) ? throw new StreamStoreException("The connection is cut.")
                : base.LeaseAsync(request, cancellation);

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (name == Silent)
            {
                Asked.TrySetResult();
                await Answer.Task;
            }
            return await call();
        }
    }
}
