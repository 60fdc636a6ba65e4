using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The start of a member loads partitions for longer than the lease duration.</summary>
public class LongLoadTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AMemberThatLoadsForLongerThanTheLeaseDurationKeepsItsPartition()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        var slow = new SlowStore(store);
        await using Consecutor<int> first = Make("first", slow), second = Make("second", store);
        Task starting = first.StartAsync(Cancellation);
        await slow.Acquired.WaitAsync(Cancellation);
        await second.StartAsync(Cancellation);
        for (int third = 0; third < 9; third++) await Member.BeatAsync(store, clock, "first", "second");
        Assert.Equal("first:1", await Member.OwnersAsync(store));

        slow.GoOn();
        await starting;
        await first.SendAsync(1, Cancellation);
        await Member.UntilAsync(first, static snapshot => snapshot.Completed == 1);
        Assert.Equal("first:1", await Member.OwnersAsync(store));
    }

    [Fact]
    public async Task AStartFailsIfAnotherInstanceHasTakenTheNameDuringTheLoad()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        var slow = new SlowStore(store);
        await using Consecutor<int> first = Make("first", slow);
        Task starting = first.StartAsync(Cancellation);
        await slow.Acquired.WaitAsync(Cancellation);
        MemberInfo holder = (await store.FindGroupAsync(Member.Group, Cancellation))!.Members.Single();
        HeartbeatResult taken = await store.HeartbeatAsync(
            new(Member.Group, "first", "elsewhere", Member.LeaseTime) { Replaces = holder }, Cancellation);
        Assert.Equal(HeartbeatStatus.Accepted, taken.Status);
        for (int refused = 1; refused <= 2; refused++)         // one heartbeat at a time: the first refusal is noted by then
        {
            clock.Advance(Member.LeaseTime / 3);
            await Member.UntilAsync(() => slow.Refusals >= refused);
        }
        slow.GoOn();
        await Assert.ThrowsAsync<MemberInUseException>(() => starting);
        Assert.Equal(ConsecutorStatus.Failed, first.Snapshot().Status);
    }

    private Consecutor<int> Make(string name, IStreamStore store)
        => new("work", static source => source | (static _ => { }), Member.Options(name, store, clock));

    /// <summary>A store whose first acquisition is answered late.</summary>
    private sealed class SlowStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource acquired = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int refusals;

        public Task Acquired => acquired.Task;

        public int Refusals => Volatile.Read(ref refusals);

        public void GoOn() => goesOn.TrySetResult();

        public override async ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
            CancellationToken cancellation = default)
        {
            AcquireResult result = await base.AcquireAsync(group, partition, request, cancellation);
            acquired.TrySetResult();
            await goesOn.Task.WaitAsync(cancellation);
            return result;
        }

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            T result = await call();
            if (result is HeartbeatResult { Status: HeartbeatStatus.Refused }) Interlocked.Increment(ref refusals);
            return result;
        }
    }
}
