using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>An accepted entry that the store can no longer read stops its partition only, or becomes a dead letter.</summary>
public class DamagedEntryTests
{
    private const int Partitions = 8, Items = 40;

    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<int> started = new();
    private readonly ConcurrentQueue<string> warnings = new();
    private readonly List<int> damaged = [];         // the damaged entry and those behind it in its partition
    private int calls;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADamagedEntryStopsOnlyItsPartition(bool keepsOrder)
    {
        await using var store = new MemoryStreamStore(clock);
        int partition = await SendAndDamageAsync(store);
        await using Consecutor<int> consecutor = Make(store, keepsOrder, DamagePolicy.Stop);
        await consecutor.StartAsync(Cancellation);
        await Member.UntilAsync(() => consecutor.Snapshot() is { InFlight: 0, Stopped.Count: 1 } now
            && now.Completed == Items - damaged.Count);
        string owners = await EpochsAsync(store);
        for (int i = 0; i < 3; i++) await Member.BeatAsync(store, clock, "one");
        ConsecutorSnapshot stopped = consecutor.Snapshot();
        Assert.Equal(Enumerable.Range(0, Items).Except(damaged), started.Order());
        Assert.Equal(partition, stopped.Stopped.Single().Partition);
        Assert.Contains($"work/{partition}/", stopped.Problem, StringComparison.Ordinal);
        Assert.True(stopped is { Pending: > 0, Unaccounted: 0 } && stopped.Pending == damaged.Count, $"{stopped}");
        // the other partitions were not acquired again
        Assert.Equal(owners.Split(' ').Where((_, at) => at != partition),
            (await EpochsAsync(store)).Split(' ').Where((_, at) => at != partition));

        // The pauses grow to about a minute: an hour has some 60 retries, of two or three leases each.
        calls = 0;
        for (int i = 0; i < 360; i++) await Member.BeatAsync(store, clock, "one");
        Assert.True(Volatile.Read(ref calls) <= 250, $"{calls} leases");
        while (Volatile.Read(ref calls) < 10) await Member.BeatAsync(store, clock, "one");         // a busy machine retries later
        Assert.Equal(stopped.Stopped.Single().Message, Assert.Single(warnings));          // once for the damage, not for each retry

        store.Damage("work", partition, stopped.Stopped.Single().Entries!.Value.First);          // the same bit once more: repaired
        Task idle = consecutor.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted) await Member.BeatAsync(store, clock, "one");
        await idle;
        ConsecutorSnapshot end = consecutor.Snapshot();
        Assert.True(end is { Completed: Items, Dead: 0, Stopped.Count: 0, Problem: null, Unaccounted: 0 }, $"{end}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADamagedEntryBecomesADeadLetterAndItsPartitionGoesOn(bool keepsOrder)
    {
        await using var store = new MemoryStreamStore(clock);
        int partition = await SendAndDamageAsync(store);
        await using Consecutor<int> consecutor = Make(store, keepsOrder, DamagePolicy.DeadLetter);
        await consecutor.StartAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        ConsecutorSnapshot end = consecutor.Snapshot();
        Assert.True(end is { Accepted: Items, Completed: Items - 1, Dead: 1, Stopped.Count: 0, Unaccounted: 0 }, $"{end}");
        StoredDeadLetter letter = (await store.ListDeadAsync(Member.Group, cancellation: Cancellation)).Single();
        Assert.Contains($"work/{partition}/", letter.Error, StringComparison.Ordinal);
        Assert.True(letter.Entry.Payload.Length > EntryChunk.RecordOverhead, "what there is of its bytes is kept");
    }

    /// <remarks>The process died while all items were in flight, so all are suspects, each to be run alone.</remarks>
    [Theory]
    [InlineData(DamagePolicy.Stop)]
    [InlineData(DamagePolicy.DeadLetter)]
    public async Task ADamagedSuspectDoesNotHoldUpTheOthers(DamagePolicy policy)
    {
        await using var store = new MemoryStreamStore(clock);
        await SendAsync(store);
        for (int i = 0; i < Partitions; i++)
        {
            AcquireResult taken = await store.AcquireAsync(Member.Group, i, new("dead"), Cancellation);
            await store.LeaseAsync(new([taken.Ownership]), Cancellation);
        }
        int partition = await DamageAsync(store);
        await using Consecutor<int> consecutor = Make(store, keepsOrder: false, policy);
        await consecutor.StartAsync(Cancellation);
        while (consecutor.Snapshot() is { } now && now.Completed + now.Dead < (policy == DamagePolicy.Stop ? Items - damaged.Count : Items))
            await Member.BeatAsync(store, clock, "one");
        ConsecutorSnapshot end = consecutor.Snapshot();
        Assert.Equal(policy == DamagePolicy.Stop ? 0 : 1, end.Dead);
        Assert.Equal(0, end.Unaccounted);
        Assert.Equal(policy == DamagePolicy.Stop, end.Stopped.Any(stopped => stopped.Partition == partition));
    }

    /// <summary>Nothing tells the former owner but its heartbeats.</summary>
    [Fact]
    public async Task AMemberForgetsTheStopOfAPartitionThatAnotherMemberHasTaken()
    {
        await using var store = new MemoryStreamStore(clock);
        int partition = await SendAndDamageAsync(store);
        await using Consecutor<int> consecutor = Make(store, keepsOrder: false, DamagePolicy.Stop);
        await consecutor.StartAsync(Cancellation);
        await Member.UntilAsync(() => consecutor.Snapshot() is { InFlight: 0, Stopped.Count: 1 } now
            && now.Completed == Items - damaged.Count);
        for (int beat = 0; beat < 3; beat++) await BeatBothAsync();     // no member acquires a partition of one that it knows to live
        await store.AcquireAsync(Member.Group, partition, new("other"), Cancellation);
        var rounds = new Rounds(50);
        while (consecutor.Snapshot() is var now && (now.Stopped.Count > 0 || now.Problem is not null))
        {
            Assert.True(await rounds.GoOnAsync(), $"{now}");
            await BeatBothAsync();
        }
        Assert.Equal("other", (await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions[partition].Owner);

        async Task BeatBothAsync()
        {
            await store.HeartbeatAsync(new(Member.Group, "other", "other process", Member.LeaseTime), Cancellation);
            await Member.BeatAsync(store, clock, "one");
        }
    }

    private async Task<int> SendAndDamageAsync(MemoryStreamStore store)
    {
        await SendAsync(store);
        return await DamageAsync(store);
    }

    private async Task SendAsync(MemoryStreamStore store)
    {
        await using Consecutor<int> sender = Make(store, keepsOrder: true, DamagePolicy.Stop);
        for (int n = 0; n < Items; n++) await sender.SendAsync(n, Cancellation);
    }

    /// <summary>Damages the second entry of a partition that has three at least.</summary>
    private async Task<int> DamageAsync(MemoryStreamStore store)
    {
        for (int partition = 0; ; partition++)
        {
            Entry[] entries = (await store.ReadAsync(new("work", partition, 1), Cancellation)).Entries.ToArray();
            if (entries.Length < 3) continue;
            damaged.AddRange(entries[1..].Select(entry => int.Parse(entry.Payload.Span,
                System.Globalization.CultureInfo.InvariantCulture)));
            Assert.True(store.Damage("work", partition, entries[1].Sequence));
            return partition;
        }
    }

    private Consecutor<int> Make(MemoryStreamStore store, bool keepsOrder, DamagePolicy policy)
        => new("work", source => source | (started.Enqueue),
        Member.Options("one", new CountingStore(store, () => Interlocked.Increment(ref calls)), clock, Partitions) with
        {
            OnDamage = policy,
            OnWarning = warnings.Enqueue
        })
        { Key = keepsOrder ? n => $"{n}" : null };

    private static async Task<string> EpochsAsync(MemoryStreamStore store)
        => string.Join(' ', (await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions.Select(partition => partition.Epoch));

    private sealed class CountingStore(IStreamStore inner, Action leased) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            leased();
            return base.LeaseAsync(request, cancellation);
        }
    }
}
