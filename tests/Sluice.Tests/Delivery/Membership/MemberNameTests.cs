using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A name belongs to one live process. The test simulates another process by heartbeats under another instance.</summary>
public class MemberNameTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheDefaultInstanceIdIsStableAndNamesTheProcess()
    {
        Assert.NotEqual(Environment.MachineName, new ConsecutorOptions().InstanceId);
        Assert.Equal(new ConsecutorOptions().InstanceId, new ConsecutorOptions().InstanceId);
        Assert.Contains($"-{Environment.ProcessId}-", new ConsecutorOptions().InstanceId, StringComparison.Ordinal);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task ASecondLiveProcessOfANameIsRefused()
    {
        await using var store = new MemoryStreamStore(clock);
        await OpenAsync(store);
        await store.BeatAsync(Member.Group, "me", Cancellation);
        await using Consecutor<int> second = Make(store, "me");
        Task starting = second.StartAsync(Cancellation);
        while (!starting.IsCompleted)
        {
            await store.BeatAsync(Member.Group, "me", Cancellation);
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        MemberInUseException refused = await Assert.ThrowsAsync<MemberInUseException>(() => starting);
        Assert.StartsWith("Two processes are called 'me', and the other one is at work in ", refused.Message, StringComparison.Ordinal);
        Assert.Contains("ConsecutorOptions.InstanceId", refused.Message, StringComparison.Ordinal);
        Assert.All((await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions, partition => Assert.Null(partition.Owner));
    }

    [Fact]
    public async Task ANameInUseIsRefusedThroughAnotherStoreObject()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> first = Make(new StreamStoreWrapper(store, leaveOpen: true), "me"),
            second = Make(new StreamStoreWrapper(store, leaveOpen: true), "me");
        await first.StartAsync(Cancellation);
        MemberInUseException refused = await Assert.ThrowsAsync<MemberInUseException>(() => second.StartAsync(Cancellation));
        Assert.Equal("Two members of this process are called 'me' in work:work, probably over two store objects of the same store: "
            + "this one does no work there. Share one store object, or give each member a name of its own (ConsecutorOptions.InstanceId, "
            + "SupervisorOptions.Name).", refused.Message);
        Assert.Equal("me:1", await Member.OwnersAsync(store));
        Assert.True(await first.StopAsync());
        await using Consecutor<int> third = Make(new StreamStoreWrapper(store, leaveOpen: true), "me");
        await third.StartAsync(Cancellation);        // the first one has left
    }

    [Fact]
    public async Task ASilentProcessIsReplacedAfterItsOwnLeaseDuration()
    {
        await using var store = new MemoryStreamStore(clock);
        await OpenAsync(store);
        TimeSpan lease = TimeSpan.FromMinutes(3);
        await store.HeartbeatAsync(new(Member.Group, "me", "another process", lease), Cancellation);
        await using Consecutor<int> next = Make(store, "me");
        long begun = clock.GetTimestamp();
        Task starting = next.StartAsync(Cancellation);
        while (!starting.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            for (int i = 0; i < 20; i++) await Member.NextAsync();
        }
        await starting;
        Assert.True(clock.GetElapsedTime(begun) >= lease, $"{clock.GetElapsedTime(begun)}");
        Assert.Equal("me:1", await Member.OwnersAsync(store));
        Assert.Null(next.Snapshot().Problem);
    }

    [Fact]
    public async Task AReplacedMemberFails()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> first = Make(store, "me");
        await first.StartAsync(Cancellation);
        MemberInfo silent = (await store.FindGroupAsync(Member.Group, Cancellation))!.Members.Single();
        await store.HeartbeatAsync(new(Member.Group, "me", "another process", Member.LeaseTime) { Replaces = silent }, Cancellation);
        while (!first.Completion.IsCompleted)
        {
            clock.Advance(Member.LeaseTime / 3);
            await Member.NextAsync();
        }
        await Assert.ThrowsAsync<MemberInUseException>(() => first.Completion);
        Assert.Equal("another process", (await store.FindGroupAsync(Member.Group, Cancellation))!.Members.Single().Instance);
    }

    /// <remarks>Regression: the quick member took the slow member for dead.</remarks>
    [Fact]
    public async Task MembersMayHaveDifferentLeaseDurations()
    {
        await using var store = new MemoryStreamStore(clock);
        TimeSpan slowly = TimeSpan.FromMinutes(6);
        await using Consecutor<int> slow = Make(store, "slow", slowly), quick = Make(store, "quick");
        await slow.StartAsync(Cancellation);
        await quick.StartAsync(Cancellation);
        for (int round = 0; round < 60; round++)
        {
            // Of 12 heartbeats of the quick member, one is also due for the slow member.
            await Member.BeatAsync(store, clock, round % 12 == 11 ? ["quick", "slow"] : ["quick"]);
            for (int i = 0; i < 20; i++) await Member.NextAsync();
            Assert.Equal("slow:1", await Member.OwnersAsync(store));
        }
    }

    private Consecutor<int> Make(IStreamStore store, string name, TimeSpan? lease = null)
        => new("work", source => source | (_ => { }),
        Member.Options(name, store, clock) with { LeaseDuration = lease ?? Member.LeaseTime });

    private static async Task OpenAsync(MemoryStreamStore store)
    {
        await store.OpenStreamAsync("work", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Member.Group, cancellation: Cancellation);
    }
}
