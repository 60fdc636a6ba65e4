using Sluice.Delivery;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests;

public sealed class SenderRowTests
{
    private readonly TestClock clock = new();

    [Fact]
    public async Task AThousandStartsLeaveFewSendersInTheStore()
    {
        await using var store = new MemoryStreamStore(clock);
        await SenderRows.CheckAsync(store, clock, 1000);
    }

    [Fact]
    public async Task ASenderThatRestsForDaysCanStillSend()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> rests = SenderRows.New(store, clock, "rests"), sends = SenderRows.New(store, clock, "sends");
        for (int i = 0; i < 3; i++)
        {
            await rests.SendAsync(i);
            await sends.SendAsync(i);
            clock.Advance(TimeSpan.FromDays(2));
        }
        Assert.Equal(6, (await store.FindStreamAsync("orders"))!.Appended);
        Assert.Null(rests.Snapshot().Loss);
    }

    /// <summary>Two days pass for the store, and no time for this process: its timestamps stand still.</summary>
    [Fact]
    public async Task ASenderWhoseMachineHasSleptCanStillSend()
    {
        await using var store = new MemoryStreamStore(clock);
        var standing = new WallClock(new TestClock());
        await using Consecutor<int> sleeps = SenderRows.New(store, standing, "sleeps"), sends = SenderRows.New(store, clock, "sends");
        for (int i = 0; i < 3; i++)
        {
            await sleeps.SendAsync(i);
            await sends.SendAsync(i);
            clock.Advance(TimeSpan.FromDays(2));
            standing.Jump(TimeSpan.FromDays(2));
        }
        Assert.Equal(6, (await store.FindStreamAsync("orders"))!.Appended);
        Assert.Null(sleeps.Snapshot().Loss);
    }

    [Fact]
    public async Task AnAppendIsRefusedOnceItsSenderIsForgotten()
    {
        await using var store = new MemoryStreamStore(clock);
        Consecutor<int> ended = SenderRows.New(store, clock, "ended");
        await using Consecutor<int> sends = SenderRows.New(store, clock, "sends");
        await ended.SendAsync(1);
        await ended.DisposeAsync();
        clock.Advance(TimeSpan.FromHours(1));
        await sends.SendAsync(2);

        using var late = new EntryBatch();
        late.Add("1"u8);
        await Assert.ThrowsAsync<StoreRolledBackException>(async () => await store.AppendAsync(new("orders", "ended/send", 1, 1, late)));
        Assert.Equal(2, (await store.FindStreamAsync("orders"))!.Appended);
    }

    /// <summary>The supervisor of a function that sends looks at it: a loss in its own store is no failure of the function.</summary>
    [Fact]
    public async Task ALossThatASenderFindsNamesTheStore()
    {
        await using var store = new MemoryStreamStore(clock);
        var options = new ConsecutorOptions { Store = store };
        var identity = new ConsecutorIdentity("orders", options, new());
        var stream = new ConsecutorStream(identity.Group, options, keepsState: false, store);
        var loss = Assert.Throws<StoreRolledBackException>(() => AppendAnswer.IsFull(identity, stream, "sends/send", resumes: false,
            new(AppendStatus.Gap, 0, null), first: 2));
        Assert.Same(store, loss.Store);
    }

    /// <remarks>Formerly kept for ever: names like that of a container are new with each deployment.</remarks>
    [Fact]
    public async Task ASenderUnderAFixedNameIsForgottenAfterAMonth()
    {
        await using var store = new MemoryStreamStore(clock);
        for (int i = 0; i < 20; i++)
        {
            await using Consecutor<int> pod = SenderRows.New(store, clock, $"pod-{i}", isUnique: false);
            await pod.SendAsync(i);
        }
        await using Consecutor<int> sends = SenderRows.New(store, clock, "sends");
        clock.Advance(TimeSpan.FromDays(29));
        await sends.SendAsync(1);
        Assert.Equal(1, (await store.OpenProducerAsync("orders", "pod-0/send")).Last);
        clock.Advance(TimeSpan.FromDays(2));
        await sends.SendAsync(2);
        Assert.Equal(0, (await store.OpenProducerAsync("orders", "pod-1/send")).Last);
    }

    [Fact]
    public async Task ASenderUnderAFixedNameThatRestsForMonthsCanStillSend()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> rests = SenderRows.New(store, clock, "rests", isUnique: false);
        await using Consecutor<int> sends = SenderRows.New(store, clock, "sends");
        for (int i = 0; i < 3; i++)
        {
            await rests.SendAsync(i);
            clock.Advance(TimeSpan.FromDays(40));
            await sends.SendAsync(i);
        }
        Assert.Equal(6, (await store.FindStreamAsync("orders"))!.Appended);
        Assert.Null(rests.Snapshot().Loss);
    }
}
